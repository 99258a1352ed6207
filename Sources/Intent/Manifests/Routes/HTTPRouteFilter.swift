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
