import COpenSSL
import CommonValues
import SPIFFE

/// A certificate chain and the key of its leaf, which are known to belong together.
package struct TLSCredentials: Sendable {
    /// The leaf, then what leads to a root, which is left out.
    package let chain: [Certificate]
    package let key: PrivateKey
    /// `chain` without its leaf, as OpenSSL wants it.
    let intermediates: CertificateStack?

    package var leaf: Certificate { chain[0] }

    /// - Parameter origin: Where they are from, for messages.
    /// - Throws: `keyMismatch` if `key` is not the first certificate's.
    package init(chain: [Certificate], key: PrivateKey, origin: String) throws(TLSError) {
        guard let leaf = chain.first else { throw TLSError(.malformedPEM, "no certificate in \(origin)") }
        guard leaf.belongs(to: key) else {
            throw TLSError(.keyMismatch, "the key is not the first certificate's in \(origin)")
        }
        self.chain = chain
        self.key = key
        intermediates = chain.count > 1 ? try CertificateStack(chain.dropFirst()) : nil
    }
}

/// An X.509-SVID: a workload's SPIFFE ID, and the credentials that prove it.
package struct X509SVID: Sendable {
    package let id: SPIFFEID
    package let credentials: TLSCredentials
    package let notBefore: UnixTime
    package let notAfter: UnixTime

    /// It begins earlier, for those whose clocks are behind.
    package var issuedAt: UnixTime { notBefore + SigningAuthority.clockSkew }

    /// - Throws: `unsuitableCertificate` if the leaf does not carry exactly one SPIFFE ID.
    package init(_ credentials: TLSCredentials) throws(TLSError) {
        guard let id = credentials.leaf.spiffeID else {
            throw TLSError(.unsuitableCertificate, "the certificate does not carry exactly one SPIFFE ID")
        }
        self.id = id
        self.credentials = credentials
        notBefore = credentials.leaf.notBefore
        notAfter = credentials.leaf.notAfter
    }
}

/// Certificates in the form that OpenSSL's calls take.
///
/// SAFETY: `pointer` is never nil, freed once, and never changed after `init`.
@safe
final class CertificateStack: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ certificates: some Sequence<Certificate>) throws(TLSError) {
        guard let stack = unsafe COpenSSL_certificates_new() else {
            throw TLSError(drainingQueueAfter: "out of memory")
        }
        unsafe pointer = unsafe stack
        for certificate in certificates {
            guard unsafe COpenSSL_certificates_add(pointer, certificate.pointer) == 1 else {
                throw TLSError(drainingQueueAfter: "out of memory")
            }
        }
    }

    deinit { unsafe COpenSSL_certificates_free(pointer) }
}
