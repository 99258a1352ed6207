package import Diagnostics
package import Manifests

/// One rule of one route as a table holds it: what happens to the requests it matches, or to the connections of a
/// TCPRoute or TLSRoute. Immutable.
package final class RouteRule: Sendable {
    /// Where it stands in its table's `rules`.
    package let id: Int
    /// What its route is written as; `nil` for the rule that a service without routes has.
    package let kind: ResourceKind?
    /// `nil` for the rule that a service without routes has.
    package let route: ResourceName?
    /// As the manifest names it.
    package let name: String?
    /// From 0, within its route.
    package let index: Int
    /// `nil` for the rule that a service without routes has.
    package let position: SourcePosition?
    /// What metrics and logs call it: `kind/namespace/route/rule`, as routes of two kinds may have one name; `nil` for the
    /// rule that a service without routes has, which nobody has named.
    package let label: [UInt8]?
    /// Answers by itself; the request goes nowhere.
    package let redirect: RouteRedirect?
    package let mirrors: [RouteMirror]
    /// From the request's head to the response's last byte; `nil`: none set here; zero: no timeout.
    package let requestTimeout: Duration?
    /// For one try against one backend; `nil`: none set here; zero: no timeout.
    package let backendRequestTimeout: Duration?
    package let backends: [RouteBackend]

    let filters: CompiledFilters
    /// `cumulativeWeights[i]` is the sum of the weights up to and with backend `i`.
    let cumulativeWeights: [UInt64]

    init(
        id: Int, kind: ResourceKind?, route: ResourceName?, name: String?, index: Int, position: SourcePosition?,
        filters: CompiledFilters, mirrors: [RouteMirror], requestTimeout: Duration?, backendRequestTimeout: Duration?,
        backends: [RouteBackend]
    ) {
        self.id = id
        self.kind = kind
        self.route = route
        self.name = name
        self.index = index
        self.position = position
        let path = Self.path(route, name, index)
        label = kind.map { Array("\($0.rawValue)/\(path)".utf8) }
        self.filters = filters
        redirect = filters.redirect
        self.mirrors = mirrors
        self.requestTimeout = requestTimeout
        self.backendRequestTimeout = backendRequestTimeout
        self.backends = backends
        var sum: UInt64 = 0
        cumulativeWeights = backends.map { backend in
            sum += UInt64(backend.weight)
            return sum
        }
    }

    /// `namespace/route/rule`, the rule by its name or index: what it is called among routes of its kind.
    package var path: String { Self.path(route, name, index) }

    private static func path(_ route: ResourceName?, _ name: String?, _ index: Int) -> String {
        route.map { "\($0)/\(name ?? String(index))" } ?? "default"
    }

    /// Chooses a backend in proportion to the weights.
    /// - Returns: Where it stands in `backends`; `nil` if there is none or all weights are 0: the answer is 500, and a
    ///   connection is closed.
    package func pickBackend(using random: inout some RandomNumberGenerator) -> Int? {
        guard let total = cumulativeWeights.last, total > 0 else { return nil }
        guard cumulativeWeights.count > 1 else { return 0 }
        let ticket = random.next(upperBound: total)
        var index = 0
        while cumulativeWeights[index] <= ticket { index += 1 }
        return index
    }
}

/// Where a rule sends requests.
package struct RouteBackend: Sendable {
    package let service: ResourceName
    /// Where the service stands in the table's `services`.
    package let cluster: Int
    /// 0 to 1,000,000.
    package let weight: Int
    /// Mirrors of this backend alone; the rule's come on top.
    package let mirrors: [RouteMirror]

    let filters: CompiledFilters
}

/// A service that gets a copy of some requests.
package struct RouteMirror: Sendable {
    package let service: ResourceName
    /// Where the service stands in the table's `services`.
    package let cluster: Int
    /// `numerator` of `denominator` requests are copied.
    package let numerator: Int
    /// At least 1.
    package let denominator: Int

    package func isChosen(using random: inout some RandomNumberGenerator) -> Bool {
        numerator >= denominator || random.next(upperBound: UInt64(denominator)) < UInt64(numerator)
    }
}
