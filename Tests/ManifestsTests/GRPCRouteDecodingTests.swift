import Testing

@testable import Manifests

private func route(_ spec: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> GRPCRoute {
    try decoded("GRPCRoute", spec, sourceLocation: sourceLocation) {
        $0 as? GRPCRoute
    }
}

@Test func `every field of a GRPCRoute is read`() throws {
    let route = try route(
        """
        parentRefs:
        - {name: edge, sectionName: web, port: 80}
        - {kind: Service, group: "", name: orders, namespace: other}
        hostnames: ["grpc.example.org", "*.Example.com"]
        rules:
        - name: first
          matches:
          - method: {service: shop.v1.Orders, method: GetOrder}
            headers: [{name: X-Version, value: "2"}, {type: Exact, name: b, value: c d}]
          - method: {type: RegularExpression, service: 'shop\\.v\\d+\\..*', method: Get.*}
          - headers: [{name: a, value: b}]
          filters:
          - type: RequestHeaderModifier
            requestHeaderModifier: {set: [{name: A, value: "1"}]}
          - type: ResponseHeaderModifier
            responseHeaderModifier: {remove: [A]}
          - type: RequestMirror
            requestMirror: {backendRef: {name: shadow, port: 80}, percent: 20}
          backendRefs:
          - {name: v1, port: 8080, weight: 90}
          - name: v2
            filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [B]}}]
          timeouts: {request: 10s, backendRequest: 2s}
        - {}
        """)
    #expect(route.parentRefs.map(\.kind) == [.gateway, .service])
    #expect(route.hostnames.map(\.value) == [.exact("grpc.example.org"), .wildcard(suffix: ".example.com")])
    let rule = route.rules[0]
    #expect(rule.name == "first")
    #expect(
        rule.matches[0].method
            == GRPCMethodMatch(service: .exact("shop.v1.Orders"), method: .exact("GetOrder")))
    #expect(rule.matches[0].headers == [.init(name: "x-version", value: "2"), .init(name: "b", value: "c d")])
    #expect(rule.matches[1].method?.service?.text == #"shop\.v\d+\..*"#)
    #expect(rule.matches[1].method?.method?.text == "Get.*")
    #expect(rule.matches[2].method == nil)
    #expect(rule.filters.count == 3)
    #expect(rule.backendRefs.map(\.service.value.description) == ["shop/v1", "shop/v2"])
    #expect(rule.backendRefs.map(\.weight) == [90, 1])
    #expect(rule.backendRefs[1].filters.count == 1)
    #expect(rule.timeouts == HTTPRouteTimeouts(request: .seconds(10), backendRequest: .seconds(2)))
    #expect(route.rules[1].matches.isEmpty)
    #expect(route.rules[1].position.value == 1)
}

@Test func `a GRPCRoute without rules has one for every call`() throws {
    let route = try route("parentRefs: [{name: edge}]")
    #expect(route.rules.count == 1)
    #expect(route.rules[0].matches.isEmpty)
}

@Test(arguments: [
    ("matches: [{method: {}}]", "missing-field 6:31"),
    ("matches: [{method: {service: a/b}}]", "invalid-value 6:41"),
    ("matches: [{method: {service: a..b}}]", "invalid-value 6:41"),
    ("matches: [{method: {service: 9a}}]", "invalid-value 6:41"),
    ("matches: [{method: {service: '*'}}]", "invalid-value 6:41"),
    ("matches: [{method: {method: a.b}}]", "invalid-value 6:40"),
    ("matches: [{method: {method: ''}}]", "invalid-value 6:40"),
    ("matches: [{method: {method: 5}}]", "wrong-type 6:40"),
    ("matches: [{method: {type: Prefix, service: a}}]", "invalid-value 6:38"),
    ("matches: [{method: {type: RegularExpression, service: '('}}]", "invalid-value 6:66"),
    ("matches: [{method: {servce: a}}]", "unknown-field 6:32 missing-field 6:32"),
    ("matches: [{method: GetOrder}]", "wrong-type 6:31"),
    ("matches: [{path: {value: /a}}]", "unknown-field 6:23"),
    ("filters: [{type: RequestRedirect, requestRedirect: {}}]", "invalid-value 6:29"),
    ("filters: [{type: URLRewrite, urlRewrite: {hostname: a.b}}]", "invalid-value 6:29"),
    (
        "backendRefs: [{name: a, filters: [{type: URLRewrite, urlRewrite: {hostname: a.b}}]}]",
        "invalid-value 6:53"
    ),
])
func `a mistake in a rule of a GRPCRoute is an error at its place`(rule: String, mistake: String) {
    let expected = mistake.split(separator: " ")
    let found = mistakes(manifest("GRPCRoute", "parentRefs: [{name: a}]\nrules: [{\(rule)}]"))
    let places = stride(from: 0, to: expected.count, by: 2).map { "manifest.\(expected[$0]) \(expected[$0 + 1])" }
    #expect(Set(found) == Set(places))
}
