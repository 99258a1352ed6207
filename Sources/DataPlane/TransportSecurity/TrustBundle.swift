import COpenSSL
package import Cryptography
package import SPIFFE

/// The roots that a trust domain's certificates are checked against. Made once and shared by every context, because
/// OpenSSL's store costs more to make than a handshake may.
///
/// SAFETY: `store` is private to this module, never nil, freed once, and not changed after `init`; OpenSSL locks it and
/// counts its references atomically.
@safe
package final class TrustBundle: @unchecked Sendable {
    package let trustDomain: TrustDomain
    package let roots: [Certificate]
    let store: OpaquePointer
    /// Whom its roots were found to vouch for; goes with them.
    let verified = VerifiedPeers()

    /// - Throws: `unsuitableCertificate` if `roots` is empty or holds one that may not sign certificates.
    package init(trustDomain: TrustDomain, roots: [Certificate]) throws(CryptographyError) {
        ERR_clear_error()
        guard !roots.isEmpty else { throw CryptographyError(.unsuitableCertificate, "a trust bundle needs a root") }
        guard let store = unsafe X509_STORE_new() else { throw CryptographyError(drainingQueueAfter: "out of memory") }
        self.trustDomain = trustDomain
        self.roots = roots
        unsafe self.store = unsafe store
        for root in roots {
            guard root.isAuthority else {
                throw CryptographyError(.unsuitableCertificate, "certificate \(root.serial) may not sign others")
            }
            guard unsafe X509_STORE_add_cert(store, root.pointer) == 1 else {
                throw CryptographyError(drainingQueueAfter: "cannot take up root \(root.serial)")
            }
        }
        // An authority of the operator's may be an intermediate one: then it is the root of this mesh, not what is above.
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        unsafe X509_STORE_set_depth(store, 4)
    }

    deinit { unsafe X509_STORE_free(store) }
}
