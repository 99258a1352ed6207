import COpenSSL

/// Certificates in the form that OpenSSL's calls take.
///
/// SAFETY: `pointer` is never nil, freed once, and never changed after `init`; it is given to TransportSecurity alone, which
/// does not change it.
@safe
package final class CertificateStack: @unchecked Sendable {
    package let pointer: OpaquePointer

    init(_ certificates: some Sequence<Certificate>) throws(CryptographyError) {
        guard let stack = unsafe COpenSSL_certificates_new() else {
            throw CryptographyError(drainingQueueAfter: "out of memory")
        }
        unsafe pointer = unsafe stack
        for certificate in certificates {
            guard unsafe COpenSSL_certificates_add(pointer, certificate.pointer) == 1 else {
                throw CryptographyError(drainingQueueAfter: "out of memory")
            }
        }
    }

    deinit { unsafe COpenSSL_certificates_free(pointer) }
}
