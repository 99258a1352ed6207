extension ResourceKind {
    package static let node = Self("Node", scope: .mesh)
}

/// A host of the mesh.
package struct Node: Resource {
    package static let kind = ResourceKind.node
    package var metadata: Metadata
    /// Where other nodes reach its mutual-TLS inbound port.
    package var address: Located<SocketAddress>
    /// One address for all workloads of the host: who calls there is the workload whose selectors its process matches.
    package var outboundListen: Located<SocketAddress>?
}
