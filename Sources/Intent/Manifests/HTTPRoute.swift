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
