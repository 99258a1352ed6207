import Diagnostics
import Testing

@testable import Manifests

private func route(_ spec: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> HTTPRoute {
    try decoded("HTTPRoute", spec, sourceLocation: sourceLocation) {
        $0 as? HTTPRoute
    }
}

@Test func `every field of a route is read`() throws {
    let route = try route(
        """
        parentRefs:
        - {name: edge, sectionName: web, port: 80}
        - {kind: Service, group: "", name: orders, namespace: other}
        hostnames: ["shop.example.org", "*.Example.com"]
        rules:
        - name: first
          matches:
          - path: {type: Exact, value: /a%2Db}
            headers: [{name: X-Version, value: "2"}, {type: Exact, name: b, value: c d}]
            queryParams: [{name: q, value: ""}]
            method: POST
          - path: {value: /p/}
          filters:
          - type: RequestHeaderModifier
            requestHeaderModifier: {set: [{name: A, value: "1"}], add: [{name: B, value: "2"}], remove: [C]}
          - type: ResponseHeaderModifier
            responseHeaderModifier: {set: [{name: A, value: "1"}]}
          - type: URLRewrite
            urlRewrite: {hostname: up.example.org, path: {type: ReplaceFullPath, replaceFullPath: /x}}
          - type: RequestMirror
            requestMirror: {backendRef: {name: shadow, port: 80}, percent: 20}
          - type: RequestMirror
            requestMirror: {backendRef: {name: shadow, namespace: lab}, fraction: {numerator: 1, denominator: 3}}
          backendRefs:
          - {name: v1, port: 8080, weight: 90}
          - name: v2
            namespace: other
            kind: Service
            weight: 0
            filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x]}}]
          timeouts: {request: 10s, backendRequest: 500ms}
        - filters:
          - type: RequestRedirect
            requestRedirect: {scheme: https, hostname: a.b, port: 8443, statusCode: 301, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}
        """)
    #expect(route.parentRefs.map(\.kind) == [.gateway, .service])
    #expect(route.parentRefs.map(\.name.value.description) == ["shop/edge", "other/orders"])
    #expect(route.parentRefs[0].sectionName?.value == "web")
    #expect(route.parentRefs[0].port?.value == 80)
    #expect(route.hostnames.map(\.value) == [.exact("shop.example.org"), .wildcard(suffix: ".example.com")])

    let rule = route.rules[0]
    #expect(rule.name == "first")
    #expect(rule.matches.map(\.path) == [.exact("/a-b"), .prefix("/p")])
    #expect(rule.matches[0].headers == [NameValue(name: "x-version", value: "2"), NameValue(name: "b", value: "c d")])
    #expect(rule.matches[0].queryParams == [NameValue(name: "q", value: "")])
    #expect(rule.matches.map(\.method) == ["POST", nil])
    #expect(rule.filters.count == 5)
    #expect(
        rule.filters[0]
            == .requestHeaderModifier(
                HeaderModifier(
                    set: [NameValue(name: "a", value: "1")], add: [NameValue(name: "b", value: "2")], remove: ["c"])))
    #expect(rule.filters[2] == .urlRewrite(URLRewrite(hostname: "up.example.org", path: .replaceFullPath("/x"))))
    let mirrors = rule.filters.compactMap { if case .requestMirror(let mirror) = $0 { mirror } else { nil } }
    #expect(mirrors.map(\.numerator) == [20, 1])
    #expect(mirrors.map(\.denominator) == [100, 3])
    #expect(mirrors.last?.backend.value.description == "lab/shadow")
    #expect(rule.backendRefs.map(\.service.value.description) == ["shop/v1", "other/v2"])
    #expect(rule.backendRefs.map(\.weight) == [90, 0])
    #expect(rule.backendRefs[1].filters.count == 1)
    #expect(rule.timeouts == HTTPRouteTimeouts(request: .seconds(10), backendRequest: .milliseconds(500)))

    let redirect = RequestRedirect(
        scheme: .https, hostname: "a.b", path: .replacePrefixMatch("/new"), port: 8443, statusCode: 301)
    #expect(route.rules[1].filters == [.requestRedirect(redirect)])
    #expect(route.rules.map(\.position.value) == [0, 1])
    #expect(route.rules[1].position.position.line == 36)
}

@Test func `what is left out has Gateway API's defaults`() throws {
    let everything = HTTPRouteMatch(path: .prefix("/"), headers: [], queryParams: [], method: nil)
    #expect(try route("parentRefs: [{name: a}]").rules.map(\.matches) == [[everything]])
    let route = try route(
        "parentRefs: [{name: a}]\nrules: [{backendRefs: [{name: b}]}, {matches: [{}]}, {matches: []}]")
    #expect(route.rules.map(\.matches) == [[everything], [everything], [everything]])
    #expect(route.rules[0].backendRefs.map(\.weight) == [1])
    #expect(route.rules[0].timeouts == HTTPRouteTimeouts())
    #expect(route.hostnames.isEmpty)
}

@Test(arguments: [301, 302, 303, 307, 308])
func `a redirect has one of five codes`(code: Int) throws {
    _ = try route(
        "parentRefs: [{name: a}]\nrules: [{filters: [{type: RequestRedirect, requestRedirect: {statusCode: \(code)}}]}]"
    )
}

@Test func `zero means no timeout`() throws {
    let route = try route("parentRefs: [{name: a}]\nrules: [{timeouts: {request: 0s, backendRequest: 1h}}]")
    #expect(route.rules[0].timeouts == HTTPRouteTimeouts(request: .zero, backendRequest: .seconds(3600)))
}

/// What stands within `rules: [{…}]` on line 6, whose first column is 12.
@Test(arguments: [
    ("matches: [{path: {type: RegularExpression, value: /a}}]", "not-available 6:36"),
    ("matches: [{path: {value: a}}]", "invalid-value 6:37"),
    ("matches: [{path: {value: /a//b}}]", "invalid-value 6:37"),
    ("matches: [{path: {value: /a?b}}]", "invalid-value 6:37"),
    ("matches: [{path: {value: /../a}}]", "invalid-value 6:37"),
    ("matches: [{method: get}]", "invalid-value 6:31"),
    ("filters: [{type: RequestRedirect, requestRedirect: {statusCode: 304}}]", "invalid-value 6:76"),
    ("filters: [{type: RequestRedirect, requestRedirect: {scheme: ftp}}]", "invalid-value 6:72"),
    ("filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: [{name: a}]", "conflicting-fields 6:69"),
    ("backendRefs: [{name: a, filters: [{type: RequestRedirect, requestRedirect: {}}]}]", "conflicting-fields 6:53"),
    ("filters: [{type: URLRewrite, urlRewrite: {}}]", "missing-field 6:53"),
    ("filters: [{type: URLRewrite}]", "missing-field 6:23"),
    ("filters: [{type: URLRewrite, urlRewrite: {hostname: a}, requestRedirect: {}}]", "conflicting-fields 6:68"),
    (
        "filters: [{type: URLRewrite, urlRewrite: {hostname: a}}, {type: URLRewrite, urlRewrite: {hostname: a}}]",
        "duplicate-item 6:76"
    ),
    (
        "filters: [{type: URLRewrite, urlRewrite: {hostname: a}}, {type: RequestRedirect, requestRedirect: {}}]",
        "conflicting-fields 6:76"
    ),
    (
        "matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]",
        "conflicting-fields 6:112"
    ),
])
func `a mistake in a rule is an error at its place`(rule: String, mistake: String) {
    #expect(mistakes(manifest("HTTPRoute", "parentRefs: [{name: a}]\nrules: [{\(rule)}]")) == ["manifest.\(mistake)"])
}
