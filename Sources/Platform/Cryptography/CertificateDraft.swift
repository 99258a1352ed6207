import COpenSSL
import CommonValues
import SPIFFE

/// A certificate being made.
///
/// SAFETY: `certificate` is private, never nil, and freed once.
@safe
struct CertificateDraft: ~Copyable {
    private let certificate: OpaquePointer
    private var issuer: Certificate?

    /// - Parameter key: On P-256.
    init(key: PrivateKey, notBefore: UnixTime, notAfter: UnixTime) throws(CryptographyError) {
        ERR_clear_error()
        guard let certificate = unsafe X509_new() else { throw CryptographyError(drainingQueueAfter: "out of memory") }
        let version3: CLong = 2
        let done =
            unsafe X509_set_version(certificate, version3) == 1
            && COpenSSL_set_p256_key_bytes(certificate, key.pointer) == 1
            && COpenSSL_set_random_serial(certificate) == 1
            && ASN1_TIME_set(X509_getm_notBefore(certificate), time_t(notBefore.seconds)) != nil
            && ASN1_TIME_set(X509_getm_notAfter(certificate), time_t(notAfter.seconds)) != nil
        guard done else {
            unsafe X509_free(certificate)
            throw CryptographyError(drainingQueueAfter: "cannot make a certificate")
        }
        unsafe self.certificate = unsafe certificate
    }

    deinit { unsafe X509_free(certificate) }

    /// - Parameters: each cut off after 64 bytes, as X.520 limits them.
    func setSubject(organization: String, name: String?) throws(CryptographyError) {
        let subject = unsafe X509_get_subject_name(certificate)
        for case (let field, let value?) in [("O", organization), ("CN", name)] {
            let bytes = Array(value.utf8.prefix(64))
            guard
                unsafe X509_NAME_add_entry_by_txt(subject, field, COpenSSL_utf8, bytes, CInt(bytes.count), -1, 0) == 1
            else { throw CryptographyError(drainingQueueAfter: "cannot name a certificate") }
        }
    }

    /// - Parameter issuer: `nil` for a certificate that signs itself; call `setSubject` before.
    mutating func setIssuer(_ issuer: Certificate?) throws(CryptographyError) {
        self.issuer = issuer
        let name = unsafe X509_get_subject_name(issuer?.pointer ?? certificate)
        guard unsafe X509_set_issuer_name(certificate, name) == 1 else {
            throw CryptographyError(drainingQueueAfter: "cannot name a certificate's issuer")
        }
    }

    /// The profile of a certificate that signs others (X509-SVID § 4.1).
    /// - Parameters:
    ///   - name: The word in the subject that tells a root from a signing certificate: one with its issuer's own name would count
    ///     as a root. A mark by chance follows it.
    ///   - parent: `nil` for a root.
    mutating func becomeAuthority(
        of trustDomain: TrustDomain, name: String, under parent: Certificate?, _ constraints: String
    ) throws(CryptographyError) {
        let mark = String(UInt32.random(in: .min ... .max), radix: 16)
        try setSubject(organization: trustDomain.name, name: "Heddle \(name) \(mark)")
        try setIssuer(parent)
        try add(NID_basic_constraints, constraints)
        try add(NID_key_usage, "critical,keyCertSign,cRLSign")
        try add(NID_subject_key_identifier, "hash")
        if parent != nil { try add(NID_authority_key_identifier, "keyid,issuer") }
        try addURI("spiffe://\(trustDomain.name)")
    }

    /// - Parameter value: As in openssl.cnf (x509v3_config(5)).
    func add(_ extensionID: CInt, _ value: String) throws(CryptographyError) {
        guard
            unsafe COpenSSL_add_extension(certificate, issuer?.pointer ?? certificate, extensionID, value) == 1
        else { throw CryptographyError(drainingQueueAfter: "cannot add \"\(value)\" to a certificate") }
    }

    func addURI(_ uri: String) throws(CryptographyError) {
        let bytes = Array(uri.utf8.map { CChar(bitPattern: $0) })
        guard unsafe COpenSSL_add_uri_name(certificate, bytes, CInt(bytes.count)) == 1 else {
            throw CryptographyError(drainingQueueAfter: "cannot add \"\(uri)\" to a certificate")
        }
    }

    func sign(with key: PrivateKey) throws(CryptographyError) -> Certificate {
        guard unsafe X509_sign(certificate, key.pointer, key.signingDigest) > 0,
            let signed = unsafe COpenSSL_read_back(certificate)
        else { throw CryptographyError(drainingQueueAfter: "cannot sign a certificate") }
        return unsafe Certificate(owning: signed)
    }
}

extension PrivateKey {
    /// The digest that certificates are signed with by this key; `nil` if it is of no kind that authorities may use.
    var signingDigest: OpaquePointer? {
        switch kind {
        case .ec(curve: "P-256"): unsafe EVP_sha256()
        case .ec(curve: "P-384"): unsafe EVP_sha384()
        case .rsa(let bits) where bits >= 2048: unsafe EVP_sha256()
        default: nil
        }
    }
}
