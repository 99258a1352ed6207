import Diagnostics
import Manifests

/// Routes that Gateway API does not let stand beside each other. It lets the older one win; a folder knows no age, and
/// a route that does nothing would be a surprise, so that both are refused until one of them goes.
extension SnapshotResolver {
    /// - Parameter isNew: Whether a place is part of what a person is about to add: that is at fault, not what was there.
    mutating func checkConflicts(isNew: (SourcePosition) -> Bool) {
        checkMixedServices(isNew)
        checkConnectionsOfServices(isNew)
        for gateway in gateways {
            for listener in gateway.listeners {
                switch listener.protocol {
                case .http, .https: checkMixed(gateway, listener, isNew)
                case .tcp: checkConnections(gateway, listener, isNew)
                case .tls: checkServerNames(gateway, listener, isNew)
                }
            }
        }
    }

    // MARK: HTTPRoute and GRPCRoute

    /// Routes of both kinds, of which one is at fault.
    private struct MixedRoutes {
        let former: [HTTPRoute]
        let atFault: [HTTPRoute]
        let formerKind: String
        let kind: String

        /// - Returns: `nil` if they are of one kind.
        init?(_ routes: some Sequence<HTTPRoute>, _ isNew: (SourcePosition) -> Bool) {
            let calls = routes.filter { $0.writtenAs == .grpcRoute }
            let others = routes.filter { $0.writtenAs == .httpRoute }
            guard !calls.isEmpty, !others.isEmpty else { return nil }
            let areOthersAtFault =
                others.contains { isNew($0.metadata.position) } && !calls.contains { isNew($0.metadata.position) }
            (former, atFault) = areOthersAtFault ? (calls, others) : (others, calls)
            (formerKind, kind) = areOthersAtFault ? ("GRPCRoute", "HTTPRoute") : ("HTTPRoute", "GRPCRoute")
        }

        func withArticle(_ kind: String) -> String { (kind == "HTTPRoute" ? "an " : "a ") + kind }
    }

    /// A Service has routes of one of the two kinds. Those of each namespace are a table of their own.
    private mutating func checkMixedServices(_ isNew: (SourcePosition) -> Bool) {
        let callRoutes = callRoutes
        for (service, numbers) in index.routesByService.sorted(by: { $0.key < $1.key }) {
            guard let mixed = MixedRoutes(numbers.lazy.map({ callRoutes[$0] }), isNew) else { continue }
            let others = Dictionary(mixed.former.map { ($0.metadata.name.namespace, $0) }) { $1 }
            for route in mixed.atFault {
                guard let other = others[route.metadata.name.namespace] else { continue }
                report(
                    .conflictingRoutes,
                    at: route.parentRefs.position { $0.kind == .service && $0.name.value == service },
                    found: "\(mixed.withArticle(mixed.kind)) of Service \(Diagnostic.quoted(service.name)), which has "
                        + mixed.withArticle(mixed.formerKind),
                    expected: "routes of one of the two kinds",
                    remedy:
                        "make it one kind: \(mixed.formerKind) \(other.metadata.name) stands at \(other.metadata.position)"
                )
            }
        }
    }

    private mutating func checkMixed(
        _ gateway: Gateway, _ listener: GatewayListener, _ isNew: (SourcePosition) -> Bool
    ) {
        let callRoutes = callRoutes
        let name = gateway.metadata.name
        let attached = index.routesByGateway[name, default: []].lazy.map { callRoutes[$0] }.filter { route in
            route.parentRefs.contains { $0.selects(listener, of: name) }
        }
        guard let mixed = MixedRoutes(attached, isNew) else { return }
        var taken = HostnameSet()
        for route in mixed.former {
            taken.insert(route.hostnames.map(\.value), within: listener.hostname?.value, of: route.metadata)
        }
        let place = "at listener \(Diagnostic.quoted(listener.name.value)) of Gateway \(Diagnostic.quoted(name.name))"
        for route in mixed.atFault {
            let own: [HostnamePattern?] = route.hostnames.isEmpty ? [nil] : route.hostnames.map(\.value)
            for (number, hostname) in own.enumerated() where hostname?.intersects(listener.hostname?.value) ?? true {
                guard let other = taken.first(sharing: hostname) else { continue }
                let kind = mixed.withArticle(mixed.kind)
                report(
                    .conflictingRoutes,
                    at: route.hostnames.isEmpty
                        ? route.parentRefs.position { $0.selects(listener, of: name) }
                        : route.hostnames[number].position,
                    found: hostname.map { "hostname \(Diagnostic.quoted($0.description)) of \(kind)" }
                        ?? "\(kind) for every hostname",
                    expected: "no hostname that \(mixed.formerKind)s have, too, \(place)",
                    remedy: "use other hostnames: \(mixed.formerKind) \(other.name) stands at \(other.position)")
                break
            }
        }
    }

    // MARK: TCPRoute and TLSRoute

    /// Of which all but the first are at fault.
    private static func newLast<Route: Resource>(_ routes: [Route], _ isNew: (SourcePosition) -> Bool) -> [Route] {
        routes.filter { !isNew($0.metadata.position) } + routes.filter { isNew($0.metadata.position) }
    }

    private mutating func checkConnectionsOfServices(_ isNew: (SourcePosition) -> Bool) {
        for (service, numbers) in index.tcpRoutesByService.sorted(by: { $0.key < $1.key }) {
            var first: [String: TCPRoute] = [:]
            for route in Self.newLast(numbers.map { tcpRoutes[$0] }, isNew) {
                let namespace = route.metadata.name.namespace
                guard let other = first[namespace] else {
                    first[namespace] = route
                    continue
                }
                report(
                    .conflictingRoutes,
                    at: route.parentRefs.position { $0.kind == .service && $0.name.value == service },
                    found: "a second TCPRoute of Service \(Diagnostic.quoted(service.name))", expected: "one at most",
                    remedy: "merge it into TCPRoute \(other.metadata.name) at \(other.metadata.position)")
            }
        }
    }

    private mutating func checkConnections(
        _ gateway: Gateway, _ listener: GatewayListener, _ isNew: (SourcePosition) -> Bool
    ) {
        let name = gateway.metadata.name
        let routes = index.tcpRoutesByGateway[name, default: []].map { tcpRoutes[$0] }
        let attached = Self.newLast(routes, isNew).filter { route in
            route.parentRefs.contains { $0.selects(listener, of: name) }
        }
        for route in attached.dropFirst() {
            let place = "listener \(Diagnostic.quoted(listener.name.value)) of Gateway \(Diagnostic.quoted(name.name))"
            report(
                .conflictingRoutes, at: route.parentRefs.position { $0.selects(listener, of: name) },
                found: "a second TCPRoute of \(place)", expected: "one at most",
                remedy: "merge it into TCPRoute \(attached[0].metadata.name) at \(attached[0].metadata.position)")
        }
    }

    private mutating func checkServerNames(
        _ gateway: Gateway, _ listener: GatewayListener, _ isNew: (SourcePosition) -> Bool
    ) {
        let name = gateway.metadata.name
        var first: [HostnamePattern?: TLSRoute] = [:]
        for route in Self.newLast(index.tlsRoutesByGateway[name, default: []].map { tlsRoutes[$0] }, isNew)
        where route.parentRefs.contains(where: { $0.selects(listener, of: name) }) {
            let hostnames: [HostnamePattern?] = route.hostnames.isEmpty ? [nil] : route.hostnames.map(\.value)
            for (number, hostname) in hostnames.enumerated() {
                guard let other = first[hostname], other.metadata.name != route.metadata.name else {
                    first[hostname] = route
                    continue
                }
                let listenerName = Diagnostic.quoted(listener.name.value)
                report(
                    .conflictingRoutes,
                    at: route.hostnames.isEmpty
                        ? route.parentRefs.position { $0.selects(listener, of: name) }
                        : route.hostnames[number].position,
                    found: (hostname.map { "hostname \(Diagnostic.quoted($0.description))" } ?? "every hostname")
                        + " in a second TLSRoute of listener \(listenerName)",
                    expected: "each hostname in one TLSRoute of a listener",
                    remedy: "use other hostnames: TLSRoute \(other.metadata.name) stands at \(other.metadata.position)")
                break
            }
        }
    }
}

extension [ParentRef] {
    /// Where the first that is meant names its parent.
    fileprivate func position(_ isMeant: (ParentRef) -> Bool) -> SourcePosition {
        (first(where: isMeant) ?? self[0]).name.position
    }
}

/// Hostnames that routes have, to find one that shares a host with another. Takes time in proportion to the labels, not
/// to the hostnames.
private struct HostnameSet {
    private var first: Metadata?
    /// Without hostnames: has them all.
    private var any: Metadata?
    private var exact: [String: Metadata] = [:]
    private var wildcards: [String: Metadata] = [:]
    /// What ends in a suffix: `.example.com`.
    private var below: [String: Metadata] = [:]

    /// - Parameter listener: what does not share a host with it is left out.
    mutating func insert(_ hostnames: [HostnamePattern], within listener: HostnamePattern?, of route: Metadata) {
        if hostnames.isEmpty { any = any ?? route }
        for hostname in hostnames where hostname.intersects(listener) {
            first = first ?? route
            switch hostname {
            case .exact(let name): exact[name] = exact[name] ?? route
            case .wildcard(let suffix): wildcards[suffix] = wildcards[suffix] ?? route
            }
            for suffix in hostname.suffixes { below[suffix] = below[suffix] ?? route }
        }
    }

    func first(sharing hostname: HostnamePattern?) -> Metadata? {
        if let any { return any }
        guard let hostname else { return first }
        if let above = hostname.suffixes.lazy.compactMap({ wildcards[$0] }).first { return above }
        switch hostname {
        case .exact(let name): return exact[name]
        case .wildcard(let suffix): return below[suffix]
        }
    }
}

extension HostnamePattern {
    /// The wildcards' suffixes that every host of it ends in, its own one among them.
    fileprivate var suffixes: [String] {
        let start: Substring
        switch self {
        case .exact(let name): start = name[...]
        case .wildcard(let suffix): start = suffix[...]
        }
        var suffixes: [String] = []
        if case .wildcard = self { suffixes.append(String(start)) }
        var rest = start.dropFirst()
        while let dot = rest.firstIndex(of: ".") {
            suffixes.append(String(rest[dot...]))
            rest = rest[dot...].dropFirst()
        }
        return suffixes
    }
}
