package import RegularExpressions

extension ResourceKind {
    package static let grpcRoute = Self("GRPCRoute")
}

/// Gateway API's GRPCRoute, with the timeouts that HTTPRoutes have.
package struct GRPCRoute: Resource {
    package static let kind = ResourceKind.grpcRoute
    package var metadata: Metadata
    package var parentRefs: [ParentRef]
    package var hostnames: [Located<HostnamePattern>]
    /// One at least: without `rules`, one that matches everything and has no backends.
    package var rules: [GRPCRouteRule]
}

/// ANDed.
package struct GRPCRouteMatch: Hashable, Sendable {
    /// `nil`: every method.
    package var method: GRPCMethodMatch?
    /// Names in lower case. Exact values.
    package var headers: [NameValue]
}

/// A gRPC method: the path is `/service/method`. One of the two at least.
package struct GRPCMethodMatch: Hashable, Sendable {
    /// `nil`: every service.
    package var service: GRPCNameMatch?
    /// `nil`: every method.
    package var method: GRPCNameMatch?

    package init(service: GRPCNameMatch?, method: GRPCNameMatch?) {
        self.service = service
        self.method = method
    }
}

package enum GRPCNameMatch: Hashable, Sendable {
    /// Compared with regard to case.
    case exact(String)
    /// Of the whole name.
    case regularExpression(RegularExpression)

    /// As the manifest writes it.
    package var text: String {
        switch self {
        case .exact(let text): text
        case .regularExpression(let expression): expression.text
        }
    }
}
