import Routing
import Telemetry

/// Routes compiled for one parent, with what their rules lead to in these tables.
package final class BoundRoutes {
    package let table: RouteTable
    /// By `RouteRule.id`.
    package let rules: [BoundRule]
    /// By a backend's `cluster`.
    package let services: [ServiceTable]

    init(table: RouteTable, rules: [BoundRule], services: [ServiceTable]) {
        self.table = table
        self.rules = rules
        self.services = services
    }
}

package final class BoundRule {
    package let rule: RouteRule
    package let label: Label
    /// `nil`: no timeout of its own.
    package let requestMilliseconds: UInt64?
    package let backendMilliseconds: UInt64?
    /// A timeout of zero: none at all, the mesh's own included (Gateway API, GEP-1742).
    package let isUnlimited: Bool

    init(rule: RouteRule, label: Label) {
        self.rule = rule
        self.label = label
        isUnlimited = rule.requestTimeout == .zero || rule.backendRequestTimeout == .zero
        requestMilliseconds = rule.requestTimeout.flatMap { $0 == .zero ? nil : $0.milliseconds }
        backendMilliseconds = rule.backendRequestTimeout.flatMap { $0 == .zero ? nil : $0.milliseconds }
    }
}
