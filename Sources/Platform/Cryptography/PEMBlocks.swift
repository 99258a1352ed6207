/// Which blocks a file in PEM names (RFC 7468), so that people are told what it holds when it is the wrong file.
package struct PEMBlocks {
    /// Of the lines `-----BEGIN …-----`, the first hundred.
    private let labels: [String]
    /// A key in OpenSSL's own older form that a passphrase locks (RFC 1421 § 4.6.1.1).
    private let isLockedInOldForm: Bool

    package init(_ pem: [UInt8]) {
        let begin = Array("-----BEGIN ".utf8)
        var labels: [String] = []
        var isLocked = false
        for line in pem.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            if line.starts(with: begin), labels.count < 100 {
                let label = line.dropFirst(begin.count).prefix { $0 != UInt8(ascii: "-") }
                labels.append(String(decoding: label, as: UTF8.self))
            }
            isLocked = isLocked || line.elementsEqual("Proc-Type: 4,ENCRYPTED".utf8)
        }
        self.labels = labels
        isLockedInOldForm = isLocked
    }

    private var hasCertificate: Bool { labels.contains { $0.hasSuffix("CERTIFICATE") } }
    private var hasKey: Bool { labels.contains { $0.hasSuffix("PRIVATE KEY") } }

    package var holdsPrivateKey: Bool { hasKey }

    package var isOfCertificatesAlone: Bool { hasCertificate && !hasKey }

    /// Why no certificate could be read; a clause that follows on a file's name.
    var certificateMistake: String {
        if hasCertificate { return "holds a certificate that is damaged" }
        if hasKey { return "holds a private key, and no certificate: the two files may be named the wrong way round" }
        return labels.isEmpty ? "holds no PEM" : "holds no certificate"
    }

    /// Why no private key could be read; a clause that follows on a file's name.
    package var keyMistake: String {
        if labels.contains("ENCRYPTED PRIVATE KEY") || isLockedInOldForm {
            return "holds a private key that a passphrase locks: nobody is there to type it, so write it unlocked "
                + "(openssl pkey -in FILE -out FILE)"
        }
        if hasKey { return "holds a private key that is damaged, or of a kind that is not known" }
        if hasCertificate {
            return "holds a certificate, and no private key: the two files may be named the wrong way round"
        }
        return labels.isEmpty ? "holds no PEM" : "holds no private key"
    }
}
