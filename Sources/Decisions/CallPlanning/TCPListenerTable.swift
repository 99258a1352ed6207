package import Authorization
package import Routing

/// Where the connections of a listener go that takes bytes as they are.
package final class TCPListenerTable {
    package enum Routes {
        /// All of them one way; `nil`: no route is attached, and they have nowhere to go.
        case one(BoundRule?)
        /// By the name in SNI.
        /// - rules: By `RouteRule.id`.
        case byServerName(TLSRouteTable, rules: [BoundRule])
    }

    package let routes: Routes
    /// Whose identity connections carry, by listener; one where there is no choice.
    package let callers: [Caller]

    package init(routes: Routes, callers: [Caller]) {
        self.routes = routes
        self.callers = callers
    }

    /// The listener looks into what comes, for the name that TLS asks for.
    package var readsServerName: Bool {
        if case .byServerName = routes { true } else { false }
    }

    /// - Parameter serverName: In lower case; empty: none.
    /// - Returns: The rule, and which listener it is of; `nil` if nothing takes the connection.
    func route(serverName: [UInt8]) -> (rule: BoundRule, listener: Int)? {
        switch routes {
        case .one(let only): return only.map { ($0, 0) }
        case .byServerName(let table, let rules):
            return table.match(serverName: serverName.span).map { (rules[$0.rule.id], $0.listener) }
        }
    }

    /// The same, for people.
    func explainRoute(serverName: [UInt8]) -> RouteExplanation? {
        switch routes {
        case .one(let only): return only.map { RouteExplanation(everyConnectionBy: $0.rule) }
        case .byServerName(let table, _): return table.explainMatch(serverName: serverName.span)
        }
    }
}
