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

package struct ParentRef: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case service = "Service"
        case gateway = "Gateway"
    }

    /// Default: `.gateway`, as in Gateway API.
    package var kind: Kind
    /// Its namespace defaults to the route's.
    package var name: Located<ResourceName>
    /// A Gateway's listener.
    package var sectionName: Located<String>?
    /// A Gateway's listener port.
    package var port: Located<UInt16>?
}

package struct HTTPRouteRule: Hashable, Sendable {
    package var name: String?
    /// ORed. One at least: without `matches`, PathPrefix `/`.
    package var matches: [HTTPRouteMatch]
    package var filters: [HTTPRouteFilter]
    package var backendRefs: [HTTPBackendRef]
    package var timeouts: HTTPRouteTimeouts
    package var position: Located<Int>

    package init(
        name: String?, matches: [HTTPRouteMatch], filters: [HTTPRouteFilter], backendRefs: [HTTPBackendRef],
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

package struct NameValue: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

package enum HTTPRouteFilter: Hashable, Sendable {
    case requestHeaderModifier(HeaderModifier)
    case responseHeaderModifier(HeaderModifier)
    case requestRedirect(RequestRedirect)
    case urlRewrite(URLRewrite)
    case requestMirror(RequestMirror)
}

/// Names in lower case, each at most once in each list.
package struct HeaderModifier: Hashable, Sendable {
    package var set: [NameValue]
    package var add: [NameValue]
    package var remove: [String]
}

package enum PathModifier: Hashable, Sendable {
    case replaceFullPath(String)
    /// Only in rules whose every match is a PathPrefix.
    case replacePrefixMatch(String)
}

package struct RequestRedirect: Hashable, Sendable {
    package enum Scheme: String, Hashable, Sendable, CaseIterable { case http, https }

    package var scheme: Scheme?
    package var hostname: String?
    package var path: PathModifier?
    package var port: UInt16?
    /// 301, 302, 303, 307 or 308. Default: 302.
    package var statusCode: Int
}

package struct URLRewrite: Hashable, Sendable {
    package var hostname: String?
    package var path: PathModifier?
}

package struct RequestMirror: Hashable, Sendable {
    package var backend: Located<ResourceName>
    /// Share of requests that are mirrored: `numerator` of `denominator`. Default: all.
    package var numerator: Int
    package var denominator: Int
}

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
