import Manifests

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
    /// The node this process is; `nil` in a mesh of one host.
    package let node: String?

    /// HTTPRoutes and GRPCRoutes in one form.
    let callRoutes: [HTTPRoute]
    /// Positions in the lists above.
    let index: Index

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
    }

    /// The workloads that implement a service, on every node.
    package func workloads(of service: ResourceName) -> [Workload] {
        index.workloadsByService[service, default: []].map { workloads[$0] }
    }

    /// The policies that target a service, by name or as all of its namespace.
    package func policies(for service: ResourceName) -> [AuthorizationPolicy] {
        let own = index.policiesByService[service, default: []]
        let all = index.policiesByNamespace[service.namespace, default: []]
        return (own + all).sorted().map { policies[$0] }
    }

    /// The service that a call from a namespace means by a host in canonical form: its short name there, `name.namespace`,
    /// `name.namespace.mesh`, or a hostname of its own.
    package func serviceNamed(host: String, from namespace: String) -> ResourceName? {
        let short = ResourceName(namespace: namespace, name: host)
        return services[short] != nil ? short : index.serviceByHostname[host]
    }
}
