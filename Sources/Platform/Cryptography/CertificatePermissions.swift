import COpenSSL

/// What a certificate says it may be used for (RFC 5280 § 4.2.1), each fact from the extension that states it and from no
/// other: `X509_check_ca`, for one, answers from several of them what suits path validation, and says "no authority" of one
/// that claims CA:TRUE without the key usage for it.
package struct CertificatePermissions {
    /// An extension that was to be read is malformed, or stands there twice: what the others say cannot be relied upon.
    package let isBroken: Bool
    /// Basic constraints with CA:TRUE.
    let isCA: Bool
    /// The bits of key usage; `nil`: there is no such extension.
    let keyUsage: UInt32?

    /// - Parameter certificate: An `X509 *`.
    @unsafe
    package init(of certificate: OpaquePointer) {
        let flags = unsafe X509_get_extension_flags(certificate)
        isBroken = flags & UInt32(EXFLAG_INVALID) != 0
        isCA = flags & UInt32(EXFLAG_CA) != 0
        keyUsage = flags & UInt32(EXFLAG_KUSAGE) != 0 ? unsafe X509_get_key_usage(certificate) : nil
        ERR_clear_error()  // a broken extension leaves an entry; the answer is given here
    }

    /// Whether it may sign certificates (RFC 5280 § 6.1.4 (k) and (n)): without key usage it is not restricted.
    package var isAuthority: Bool { !isBroken && isCA && keyUsage.map { $0 & UInt32(KU_KEY_CERT_SIGN) != 0 } ?? true }

    /// Whether anything in it is an authority's (X509-SVID § 5.2: neither CA nor `keyCertSign` nor `cRLSign`).
    package var claimsAuthority: Bool {
        isCA || keyUsage.map { $0 & UInt32(KU_KEY_CERT_SIGN | KU_CRL_SIGN) != 0 } ?? false
    }

    /// Whether it may prove who somebody is (X509-SVID § 4.3: a leaf has key usage with `digitalSignature`).
    package var allowsAuthentication: Bool { keyUsage.map { $0 & UInt32(KU_DIGITAL_SIGNATURE) != 0 } ?? false }
}
