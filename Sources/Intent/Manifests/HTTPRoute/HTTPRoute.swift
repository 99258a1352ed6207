extension ResourceKind {
    package static let httpRoute = Self("HTTPRoute")
}

/// Gateway API's HTTPRoute, core and extended fields. A GRPCRoute becomes one, too, when a snapshot is made.
package struct HTTPRoute: Resource {
    package static let kind = ResourceKind.httpRoute
    /// The kind it is written as: `.httpRoute` or `.grpcRoute`.
    package var writtenAs: ResourceKind
    package var metadata: Metadata
    package var parentRefs: [ParentRef]
    package var hostnames: [Located<HostnamePattern>]
    /// One at least: without `rules`, one that matches everything and has no backends.
    package var rules: [HTTPRouteRule]

    package init(
        metadata: Metadata, parentRefs: [ParentRef], hostnames: [Located<HostnamePattern>], rules: [HTTPRouteRule],
        writtenAs: ResourceKind = .httpRoute
    ) {
        self.metadata = metadata
        self.parentRefs = parentRefs
        self.hostnames = hostnames
        self.rules = rules
        self.writtenAs = writtenAs
    }
}

/// ANDed.
package struct HTTPRouteMatch: Hashable, Sendable {
    package enum Path: Hashable, Sendable {
        /// In canonical form.
        case exact(String)
        /// In canonical form, without a trailing slash save `/` itself; matches whole segments.
        case prefix(String)
        /// A gRPC method, whose path is `/service/method`. Only GRPCRoutes have it.
        case grpcMethod(GRPCMethodMatch)
    }

    package var path: Path
    /// Names in lower case. Exact values.
    package var headers: [NameValue]
    /// Exact names and values, percent-decoded.
    package var queryParams: [NameValue]
    package var method: String?

    package init(path: Path, headers: [NameValue], queryParams: [NameValue], method: String?) {
        self.path = path
        self.headers = headers
        self.queryParams = queryParams
        self.method = method
    }
}
