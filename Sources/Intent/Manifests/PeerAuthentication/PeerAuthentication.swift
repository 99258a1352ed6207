extension ResourceKind {
    package static let peerAuthentication = Self("PeerAuthentication")
}

/// Whether services are called by whoever proves who they are alone: Istio's PeerAuthentication.
package struct PeerAuthentication: Resource {
    package static let kind = ResourceKind.peerAuthentication
    package var metadata: Metadata
    /// What it is for; empty: every service of its namespace.
    package var targets: [Target]
    package var mode: Located<PeerMode>

    package enum Target: Hashable, Sendable {
        /// Of its own namespace.
        case service(Located<String>)
        /// Every service there is, by the name of the Mesh.
        case mesh(Located<String>)
    }
}

/// Whom a service is called by.
package enum PeerMode: String, Hashable, Sendable, CaseIterable {
    /// By who has an identity of the mesh, over mutual TLS or from a workload of the same host.
    case strict = "STRICT"
    /// By others as well, in plain and as nobody, on ports that are named for it.
    case permissive = "PERMISSIVE"
}
