extension ResourceKind {
    package static let node = Self("Node", scope: .mesh)
}

/// A host of the mesh.
package struct Node: Resource {
    package static let kind = ResourceKind.node
    package var metadata: Metadata
    /// Where other nodes reach its mutual-TLS inbound port.
    package var address: Located<SocketAddress>
}
