import Authorization
import EventLoops
import Routing

/// Where the connections of a listener go that takes bytes as they are.
final class TCPListenerView {
    enum Routes {
        /// All of them one way; `nil`: no route is attached, and they have nowhere to go.
        case one(RuleView?)
        /// By the name in SNI.
        /// - rules: By `RouteRule.id`.
        case byServerName(TLSRouteTable, rules: [RuleView])
    }

    let routes: Routes
    /// Whose identity connections carry, by listener; one where there is no choice.
    let callers: [Caller]
    /// By a backend's `cluster`.
    let services: [ServiceView]

    init(routes: Routes, callers: [Caller], services: [ServiceView]) {
        self.routes = routes
        self.callers = callers
        self.services = services
    }

    /// The listener looks into what comes, for the name that TLS asks for.
    var readsServerName: Bool {
        if case .byServerName = routes { true } else { false }
    }

    /// - Parameter serverName: In lower case; empty: none.
    /// - Returns: `nil` if nothing takes the connection.
    func pick(
        serverName: [UInt8], using random: inout FastRandom
    ) -> (service: ServiceView, rule: RuleView, caller: Caller)? {
        let rule: RuleView
        var listener = 0
        switch routes {
        case .one(let only):
            guard let only else { return nil }
            rule = only
        case .byServerName(let table, let rules):
            guard let match = table.match(serverName: serverName.span) else { return nil }
            rule = rules[match.rule.id]
            listener = match.listener
        }
        guard let backend = rule.rule.pickBackend(using: &random) else { return nil }
        return (services[rule.rule.backends[backend].cluster], rule, callers[listener])
    }
}
