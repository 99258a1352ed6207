/// Why a peer's certificate was refused. The raw values are stable: counters and logs carry them.
package enum PeerRejection: String, Error, Hashable, Sendable, CaseIterable {
    /// The peer showed none.
    case noCertificate = "no-certificate"
    /// The leaf's time is over.
    case expired
    /// The leaf's time has not begun.
    case notYetValid = "not-yet-valid"
    /// The chain is good but for an authority whose time is over.
    case authorityExpired = "authority-expired"
    /// No chain to a root of the trust bundle.
    case unknownAuthority = "unknown-authority"
    /// A SPIFFE ID of another trust domain.
    case otherTrustDomain = "other-trust-domain"
    /// No URI among the subject's alternative names.
    case noSPIFFEID = "no-spiffe-id"
    /// More than one URI among them (X509-SVID § 2).
    case severalSPIFFEIDs = "several-spiffe-ids"
    /// A URI that is not the SPIFFE ID of a workload.
    case badSPIFFEID = "bad-spiffe-id"
    /// A certificate that may sign others (X509-SVID § 5.1, § 5.2).
    case notALeaf = "not-a-leaf"
    /// A leaf whose key usage does not allow TLS (X509-SVID § 5.2).
    case wrongKeyUsage = "wrong-key-usage"
    /// A callee that is no service account of the service the caller meant.
    case unexpectedService = "unexpected-service"
    /// Anything else that X.509 path validation (RFC 5280 § 6) refuses.
    case invalidChain = "invalid-chain"
}
