import CommonValues
import Cryptography
import SPIFFE

/// Which roots are trusted, and those that have gone until when: old and new stand side by side until no certificate of the
/// old one can be left anywhere in the mesh.
struct TrustRecord: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let certificate: Certificate
        /// `nil` while the authority has it.
        let until: UnixTime?
    }

    private(set) var entries: [Entry] = []

    /// Most roots kept that have gone, trusted or not: by the clock alone none is forgotten, as a clock that was ahead for a
    /// moment would have them forgotten for good. Beyond it the oldest goes early: authorities do not change that often.
    static let previousLimit = 16

    init() {}

    /// Those that are trusted.
    func roots(at now: UnixTime) -> [Certificate] {
        entries.compactMap { entry in entry.until.map { now < $0 } ?? true ? entry.certificate : nil }
    }

    /// Those of them that have gone.
    func former(at now: UnixTime) -> [FormerRoot] {
        entries.compactMap { entry in
            guard let until = entry.until, now < until else { return nil }
            return FormerRoot(certificate: entry.certificate, until: until)
        }
    }

    private func has(_ certificate: Certificate) -> Bool { entries.contains { $0.certificate == certificate } }

    /// The record once the authority has `current`: roots it lost stay for the longest life of a certificate.
    func following(_ current: [Certificate], at now: UnixTime) -> TrustRecord {
        var next = TrustRecord()
        for certificate in current where !next.has(certificate) {
            next.entries.append(Entry(certificate: certificate, until: nil))
        }
        var previous: [Entry] = []
        for entry in entries where !next.has(entry.certificate) {
            let until = entry.until ?? min(now + IssuingSettings.longestTTL, entry.certificate.notAfter)
            previous.append(Entry(certificate: entry.certificate, until: until))
        }
        previous.sort { ($0.until ?? now) > ($1.until ?? now) }
        next.entries += previous.prefix(Self.previousLimit)
        return next
    }

    // MARK: The file

    private static let untilMark = "# until: "

    static func fileName(_ trustDomain: TrustDomain) -> String { "bundle-\(trustDomain.name.prefix(200)).pem" }

    /// PEM with a line above each root that has gone: `# until: <seconds since 1970>`.
    func fileContents() throws(CryptographyError) -> [UInt8] {
        var bytes = Array("# The trust bundle of this mesh. Written by heddle; changes are overwritten.\n".utf8)
        for entry in entries {
            if let until = entry.until { bytes += Array("\(Self.untilMark)\(until.seconds)\n".utf8) }
            bytes += try entry.certificate.pem()
        }
        return bytes
    }

    /// - Returns: `nil` for anything that `fileContents` does not write. To forget roots that have gone is safe.
    init?(fileContents: [UInt8]) {
        var until: UnixTime?
        var block: [UInt8] = []
        for line in fileContents.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: Self.untilMark.utf8) {
                let digits = String(decoding: line.dropFirst(Self.untilMark.utf8.count), as: UTF8.self)
                guard let seconds = Int64(digits) else { return nil }
                until = UnixTime(seconds: seconds)
            } else if line.first != UInt8(ascii: "#") {
                block += line + [UInt8(ascii: "\n")]
            }
            if line.elementsEqual("-----END CERTIFICATE-----".utf8) {
                guard let certificate = try? Certificate.all(pem: block, origin: "the trust bundle").first else {
                    return nil
                }
                entries.append(Entry(certificate: certificate, until: until))
                until = nil
                block = []
            }
        }
        guard block.isEmpty else { return nil }
    }
}
