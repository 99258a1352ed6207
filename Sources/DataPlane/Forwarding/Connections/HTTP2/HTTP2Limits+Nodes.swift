import WireProtocols

extension HTTP2Limits {
    /// Resets of a node, in terms of a caller's: it stands for all its callers, and what many of them give up is more than
    /// one may.
    private static let nodeResetFactor = 100
    /// Fields that nodes and filters add to a head that a node has taken.
    private static let addedFields = 256
    /// Their bytes.
    private static let addedBytes = 64 * 1024

    /// What one node takes from another. What the first has taken from a caller or a workload, HTTP/1.1's way of counting
    /// included, the second does not refuse for what was added to it.
    var betweenNodes: HTTP2Limits {
        var limits = self
        limits.resets *= Self.nodeResetFactor
        limits.fieldCount += Self.addedFields
        limits.headerListByteCount += 32 * limits.fieldCount + Self.addedBytes
        // Its canonical form is longer than what the caller wrote, and a rewrite makes it longer still.
        limits.targetByteCount = limits.headerListByteCount
        return limits
    }
}
