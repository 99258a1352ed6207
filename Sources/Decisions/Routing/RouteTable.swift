import HTTPSemantics
import Manifests
import MeshSnapshot

/// The routes of one parent, a Service or the listeners of one port, compiled for matching. Immutable.
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

    /// The table of a service: the routes that name it as a parent, or one rule that sends everything to it.
    package init(service: ResourceName, in snapshot: MeshSnapshot) { fatalError() }

    /// The table of one port: the listeners that share it, of one gateway or several.
    package init(listeners: [(gateway: ResourceName, listener: GatewayListener)], in snapshot: MeshSnapshot) {
        fatalError()
    }

    /// The rule that a request belongs to; `nil`: 404.
    package func match(_ head: borrowing MessageHead) -> RouteMatch? { fatalError() }

    /// The listener that serves a host (or SNI) in canonical form; `nil`: none does. A service's table has none.
    package func listener(forHost host: Span<UInt8>) -> Int? { fatalError() }

    /// Every rule that was looked at for a request, in their order, with why it is or is not the one.
    package func explainMatch(_ head: borrowing MessageHead) -> [RouteExplanation] { fatalError() }
}

/// What was found of one match of a rule, for people.
package struct RouteExplanation: Sendable {
    package let rule: RouteRule
    /// This one decides; at most one does.
    package let isChosen: Bool
    /// `matches host "*.example.com", path prefix "/shop"`, or `path prefix "/shop" does not match`.
    package let reason: String
}
