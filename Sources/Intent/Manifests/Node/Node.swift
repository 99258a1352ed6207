package import Diagnostics

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
    /// Keeps all but Heddle from the plain ports of the host's workloads; absent: whoever reaches one may use it.
    package var guarding: NodeGuard?
}

/// How a node guards the plain ports of its workloads.
package struct NodeGuard: Hashable, Sendable {
    /// What becomes of the guard when Heddle ends.
    package enum OnExit: String, Hashable, Sendable, CaseIterable {
        /// It stays: the ports are closed to all but those who may connect.
        case keep = "Keep"
        /// It is removed, when Heddle ends in order.
        case remove = "Remove"
    }

    /// Of the field.
    package var position: SourcePosition
    /// Who may connect, beside whoever Heddle runs as.
    package var users: [UserReference]
    /// Default: `keep`.
    package var onExit: OnExit
}

extension NodeGuard {
    /// Those of `users` that are names.
    package var names: [Located<String>] { users.compactMap(\.name) }
}
