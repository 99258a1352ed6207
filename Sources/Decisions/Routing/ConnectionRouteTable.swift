import HTTPSemantics
package import Manifests
package import MeshSnapshot

/// Where the connections to a TCP service, or to a Gateway's TCP listener, go. Immutable.
package final class TCPRouteTable: Sendable {
    package let rule: RouteRule
    /// Every service that a backend names, once; their `cluster` is the place in this list.
    package let services: [ResourceName]

    /// The table of a service: its route, or a rule that sends everything to it.
    /// - Parameter namespace: Where connections come from; `nil`: from the service's own, or one without a route for it.
    package convenience init(service: ResourceName, calledFrom namespace: String? = nil, in snapshot: MeshSnapshot) {
        self.init(
            route: snapshot.tcpRoute(forService: service, calledFrom: namespace ?? service.namespace), service: service)
    }

    /// The table of a listener; `nil` if no route is attached: its connections have nowhere to go.
    package convenience init?(gateway: ResourceName, listener: GatewayListener, in snapshot: MeshSnapshot) {
        guard let route = snapshot.tcpRoute(forGateway: gateway, listener: listener) else { return nil }
        self.init(route: route)
    }

    package init(route: TCPRoute) {
        var builder = ConnectionRuleBuilder()
        rule = builder.rule(of: route.rule, kind: .tcpRoute, name: route.metadata.name)
        services = builder.services
    }

    /// - Parameter route: `nil`: everything goes to the service.
    package init(route: TCPRoute?, service: ResourceName) {
        var builder = ConnectionRuleBuilder()
        if let route {
            rule = builder.rule(of: route.rule, kind: .tcpRoute, name: route.metadata.name)
        } else {
            rule = builder.defaultRule(to: service)
        }
        services = builder.services
    }
}

/// Where the connections go that the TLS listeners of one port pass through, by the name in their SNI. Immutable.
///
/// The listener with the most specific hostname that the name matches takes the connection; of its routes the one with the
/// most specific hostname: exact, longest wildcard, none.
package final class TLSRouteTable: Sendable {
    package let listeners: [RouteTable.Listener]
    /// By their `id`.
    package let rules: [RouteRule]
    /// Every service that a backend names, once; their `cluster` is the place in this list.
    package let services: [ResourceName]

    private let hosts: HostIndex
    /// In `hosts`: listeners by their hostnames.
    private let listenerRoot: Int32
    /// In `hosts`: of each listener, the routes' hostnames. Their values stand in `rules`.
    private let hostRoots: [Int32]

    /// - Parameter listeners: Those that share the port, of one gateway or several.
    package convenience init(listeners: [(gateway: ResourceName, listener: GatewayListener)], in snapshot: MeshSnapshot)
    {
        self.init(
            listeners: listeners.map { gateway, listener in
                (
                    RouteTable.Listener(
                        gateway: gateway, name: listener.name.value, hostname: listener.hostname?.value),
                    snapshot.tlsRoutes(forGateway: gateway, listener: listener)
                )
            })
    }

    package init(listeners: [(listener: RouteTable.Listener, routes: [TLSRoute])]) {
        var builder = ConnectionRuleBuilder()
        var hosts = HostIndex()
        var hostRoots: [Int32] = []
        let listenerRoot = hosts.addRoot()
        for (number, (listener, routes)) in listeners.enumerated() {
            _ = hosts.insert(listener.hostname, under: listenerRoot) { Int32(number) }
            let root = hosts.addRoot()
            hostRoots.append(root)
            for route in routes.sorted(by: { $0.metadata.name < $1.metadata.name }) {
                let id = Int32(builder.rules.count)
                _ = builder.rule(of: route.rule, kind: .tlsRoute, name: route.metadata.name)
                let hostnames = route.hostnames.isEmpty ? [nil] : route.hostnames.map { Optional($0.value) }
                for hostname in hostnames { _ = hosts.insert(hostname, under: root) { id } }
            }
        }
        self.listeners = listeners.map(\.listener)
        self.hosts = hosts
        self.listenerRoot = listenerRoot
        self.hostRoots = hostRoots
        rules = builder.rules
        services = builder.services
    }

    /// The rule that a connection belongs to. Allocates nothing.
    /// - Parameter serverName: SNI in canonical form: lower case, no dot at the end; empty where there was none.
    /// - Returns: `nil` if no route takes it: the connection is closed.
    package func match(serverName: Span<UInt8>) -> (rule: RouteRule, listener: Int)? {
        guard let listener = listener(forServerName: serverName) else { return nil }
        var routes = hosts.matches(serverName, under: hostRoots[listener])
        return hosts.next(&routes).map { (rules[Int($0)], listener) }
    }

    /// - Returns: Where the listener that takes a name stands in `listeners`; `nil` if none does.
    package func listener(forServerName serverName: Span<UInt8>) -> Int? {
        var matches = hosts.matches(serverName, under: listenerRoot)
        return hosts.next(&matches).map { Int($0) }
    }
}

/// Collects rules of connections and the services they name.
private struct ConnectionRuleBuilder {
    private(set) var rules: [RouteRule] = []
    private(set) var services: [ResourceName] = []
    private var clusters: [ResourceName: Int] = [:]

    mutating func rule(of rule: ConnectionRule, kind: ResourceKind, name: ResourceName) -> RouteRule {
        append(
            kind: kind, route: name, rule,
            rule.backendRefs.map { backend($0.service.value, weight: $0.weight) })
    }

    mutating func defaultRule(to service: ResourceName) -> RouteRule {
        append(kind: nil, route: nil, nil, [backend(service, weight: 1)])
    }

    private mutating func append(
        kind: ResourceKind?, route: ResourceName?, _ rule: ConnectionRule?, _ backends: [RouteBackend]
    ) -> RouteRule {
        let rule = RouteRule(
            id: rules.count, kind: kind, route: route, name: rule?.name, index: 0, position: rule?.position.position,
            filters: CompiledFilters([]), mirrors: [], requestTimeout: nil, backendRequestTimeout: nil,
            backends: backends)
        rules.append(rule)
        return rule
    }

    private mutating func backend(_ service: ResourceName, weight: Int) -> RouteBackend {
        let cluster = clusters[service] ?? services.count
        if clusters.updateValue(cluster, forKey: service) == nil { services.append(service) }
        return RouteBackend(
            service: service, cluster: cluster, weight: weight, mirrors: [], filters: CompiledFilters([]))
    }
}
