import Manifests

/// All resources of a mesh, cross-checked: every reference names something that is there, every name is resolved once.
/// Immutable; made by `resolve`.
package struct MeshSnapshot: Sendable {
    /// The one `Mesh`, or the defaults where none is written.
    package let mesh: Mesh
    /// By name; empty in a mesh of one host.
    package let nodes: [String: Node]
    package let services: [ResourceName: Service]
    /// By name, as all lists here.
    package let workloads: [Workload]
    package let gateways: [Gateway]
    package let routes: [HTTPRoute]
    package let policies: [AuthorizationPolicy]
    /// The node this process is; `nil` in a mesh of one host.
    package let node: String?

    /// Positions in the lists above.
    let index: Index

    struct Index: Sendable {
        var workloadsByService: [ResourceName: [Int]] = [:]
        /// Policies that name the service.
        var policiesByService: [ResourceName: [Int]] = [:]
        /// Policies for all services of the namespace.
        var policiesByNamespace: [String: [Int]] = [:]
        var routesByService: [ResourceName: [Int]] = [:]
        var routesByGateway: [ResourceName: [Int]] = [:]
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

    /// The routes that have a service as a parent.
    package func routes(forService service: ResourceName) -> [HTTPRoute] {
        index.routesByService[service, default: []].map { routes[$0] }
    }

    /// The routes that a call to a service takes when it comes from a namespace. Gateway API's consumer routes: those that
    /// the caller's own namespace has for a service of another one come before the service's own; nobody else has them.
    package func routes(forService service: ResourceName, calledFrom namespace: String) -> [HTTPRoute] {
        let all = routes(forService: service)
        let own = all.filter { $0.metadata.name.namespace == namespace }
        return own.isEmpty ? all.filter { $0.metadata.name.namespace == service.namespace } : own
    }

    /// The namespaces besides its own that have routes for a service.
    package func consumerNamespaces(of service: ResourceName) -> Set<String> {
        Set(routes(forService: service).map(\.metadata.name.namespace)).subtracting([service.namespace])
    }

    /// The routes attached to a listener: a parentRef names its gateway, and its section and port where it names any, and
    /// their hostnames have one in common.
    package func routes(forGateway gateway: ResourceName, listener: GatewayListener) -> [HTTPRoute] {
        index.routesByGateway[gateway, default: []].lazy.map { routes[$0] }.filter { route in
            route.parentRefs.contains { $0.selects(listener, of: gateway) }
                && (route.hostnames.isEmpty
                    || route.hostnames.contains { $0.value.intersects(listener.hostname?.value) })
        }
    }

    /// The service that a call from a namespace means by a host in canonical form: its short name there, `name.namespace`,
    /// `name.namespace.mesh`, or a hostname of its own.
    package func serviceNamed(host: String, from namespace: String) -> ResourceName? {
        let short = ResourceName(namespace: namespace, name: host)
        return services[short] != nil ? short : index.serviceByHostname[host]
    }

    /// Every hostname that names a service: the short name, which only its own namespace uses, then those that all use.
    package func hostnames(of service: ResourceName) -> (short: String, everywhere: [String]) {
        (service.name, Self.hostnames(of: service) + (services[service]?.hostnames.map(\.value) ?? []))
    }

    static func hostnames(of service: ResourceName) -> [String] {
        ["\(service.name).\(service.namespace)", "\(service.name).\(service.namespace).mesh"]
    }
}

extension ParentRef {
    /// The listener is one of those that this parentRef attaches a route to.
    package func selects(_ listener: GatewayListener, of gateway: ResourceName) -> Bool {
        guard kind == .gateway, name.value == gateway else { return false }
        if let sectionName, sectionName.value != listener.name.value { return false }
        if let port, port.value != listener.port.value { return false }
        return true
    }
}
