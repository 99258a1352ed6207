import COpenSSL
import Cryptography

/// Whether OpenSSL would show certificates in a handshake. Beside the kind of their keys it judges how they are signed, by the
/// security level that is set on the host: what it refuses there, no handshake could be done with.
enum ShownChain {
    /// - Parameter origin: Where they are from, for messages.
    /// - Throws: `unsuitableCertificate`.
    static func check(_ credentials: TLSCredentials, origin: String) throws(CryptographyError) {
        let context = try TLSContext.gatewayServer(certificates: ServerCredentials())
        defer { withExtendedLifetime(context) {} }
        ERR_clear_error()
        guard let session = unsafe SSL_new(context.pointer) else {
            throw CryptographyError(drainingQueueAfter: "cannot make a session")
        }
        defer { unsafe SSL_free(session) }
        guard unsafe use(credentials, in: session) else {
            throw CryptographyError(
                .unsuitableCertificate, drainingQueueAfter: "TLS cannot show the certificates in \(origin)")
        }
    }

    /// The same of certificates that are to be shown after a leaf.
    static func check(intermediates: [Certificate], origin: String) throws(CryptographyError) {
        guard !intermediates.isEmpty else { return }
        let context = try TLSContext.gatewayServer(certificates: ServerCredentials())
        defer { withExtendedLifetime(context) {} }
        ERR_clear_error()
        for certificate in intermediates {
            guard unsafe COpenSSL_add_chain_certificate(context.pointer, certificate.pointer) == 1 else {
                throw CryptographyError(
                    .unsuitableCertificate, drainingQueueAfter: "TLS cannot show the certificates in \(origin)")
            }
        }
    }
}
