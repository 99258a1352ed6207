/// A rule of an HTTPRoute or GRPCRoute, which differ in what a match is.
package struct CallRouteRule<Match: Hashable & Sendable>: Hashable, Sendable {
    package var name: String?
    /// ORed. Of an HTTPRoute one at least: without `matches`, PathPrefix `/`. Of a GRPCRoute none: every call.
    package var matches: [Match]
    /// Of a GRPCRoute header modifiers and mirrors alone.
    package var filters: [HTTPRouteFilter]
    package var backendRefs: [HTTPBackendRef]
    package var timeouts: HTTPRouteTimeouts
    package var position: Located<Int>

    package init(
        name: String?, matches: [Match], filters: [HTTPRouteFilter], backendRefs: [HTTPBackendRef],
        timeouts: HTTPRouteTimeouts, position: Located<Int>
    ) {
        self.name = name
        self.matches = matches
        self.filters = filters
        self.backendRefs = backendRefs
        self.timeouts = timeouts
        self.position = position
    }
}

package typealias HTTPRouteRule = CallRouteRule<HTTPRouteMatch>
package typealias GRPCRouteRule = CallRouteRule<GRPCRouteMatch>

package struct HTTPBackendRef: Hashable, Sendable {
    /// A Service; its namespace defaults to the route's.
    package var service: Located<ResourceName>
    /// 0 to 1,000,000. Default: 1.
    package var weight: Int
    package var filters: [HTTPRouteFilter]
}

/// `nil`: none set here. Zero: no timeout, as in Gateway API.
package struct HTTPRouteTimeouts: Hashable, Sendable {
    /// From the request's head to the response's last byte.
    package var request: Duration?
    /// For one try against one backend.
    package var backendRequest: Duration?

    package init(request: Duration? = nil, backendRequest: Duration? = nil) {
        self.request = request
        self.backendRequest = backendRequest
    }
}
