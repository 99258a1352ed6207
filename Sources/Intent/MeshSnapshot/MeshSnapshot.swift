package import Manifests

/// All resources of a mesh, cross-checked: every reference names something that is there, every name is resolved once.
/// Immutable; made by `resolve`.
package struct MeshSnapshot: Sendable {
    /// All there are, of every kind. What follows is what the mesh itself goes by.
    package let resources: ResourceSet
    /// The one `Mesh`, or the defaults where none is written.
    package let mesh: Mesh
    /// By name; empty in a mesh of one host.
    package let nodes: [String: Node]
    package let services: ResourceList<Service>
    /// By name, as all lists here.
    package let workloads: [Workload]
    package let gateways: [Gateway]
    package let tcpRoutes: [TCPRoute]
    package let tlsRoutes: [TLSRoute]
    package let policies: [AuthorizationPolicy]
    /// Which services are called by whoever proves who they are alone.
    package let peerModes: PeerModes
    /// The node this process is; `nil` in a mesh of one host.
    package let node: String?

    /// HTTPRoutes and GRPCRoutes in one form.
    let callRoutes: [HTTPRoute]
    /// Positions in the lists above.
    let index: Index
    let routesByGateway: [ResourceName: GatewayRoutes]
    /// One list for all services that the same policies are for: a namespace's are for each of its services.
    private let policiesByScope: [PolicyScope: [AuthorizationPolicy]]

    init(
        resources: ResourceSet, mesh: Mesh, nodes: [String: Node], services: ResourceList<Service>,
        workloads: [Workload], gateways: [Gateway], tcpRoutes: [TCPRoute], tlsRoutes: [TLSRoute],
        policies: [AuthorizationPolicy], node: String?, callRoutes: [HTTPRoute], index: Index
    ) {
        self.resources = resources
        self.mesh = mesh
        self.nodes = nodes
        self.services = services
        self.workloads = workloads
        self.gateways = gateways
        self.tcpRoutes = tcpRoutes
        self.tlsRoutes = tlsRoutes
        self.policies = policies
        peerModes = PeerModes(resources[PeerAuthentication.self].all)
        self.node = node
        self.callRoutes = callRoutes
        self.index = index
        routesByGateway = Dictionary(
            uniqueKeysWithValues: gateways.map { gateway in
                let name = gateway.metadata.name
                return (name, GatewayRoutes(of: name, index, calls: callRoutes, tcp: tcpRoutes, tls: tlsRoutes))
            })
        var byScope: [PolicyScope: [AuthorizationPolicy]] = [:]
        for name in services.names {
            let scope = index.policyScope(of: name)
            if byScope[scope] == nil { byScope[scope] = index.policies(of: scope).map { policies[$0] } }
        }
        policiesByScope = byScope
    }

    struct Index: Sendable {
        var workloadsByService: [ResourceName: [Int]] = [:]
        /// Policies that name the service.
        var policiesByService: [ResourceName: [Int]] = [:]
        /// Policies for all services of the namespace.
        var policiesByNamespace: [String: [Int]] = [:]
        /// In `callRoutes`.
        var routesByService: [ResourceName: [Int]] = [:]
        /// In `callRoutes`.
        var routesByGateway: [ResourceName: [Int]] = [:]
        var tcpRoutesByService: [ResourceName: [Int]] = [:]
        var tcpRoutesByGateway: [ResourceName: [Int]] = [:]
        var tlsRoutesByGateway: [ResourceName: [Int]] = [:]
        /// Every hostname that names a service from everywhere: `name.ns`, `name.ns.mesh`, own ones.
        var serviceByHostname: [String: ResourceName] = [:]

        func policyScope(of service: ResourceName) -> PolicyScope {
            PolicyScope(namespace: service.namespace, named: policiesByService[service, default: []])
        }

        func policies(of scope: PolicyScope) -> [Int] {
            let all = policiesByNamespace[scope.namespace, default: []]
            return scope.named.isEmpty ? all : (scope.named + all).sorted()
        }
    }

    /// The workloads that implement a service, on every node.
    package func workloads(of service: ResourceName) -> [Workload] {
        index.workloadsByService[service, default: []].map { workloads[$0] }
    }

    /// Workloads of a service that take calls in plain, from callers without an identity.
    package func plainWorkloads(of service: ResourceName) -> [Workload] {
        guard peerModes.isPermissive(service) else { return [] }
        return workloads(of: service).filter { $0.inboundPlain != nil }
    }

    /// The policies that target a service, by name or as all of its namespace.
    package func policies(for service: ResourceName) -> [AuthorizationPolicy] {
        let scope = policyScope(of: service)
        return policiesByScope[scope] ?? index.policies(of: scope).map { policies[$0] }
    }

    /// What a service shares with those that the same policies are for.
    package func policyScope(of service: ResourceName) -> PolicyScope { index.policyScope(of: service) }

    /// The service that a call from a namespace means by a host in canonical form: its short name there, `name.namespace`,
    /// `name.namespace.mesh`, or a hostname of its own.
    package func serviceNamed(host: String, from namespace: String) -> ResourceName? {
        let short = ResourceName(namespace: namespace, name: host)
        return services[short] != nil ? short : index.serviceByHostname[host]
    }
}

/// Services with the same scope have the same policies, in one snapshot.
package struct PolicyScope: Hashable, Sendable {
    let namespace: String
    /// Positions of the policies that name the service, in their order.
    let named: [Int]
}
