package import Manifests

extension MeshSnapshot {
    // MARK: Calls

    /// The routes that have a service as a parent: HTTPRoutes, and GRPCRoutes as such.
    package func routes(forService service: ResourceName) -> [HTTPRoute] {
        index.routesByService[service, default: []].map { callRoutes[$0] }
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

    /// The routes attached to a listener of HTTP or HTTPS.
    package func routes(forGateway gateway: ResourceName, listener: GatewayListener) -> [HTTPRoute] {
        guard listener.protocol.takesCalls else { return [] }
        let numbers = routesByGateway[gateway]?.calls.attached(to: listener) ?? []
        return numbers.lazy.map { callRoutes[$0] }.filter { $0.attaches(to: listener, of: gateway) }
    }

    // MARK: Connections

    /// The TCPRoutes that have a service as a parent.
    package func tcpRoutes(forService service: ResourceName) -> [TCPRoute] {
        index.tcpRoutesByService[service, default: []].map { tcpRoutes[$0] }
    }

    /// The route that a connection to a TCP service takes when it comes from a namespace, as `routes(forService:calledFrom:)`
    /// says; `nil`: to the service itself.
    package func tcpRoute(forService service: ResourceName, calledFrom namespace: String) -> TCPRoute? {
        let all = tcpRoutes(forService: service)
        return all.first { $0.metadata.name.namespace == namespace }
            ?? all.first { $0.metadata.name.namespace == service.namespace }
    }

    /// The route attached to a TCP listener; `nil`: none, and its connections have nowhere to go.
    package func tcpRoute(forGateway gateway: ResourceName, listener: GatewayListener) -> TCPRoute? {
        guard listener.protocol == .tcp else { return nil }
        let numbers = routesByGateway[gateway]?.connections.attached(to: listener) ?? []
        return numbers.lazy.map { tcpRoutes[$0] }.first { $0.attaches(to: listener, of: gateway) }
    }

    /// The routes attached to a TLS listener, as `routes(forGateway:listener:)` says.
    package func tlsRoutes(forGateway gateway: ResourceName, listener: GatewayListener) -> [TLSRoute] {
        guard listener.protocol == .tls else { return [] }
        let numbers = routesByGateway[gateway]?.serverNames.attached(to: listener) ?? []
        return numbers.lazy.map { tlsRoutes[$0] }.filter { $0.attaches(to: listener, of: gateway) }
    }
}

extension ListenerProtocol {
    /// What comes in is HTTP, and so is routed call by call.
    package var takesCalls: Bool {
        switch self {
        case .http, .https: true
        case .tls, .tcp: false
        }
    }
}

extension GRPCRoute {
    /// The same route as one of HTTP, so that routing has one form for both.
    var asHTTPRoute: HTTPRoute {
        HTTPRoute(
            metadata: metadata, parentRefs: parentRefs, hostnames: hostnames,
            rules: rules.map { rule in
                HTTPRouteRule(
                    name: rule.name,
                    matches: rule.matches.isEmpty ? [.everything] : rule.matches.map(\.asHTTPRouteMatch),
                    filters: rule.filters, backendRefs: rule.backendRefs, timeouts: rule.timeouts,
                    position: rule.position)
            }, writtenAs: .grpcRoute)
    }
}

extension GRPCRouteMatch {
    fileprivate var asHTTPRouteMatch: HTTPRouteMatch {
        HTTPRouteMatch(
            path: method.map(HTTPRouteMatch.Path.grpcMethod) ?? .prefix("/"), headers: headers, queryParams: [],
            method: nil)
    }
}
