package import COpenSSL
package import CommonValues
import Glibc
package import SPIFFE

/// An X.509 certificate (RFC 5280). Immutable, so that workers may share it.
///
/// SAFETY: `pointer` is never nil, freed once, and never changed after `init`; it is given to TransportSecurity alone, which
/// does not change it. OpenSSL's reference count of it is atomic and its lazy caches are locked.
@safe
package final class Certificate: @unchecked Sendable {
    package let pointer: OpaquePointer

    /// - Parameter pointer: An `X509 *` that this object owns from now on.
    package init(owning pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    deinit { unsafe X509_free(pointer) }

    /// Largest number of certificates read from one file.
    package static let fileLimit = 100

    /// All certificates in `pem`, in order; other blocks are passed over.
    /// - Parameter origin: Where it is from, for messages: a path.
    /// - Throws: `malformedPEM` if there is none, a broken one, or more than `fileLimit`.
    package static func all(pem: [UInt8], origin: String) throws(CryptographyError) -> [Certificate] {
        ERR_clear_error()
        let bio = try MemoryBIO(contents: pem)
        var certificates: [Certificate] = []
        while let next = unsafe PEM_read_bio_X509(bio.pointer, nil, nil, nil) {
            unsafe certificates.append(Certificate(owning: next))
            guard certificates.count <= fileLimit else {
                throw CryptographyError(.malformedPEM, "more than \(fileLimit) certificates in \"\(origin)\"")
            }
        }
        // PEM reading ends with "no start line"; anything else is a broken block.
        let last = ERR_peek_last_error()
        let isEnd = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE
        guard isEnd, !certificates.isEmpty else {
            ERR_clear_error()
            throw CryptographyError(.malformedPEM, "\"\(origin)\" \(PEMBlocks(pem).certificateMistake)")
        }
        ERR_clear_error()
        return certificates
    }

    /// The certificate in PEM.
    package func pem() throws(CryptographyError) -> [UInt8] {
        ERR_clear_error()
        let bio = try MemoryBIO()
        guard unsafe PEM_write_bio_X509(bio.pointer, pointer) == 1 else {
            throw CryptographyError(drainingQueueAfter: "cannot write a certificate")
        }
        return bio.contents
    }

    package var notBefore: UnixTime { unsafe Self.time(X509_get0_notBefore(pointer)) }
    package var notAfter: UnixTime { unsafe Self.time(X509_get0_notAfter(pointer)) }
    package var time: CertificateTime { CertificateTime(notBefore: notBefore, notAfter: notAfter) }

    /// The serial number in upper-case hexadecimal, as the openssl command prints it.
    package var serial: String {
        guard let number = unsafe ASN1_INTEGER_to_BN(X509_get0_serialNumber(pointer), nil) else { return "" }
        defer { unsafe BN_free(number) }
        guard let text = unsafe BN_bn2hex(number) else { return "" }
        defer { unsafe CRYPTO_free(text, nil, 0) }
        return unsafe String(cString: text)
    }

    /// Whether basic constraints and key usage allow it to sign certificates.
    package var isAuthority: Bool { unsafe CertificatePermissions(of: pointer).isAuthority }

    /// Whether it names itself as its issuer.
    package var isSelfIssued: Bool {
        unsafe X509_NAME_cmp(X509_get_subject_name(pointer), X509_get_issuer_name(pointer)) == 0
    }

    /// Whether `key` is the private half of its public key.
    package func belongs(to key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return unsafe X509_check_private_key(pointer, key.pointer) == 1
    }

    /// Its one SPIFFE ID; `nil` if it has none, several, or something else in its place.
    package var spiffeID: SPIFFEID? {
        guard case .one(let uri) = unsafe URINames(of: pointer), let id = SPIFFEID(bytes: uri) else { return nil }
        return id
    }

    @unsafe
    package static func time(_ time: UnsafePointer<ASN1_TIME>?) -> UnixTime {
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return UnixTime(seconds: 0) }
        return UnixTime(seconds: Int64(unsafe timegm(&parts)))
    }
}

extension Certificate: Equatable {
    package static func == (left: Certificate, right: Certificate) -> Bool {
        unsafe left === right || X509_cmp(left.pointer, right.pointer) == 0
    }
}
