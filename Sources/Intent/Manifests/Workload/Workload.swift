package import Diagnostics

extension ResourceKind {
    package static let workload = Self("Workload")
}

/// A process that runs on a node as a service's instance.
package struct Workload: Resource {
    package static let kind = ResourceKind.workload
    package var metadata: Metadata
    /// A Service in the workload's namespace, or none: a workload that only calls others.
    package var service: Located<String>?
    /// The Node it runs on; absent in a mesh of one host.
    package var node: Located<String>?
    /// Where the process listens, in plain; absent for one that only calls others.
    package var address: Located<SocketAddress>?
    /// Where whoever has no identity calls it in plain, while its service is `PERMISSIVE`; `nil`: nowhere.
    package var inboundPlain: Located<SocketAddress>?
    /// Default: the service's name.
    package var serviceAccount: Located<String>
    /// What a process must be to be this workload, one of them; none: whoever reaches its addresses is.
    package var selectors: [WorkloadSelector]
    /// Where they stand; `nil`: there are none.
    package var selectorsPosition: SourcePosition?
    /// Who may start processes as this workload with `heddle exec`; `nil`: whoever Heddle runs as, and root.
    package var execUsers: [UserReference]?
    /// The address this workload sends its calls to, and through which they carry its identity.
    package var outboundListen: Located<SocketAddress>?
    /// One more such address for each TCP service it connects to.
    package var outboundTCP: [TCPOutbound]
}

extension Workload {
    /// `service`, with its namespace.
    package var serviceName: ResourceName? {
        service.map { ResourceName(namespace: metadata.name.namespace, name: $0.value) }
    }

    /// Whether it runs on a node; on `nil`, the one host of a mesh without nodes, all do.
    package func runs(on node: String?) -> Bool { node == nil || self.node?.value == node }

    /// Those of `execUsers` that are names.
    package var startedBy: [Located<String>] {
        (execUsers ?? []).compactMap(\.name)
    }
}

/// Where a workload connects to, to reach one TCP service.
package struct TCPOutbound: Hashable, Sendable {
    /// A Service of protocol TCP; its namespace defaults to the workload's.
    package var service: Located<ResourceName>
    package var listen: Located<SocketAddress>
}
