import COpenSSL
package import CommonValues
import Cryptography
package import SPIFFE

/// Whom a peer proved to be.
package struct VerifiedPeer: Hashable, Sendable {
    package let id: SPIFFEID
    /// When the first certificate of its chain ends: from then on it would be refused.
    package let notAfter: UnixTime
}

/// What is asked of a peer's certificate: the checks of X509-SVID § 5 on top of RFC 5280's.
struct PeerVerification {
    let bundle: TrustBundle
    /// The peer is the one who connected.
    let isCaller: Bool
    /// Those that may answer; `nil`: any of the trust domain.
    let acceptableIDs: Set<SPIFFEID>?

    /// - Parameter context: An `X509_STORE_CTX *` with the peer's chain, its store the trust bundle's.
    /// - Returns: Who the peer is, or why it is refused; then `context` carries an error that fits, which names the alert.
    @unsafe
    func verify(_ context: OpaquePointer) -> Result<VerifiedPeer, PeerRejection> {
        let key = unsafe X509_STORE_CTX_get0_cert(context).flatMap { unsafe VerifiedPeers.Key($0, isCaller: isCaller) }
        let verdict: Result<VerifiedPeer, PeerRejection>
        if let key, let known = bundle.verified.peer(key, at: .now) {
            unsafe X509_STORE_CTX_set_error(context, X509_V_OK)
            unsafe COpenSSL_share_peer(context, known.certificate.pointer)
            verdict = .success(known.peer)
        } else {
            verdict = unsafe verifyChain(context).map { id in
                let time = unsafe VerifiedPeers.time(context)
                if let key { unsafe bundle.verified.remember(key, as: id, time, context) }
                return VerifiedPeer(id: id, notAfter: time.upperBound)
            }
        }
        guard case .success(let peer) = verdict, let acceptableIDs, !acceptableIDs.contains(peer.id) else {
            return verdict
        }
        unsafe X509_STORE_CTX_set_error(context, CInt(X509_V_ERR_APPLICATION_VERIFICATION))
        return .failure(.unexpectedService)
    }

    private func verifyChain(_ context: OpaquePointer) -> Result<SPIFFEID, PeerRejection> {
        let chainIsGood = unsafe X509_verify_cert(context) == 1
        guard let leaf = unsafe X509_STORE_CTX_get0_cert(context) else { return .failure(.noCertificate) }
        if !chainIsGood {
            let rejection = unsafe Self.rejection(context)
            // Of two reasons the one that helps: a stranger's root is unknown because the stranger is from elsewhere.
            if rejection == .unknownAuthority, case .one(let uri) = unsafe URINames(of: leaf),
                let id = SPIFFEID(bytes: uri), id.trustDomain != bundle.trustDomain
            {
                return .failure(.otherTrustDomain)
            }
            return .failure(rejection)
        }
        var verdict = unsafe judgeLeaf(leaf)
        if case .success = verdict, !(unsafe Self.hasAuthoritiesAbove(context)) { verdict = .failure(.invalidChain) }
        if case .failure = verdict {
            unsafe X509_STORE_CTX_set_error(context, CInt(X509_V_ERR_APPLICATION_VERIFICATION))
        }
        return verdict
    }

    /// Whether all above the leaf say that they may sign. OpenSSL also takes certificates that say so in older ways, such as
    /// key usage without basic constraints.
    private static func hasAuthoritiesAbove(_ context: OpaquePointer) -> Bool {
        guard let chain = unsafe X509_STORE_CTX_get0_chain(context) else { return false }
        return (1..<max(1, unsafe COpenSSL_certificates_count(chain))).allSatisfy { index in
            guard let certificate = unsafe COpenSSL_certificates_value(chain, index) else { return false }
            return unsafe CertificatePermissions(of: certificate).isAuthority
        }
    }

    private func judgeLeaf(_ leaf: OpaquePointer) -> Result<SPIFFEID, PeerRejection> {
        let permissions = unsafe CertificatePermissions(of: leaf)
        if permissions.claimsAuthority { return .failure(.notALeaf) }
        guard !permissions.isBroken else { return .failure(.invalidChain) }
        guard permissions.allowsAuthentication else { return .failure(.wrongKeyUsage) }
        switch unsafe URINames(of: leaf) {
        case .none: return .failure(.noSPIFFEID)
        case .several: return .failure(.severalSPIFFEIDs)
        case .one(let uri):
            // A workload's ID has a path; without one it names the trust domain (X509-SVID § 2).
            guard let id = SPIFFEID(bytes: uri), !id.path.isEmpty else { return .failure(.badSPIFFEID) }
            guard id.trustDomain == bundle.trustDomain else { return .failure(.otherTrustDomain) }
            return .success(id)
        }
    }

    /// What `X509_verify_cert` found.
    private static func rejection(_ context: OpaquePointer) -> PeerRejection {
        let isLeaf = unsafe X509_STORE_CTX_get_error_depth(context) == 0
        switch unsafe X509_STORE_CTX_get_error(context) {
        case X509_V_ERR_CERT_HAS_EXPIRED: return isLeaf ? .expired : .authorityExpired
        case X509_V_ERR_CERT_NOT_YET_VALID: return isLeaf ? .notYetValid : .invalidChain
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_CERT_SIGNATURE_FAILURE,
            X509_V_ERR_CERT_CHAIN_TOO_LONG:
            return .unknownAuthority
        case X509_V_ERR_INVALID_PURPOSE where isLeaf: return .wrongKeyUsage
        default: return .invalidChain
        }
    }
}
