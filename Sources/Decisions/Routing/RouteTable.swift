package import HTTPSemantics
package import Manifests
package import MeshSnapshot

/// The routes of one parent, a Service or the listeners of one port, compiled for matching. Immutable.
///
/// Precedence is Gateway API's: of a port's listeners the one with the most specific hostname that the host matches; of
/// its routes' matches that hold, the one with the most specific hostname (exact, longest wildcard, none), then an exact
/// path, the longest prefix, a method, the most headers, the most query parameters, the first route by namespace and name,
/// the first rule. A more specific hostname whose rules do not match leaves the request to a less specific one.
///
/// Finding the rule takes a hash lookup for each label of the host and each segment of the path, whatever the number of
/// routes, and allocates nothing.
package final class RouteTable: Sendable {
    /// What a listener's calls are recognized by.
    package struct Listener: Sendable {
        package let gateway: ResourceName
        package let name: String
        /// `nil`: every host.
        package let hostname: HostnamePattern?
    }

    /// Empty for a service.
    package let listeners: [Listener]
    /// By their `id`.
    package let rules: [RouteRule]
    /// Every service that a backend or mirror names, once; their `cluster` is the place in this list.
    package let services: [ResourceName]

    let hosts: HostIndex
    let paths: PathIndex
    let conditions: MatchConditions
    /// In `hosts`: listeners by their hostnames.
    let listenerRoot: Int32
    /// In `hosts`: of each listener, or of the service, the routes' hostnames. Their values are roots in `paths`.
    let hostRoots: [Int32]

    /// The table of a service: the routes that name it as a parent, or one rule that sends everything to it. Hostnames of
    /// these routes do not count, as Gateway API has it for a mesh: the service is known by then.
    /// - Parameter namespace: Where calls come from; `nil`: from the service's own, or one without routes for it.
    package convenience init(
        service: ResourceName, calledFrom namespace: String? = nil, in snapshot: MeshSnapshot
    ) {
        self.init(
            service: service,
            routes: snapshot.routes(forService: service, calledFrom: namespace ?? service.namespace))
    }

    /// The table of one port: the listeners that share it, of one gateway or several.
    package convenience init(listeners: [(gateway: ResourceName, listener: GatewayListener)], in snapshot: MeshSnapshot)
    {
        self.init(
            listeners: listeners.map { gateway, listener in
                (
                    Listener(gateway: gateway, name: listener.name.value, hostname: listener.hostname?.value),
                    snapshot.routes(forGateway: gateway, listener: listener)
                )
            })
    }

    convenience init(service: ResourceName, routes: [HTTPRoute]) {
        var builder = RouteTableBuilder()
        let root = builder.addHostRoot()
        if routes.isEmpty {
            builder.addDefaultRule(to: service, under: root)
        } else {
            builder.compile(routes)
            builder.add(routes, under: root, usingHostnames: false)
        }
        self.init(builder.finish())
    }

    convenience init(listeners: [(listener: Listener, routes: [HTTPRoute])]) {
        var builder = RouteTableBuilder()
        builder.compile(listeners.flatMap(\.routes))
        for (listener, routes) in listeners {
            let root = builder.addListener(listener)
            builder.add(routes, under: root, usingHostnames: true)
        }
        self.init(builder.finish())
    }

    private init(_ parts: RouteTableBuilder.Parts) {
        listeners = parts.listeners
        rules = parts.rules
        services = parts.services
        hosts = parts.hosts
        paths = parts.paths
        conditions = parts.conditions
        listenerRoot = parts.listenerRoot
        hostRoots = parts.hostRoots
    }

    /// The rule that a request belongs to; `nil`: 404.
    package func match(_ head: borrowing MessageHead) -> RouteMatch? {
        var listener = 0
        if !listeners.isEmpty {
            guard let found = self.listener(forHost: head.bytes(head.host)) else { return nil }
            listener = found
        }
        var matches = hosts.matches(head.bytes(head.host), under: hostRoots[listener])
        while let pathRoot = hosts.next(&matches) {
            if let found = paths.first(under: pathRoot, head, conditions) {
                return RouteMatch(
                    rule: rules[Int(conditions.matches[Int(found.match)].rule)], prefixByteCount: found.prefixByteCount,
                    listener: listener)
            }
        }
        return nil
    }

    /// The listener that serves a host (or an SNI) in canonical form: of those whose hostname it matches the most specific.
    /// - Returns: Where it stands in `listeners`; `nil` if none serves it, and for a service's table.
    package func listener(forHost host: Span<UInt8>) -> Int? {
        var matches = hosts.matches(host, under: listenerRoot)
        return hosts.next(&matches).map { Int($0) }
    }
}
