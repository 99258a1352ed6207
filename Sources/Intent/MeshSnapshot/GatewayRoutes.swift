import Manifests

/// The routes of a Gateway, whatever their hostnames, to find those of a listener.
struct GatewayRoutes: Sendable {
    let calls: RoutesByListener
    let connections: RoutesByListener
    let serverNames: RoutesByListener

    init(of gateway: ResourceName, _ index: MeshSnapshot.Index, calls: [HTTPRoute], tcp: [TCPRoute], tls: [TLSRoute]) {
        self.calls = RoutesByListener(index.routesByGateway[gateway, default: []], of: gateway) {
            calls[$0].parentRefs
        }
        connections = RoutesByListener(index.tcpRoutesByGateway[gateway, default: []], of: gateway) {
            tcp[$0].parentRefs
        }
        serverNames = RoutesByListener(index.tlsRoutesByGateway[gateway, default: []], of: gateway) {
            tls[$0].parentRefs
        }
    }

    func hasOne(for listener: GatewayListener) -> Bool {
        switch listener.protocol {
        case .http, .https: calls.hasOne(for: listener)
        case .tcp: connections.hasOne(for: listener)
        case .tls: serverNames.hasOne(for: listener)
        }
    }
}
