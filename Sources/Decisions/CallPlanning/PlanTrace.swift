import HTTPSemantics
package import Routing

/// What was looked at on the way to a plan, for people. The proxy has none: then nothing is noted.
package final class PlanTrace {
    /// Of the table that was asked for the route, in its order; empty: none was.
    package private(set) var routes: [RouteExplanation] = []
    /// No listener of the gateway has the call's host.
    package private(set) var lacksListener = false

    package init() {}

    func ask(_ table: RouteTable, about request: borrowing MessageHead) { routes = table.explainMatch(request) }
    func noteMissingListener() { lacksListener = true }
    func note(_ listener: TCPListenerTable, serverName: [UInt8]) {
        routes = listener.explainRoute(serverName: serverName).map { [$0] } ?? []
    }
}
