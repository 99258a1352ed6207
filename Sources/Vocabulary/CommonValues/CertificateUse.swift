/// What a certificate that is no workload's is used for.
package enum CertificateUse: String, Sendable, Hashable, CaseIterable {
    /// The authority's, which signs for this node's workloads.
    case signing
    /// Whatever it has signed is believed.
    case trusted
    /// Gone from the authority's file, and believed for a while yet, which may end before its own time does.
    case former
    /// Shown by a Gateway, or of the chain that is.
    case gateway
}
