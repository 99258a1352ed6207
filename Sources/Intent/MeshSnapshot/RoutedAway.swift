package import Manifests

/// The services that no call ends at: routes take all that come to them, and send none of them back. What is asked about them is
/// asked of nobody.
package struct RoutedAway {
    private let snapshot: MeshSnapshot
    /// Of all routes; made when first needed.
    private lazy var backends = RouteBackends(
        calls: snapshot.callRoutes, tcp: snapshot.tcpRoutes, tls: snapshot.tlsRoutes)

    package init(_ snapshot: MeshSnapshot) { self.snapshot = snapshot }

    package mutating func contains(_ service: ResourceName) -> Bool {
        let own = snapshot.routes(forService: service).filter { $0.metadata.name.namespace == service.namespace }
        let takesConnections = snapshot.tcpRoutes(forService: service).contains {
            $0.metadata.name.namespace == service.namespace
        }
        guard !own.isEmpty || takesConnections else { return false }
        // No route is asked at its port for plain calls.
        guard snapshot.plainWorkloads(of: service).isEmpty else { return false }
        // Most routes of a service send it some of its calls.
        let isAmongOwn = own.contains { route in
            route.rules.contains { $0.backendRefs.contains { $0.service.value == service && $0.weight > 0 } }
        }
        return !isAmongOwn && !backends.contains(service)
    }

    /// Where the service's own routes send its calls, by name, each once.
    package func receivers(ofCallsTo service: ResourceName) -> [ResourceName] {
        var names: Set<ResourceName> = []
        for rule in snapshot.routes(forService: service).lazy.flatMap(\.rules) {
            for backend in rule.backendRefs where backend.weight > 0 { names.insert(backend.service.value) }
        }
        for rule in snapshot.tcpRoutes(forService: service).lazy.map(\.rule) {
            for backend in rule.backendRefs where backend.weight > 0 { names.insert(backend.service.value) }
        }
        return names.sorted()
    }
}

/// The services that any route sends calls, copies of calls, or connections to.
struct RouteBackends {
    private var names: Set<ResourceName> = []

    init(calls: [HTTPRoute], tcp: [TCPRoute], tls: [TLSRoute]) {
        for rule in calls.lazy.flatMap(\.rules) {
            addMirrors(rule.filters)
            for backend in rule.backendRefs where backend.weight > 0 {
                names.insert(backend.service.value)
                addMirrors(backend.filters)
            }
        }
        for rule in tcp.map(\.rule) + tls.map(\.rule) {
            for backend in rule.backendRefs where backend.weight > 0 { names.insert(backend.service.value) }
        }
    }

    private mutating func addMirrors(_ filters: [HTTPRouteFilter]) {
        for case .requestMirror(let mirror) in filters { names.insert(mirror.backend.value) }
    }

    func contains(_ service: ResourceName) -> Bool { names.contains(service) }
}
