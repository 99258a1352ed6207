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
            let name = gateway.metadata.name
            let calls = SharingCalls(index.routesByGateway[name, default: []], callRoutes, of: name, isNew)
            let connections = RoutesByListener(index.tcpRoutesByGateway[name, default: []], of: name) {
                tcpRoutes[$0].parentRefs
            }
            let serverNames = RoutesByListener(serverNamesSharing(of: name), of: name) { tlsRoutes[$0].parentRefs }
            for listener in gateway.listeners where conflictsLeft > 0 {
                switch listener.protocol {
                case .http, .https: checkMixed(gateway, listener, calls)
                case .tcp: checkConnections(gateway, listener, connections, isNew)
                case .tls: checkServerNames(gateway, listener, serverNames, isNew)
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
        init?(_ routes: [HTTPRoute], areOthersAtFault decide: @autoclosure () -> Bool) {
            let calls = routes.filter { $0.writtenAs == .grpcRoute }
            let others = routes.filter { $0.writtenAs == .httpRoute }
            guard !calls.isEmpty, !others.isEmpty else { return nil }
            let areOthersAtFault = decide()
            (former, atFault) = areOthersAtFault ? (calls, others) : (others, calls)
            (formerKind, kind) = areOthersAtFault ? ("GRPCRoute", "HTTPRoute") : ("HTTPRoute", "GRPCRoute")
        }

        func withArticle(_ kind: String) -> String { (kind == "HTTPRoute" ? "an " : "a ") + kind }
    }

    /// A Service has routes of one of the two kinds. Those of each namespace are a table of their own.
    private mutating func checkMixedServices(_ isNew: (SourcePosition) -> Bool) {
        let callRoutes = callRoutes
        for (service, numbers) in index.routesByService.sorted(by: { $0.key < $1.key }) {
            let routes = numbers.map { callRoutes[$0] }
            guard let mixed = MixedRoutes(routes, areOthersAtFault: Self.areOthersAtFault(routes, isNew)) else {
                continue
            }
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

    private static func areOthersAtFault(_ routes: [HTTPRoute], _ isNew: (SourcePosition) -> Bool) -> Bool {
        let kinds = Set(routes.filter { isNew($0.metadata.position) }.map(\.writtenAs))
        return kinds.contains(.httpRoute) && !kinds.contains(.grpcRoute)
    }

    /// The routes of a Gateway that have a hostname in common with one of the other kind, at whichever listener: each
    /// listener need look at no others.
    private struct SharingCalls {
        let routes: RoutesByListener
        /// What parentRefs of new routes say, of those too that share nothing.
        private var newCalls: Set<ListenerSection> = []
        private var newOthers: Set<ListenerSection> = []

        /// - Parameter numbers: Of the Gateway's, in `all`.
        init(_ numbers: [Int], _ all: [HTTPRoute], of gateway: ResourceName, _ isNew: (SourcePosition) -> Bool) {
            let sharing = Self.sharing(numbers, all)
            routes = RoutesByListener(sharing, of: gateway) { all[$0].parentRefs }
            guard !sharing.isEmpty else { return }
            for number in numbers where isNew(all[number].metadata.position) {
                let sections = all[number].parentRefs.sections(of: gateway)
                if all[number].isGRPC { newCalls.formUnion(sections) } else { newOthers.formUnion(sections) }
            }
        }

        private static func sharing(_ numbers: [Int], _ all: [HTTPRoute]) -> [Int] {
            guard Set(numbers.map { all[$0].writtenAs }).count > 1 else { return [] }
            var calls = HostnameSet<Int>()
            var others = HostnameSet<Int>()
            for number in numbers {
                let hostnames = all[number].hostnames.map(\.value)
                if all[number].isGRPC {
                    calls.insert(hostnames, of: number)
                } else {
                    others.insert(hostnames, of: number)
                }
            }
            return numbers.filter { number in
                (all[number].isGRPC ? others : calls).sharesAny(of: all[number].hostnames)
            }
        }

        func areOthersAtFault(at listener: GatewayListener) -> Bool {
            let sections = listener.sections
            return sections.contains(where: newOthers.contains) && !sections.contains(where: newCalls.contains)
        }
    }

    private mutating func checkMixed(_ gateway: Gateway, _ listener: GatewayListener, _ calls: SharingCalls) {
        let name = gateway.metadata.name
        let attached = calls.routes.attached(to: listener).map { callRoutes[$0] }
        guard let mixed = MixedRoutes(attached, areOthersAtFault: calls.areOthersAtFault(at: listener)) else { return }
        var taken = HostnameSet<Metadata>()
        for route in mixed.former {
            taken.insert(route.hostnames.map(\.value), within: listener.hostname?.value, of: route.metadata)
        }
        let place = "at listener \(Diagnostic.quoted(listener.name.value)) of Gateway \(Diagnostic.quoted(name.name))"
        for route in mixed.atFault where conflictsLeft > 0 {
            let own: [HostnamePattern?] = route.hostnames.isEmpty ? [nil] : route.hostnames.map(\.value)
            for (number, hostname) in own.enumerated() where hostname?.intersects(listener.hostname?.value) ?? true {
                guard let other = taken.first(sharing: hostname) else { continue }
                let kind = mixed.withArticle(mixed.kind)
                conflictsLeft -= 1
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
        _ gateway: Gateway, _ listener: GatewayListener, _ routes: RoutesByListener,
        _ isNew: (SourcePosition) -> Bool
    ) {
        let name = gateway.metadata.name
        let attached = Self.newLast(routes.attached(to: listener).map { tcpRoutes[$0] }, isNew)
        for route in attached.dropFirst() where conflictsLeft > 0 {
            conflictsLeft -= 1
            let place = "listener \(Diagnostic.quoted(listener.name.value)) of Gateway \(Diagnostic.quoted(name.name))"
            report(
                .conflictingRoutes, at: route.parentRefs.position { $0.selects(listener, of: name) },
                found: "a second TCPRoute of \(place)", expected: "one at most",
                remedy: "merge it into TCPRoute \(attached[0].metadata.name) at \(attached[0].metadata.position)")
        }
    }

    /// The TLSRoutes of a Gateway with a hostname that another of them has, at whichever listener: each listener need look
    /// at no others.
    private func serverNamesSharing(of gateway: ResourceName) -> [Int] {
        let numbers = index.tlsRoutesByGateway[gateway, default: []]
        var counts: [HostnamePattern?: Int] = [:]
        for number in numbers {
            for hostname in Set(tlsRoutes[number].serverNames) { counts[hostname, default: 0] += 1 }
        }
        return numbers.filter { tlsRoutes[$0].serverNames.contains { counts[$0, default: 0] > 1 } }
    }

    private mutating func checkServerNames(
        _ gateway: Gateway, _ listener: GatewayListener, _ routes: RoutesByListener,
        _ isNew: (SourcePosition) -> Bool
    ) {
        let name = gateway.metadata.name
        var first: [HostnamePattern?: TLSRoute] = [:]
        for route in Self.newLast(routes.attached(to: listener).map { tlsRoutes[$0] }, isNew) where conflictsLeft > 0 {
            for (number, hostname) in route.serverNames.enumerated() {
                guard let other = first[hostname], other.metadata.name != route.metadata.name else {
                    first[hostname] = route
                    continue
                }
                let listenerName = Diagnostic.quoted(listener.name.value)
                conflictsLeft -= 1
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

extension HTTPRoute {
    fileprivate var isGRPC: Bool { writtenAs == .grpcRoute }
}

extension TLSRoute {
    /// `nil`: every one.
    fileprivate var serverNames: [HostnamePattern?] { hostnames.isEmpty ? [nil] : hostnames.map(\.value) }
}
