import CommonValues
package import Routing
package import Telemetry

/// Routes compiled for one parent, with what their rules lead to in these tables.
package final class BoundRoutes {
    package let table: RouteTable
    /// By `RouteRule.id`.
    package let rules: [BoundRule]

    init(table: RouteTable, rules: [BoundRule]) {
        self.table = table
        self.rules = rules
    }
}

package final class BoundRule {
    package let rule: RouteRule
    package let label: Label
    /// By a backend's or a mirror's `cluster`: one array for all rules of a table.
    private let services: [ServiceTable]
    /// `nil`: no timeout of its own.
    package let requestMilliseconds: UInt64?
    package let backendMilliseconds: UInt64?
    /// A timeout of zero: none at all, the mesh's own included (Gateway API, GEP-1742).
    package let isUnlimited: Bool
    /// It, or one of its backends, has mirrors.
    package let hasMirrors: Bool

    init(rule: RouteRule, label: Label, services: [ServiceTable]) {
        self.rule = rule
        self.label = label
        self.services = services
        hasMirrors = !rule.mirrors.isEmpty || rule.backends.contains { !$0.mirrors.isEmpty }
        isUnlimited = rule.requestTimeout == .zero || rule.backendRequestTimeout == .zero
        requestMilliseconds = rule.requestTimeout.flatMap { $0 == .zero ? nil : $0.milliseconds }
        backendMilliseconds = rule.backendRequestTimeout.flatMap { $0 == .zero ? nil : $0.milliseconds }
    }

    /// - Parameter backend: Index into the rule's backends.
    package func service(ofBackend backend: Int) -> ServiceTable { services[rule.backends[backend].cluster] }
    package func service(of mirror: RouteMirror) -> ServiceTable { services[mirror.cluster] }
}
