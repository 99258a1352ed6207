import HTTPSemantics
import Manifests
import MeshSnapshot
import Testing

@testable import Routing

/// A rule with one match and a backend.
private func rule(_ match: String) -> String { "{matches: [{\(match)}], backendRefs: [{name: b}]}" }
private func rules(_ matches: String...) -> String { matches.map { rule($0) }.joined(separator: ", ") }
private func exact(_ path: String) -> String { "path: {type: Exact, value: \"\(path)\"}" }
private func prefix(_ path: String) -> String { "path: {type: PathPrefix, value: \"\(path)\"}" }
private func header(_ name: String, _ value: String) -> String { "{name: \(name), value: \"\(value)\"}" }

@Test func `a service without routes gets everything itself`() throws {
    let table = serviceTable()
    let match = try #require(table.match(TestRequest(target: "/any/path?x=1")))
    #expect(match.rule.route == nil)
    #expect(match.rule.label == nil)
    #expect(table.services == [ResourceName(namespace: "default", name: "a")])
    #expect(match.rule.backends.map(\.cluster) == [0])
    var random = SystemRandomNumberGenerator()
    #expect(match.rule.pickBackend(using: &random) == 0)
}

@Test func `a service with routes answers only what they match`() {
    let table = serviceTable(("r", rule(exact("/one"))))
    #expect(table.rulePath(TestRequest(target: "/one")) == "default/r/0")
    #expect(table.rulePath(TestRequest(target: "/two")) == nil)
}

@Test(arguments: [
    ("/one", "default/r/0"), ("/two", "default/r/1"), ("/", nil), ("/one/example", nil), ("/two/", nil), ("/Two", nil),
    ("/slash/", "default/r/2"), ("/slash", nil),
])
func `exact paths match whole and by case`(path: String, label: String?) {
    let table = serviceTable(("r", rules(exact("/one"), exact("/two"), exact("/slash/"))))
    #expect(table.rulePath(TestRequest(target: path)) == label)
}

@Test(arguments: [
    ("/", "default/r/0"), ("/example", "default/r/0"), ("/v2", "default/r/1"), ("/v2/", "default/r/1"),
    ("/v2/example", "default/r/1"), ("/v2example", "default/r/0"), ("/foo/v2/example", "default/r/0"),
    ("/v2/deep/er", "default/r/2"), ("/v2/deeper", "default/r/1"), ("/V2", "default/r/0"), ("*", "default/r/0"),
    ("/v%2F2", "default/r/0"),
])
func `prefixes match on the borders of segments, the longest first`(path: String, label: String?) {
    let table = serviceTable(("r", rules(prefix("/"), prefix("/v2"), prefix("/v2/deep/"))))
    #expect(table.rulePath(TestRequest(target: path)) == label)
}

@Test func `a matched prefix says how much of the path it covers`() throws {
    let table = serviceTable(("r", rules(prefix("/"), prefix("/v2"), exact("/v2/x"))))
    for (path, count) in [("/", 0), ("/y", 0), ("/v2", 3), ("/v2/", 3), ("/v2/y", 3), ("/v2/x", 5)] {
        #expect(try #require(table.match(TestRequest(target: path))).prefixByteCount == count)
    }
}

/// Gateway API's precedence, one criterion a row: both rules match the request, the second is the one.
@Test(arguments: [
    (prefix("/a/b"), exact("/a/b"), "/a/b"),
    (prefix("/a"), prefix("/a/b"), "/a/b/c"),
    (prefix("/a/b") + ", headers: [\(header("x", "1"))]", exact("/a/b"), "/a/b"),
    (prefix("/a") + ", headers: [\(header("x", "1"))]", prefix("/a") + ", method: GET", "/a"),
    (prefix("/a") + ", method: GET", prefix("/a") + ", method: GET, headers: [\(header("x", "1"))]", "/a"),
    (
        prefix("/a") + ", headers: [\(header("x", "1"))], queryParams: [\(header("q", "1")), \(header("p", "1"))]",
        prefix("/a") + ", headers: [\(header("x", "1")), \(header("y", "2"))]", "/a?q=1&p=1"
    ),
    (prefix("/a"), prefix("/a") + ", queryParams: [\(header("q", "1"))]", "/a?q=1"),
    (
        prefix("/a") + ", queryParams: [\(header("q", "1"))]",
        prefix("/a") + ", queryParams: [\(header("q", "1")), \(header("p", "1"))]", "/a?q=1&p=1"
    ),
])
func `the more specific match wins over the earlier one`(first: String, second: String, target: String) {
    let request = TestRequest(target: target, headers: [("x", "1"), ("y", "2")])
    #expect(serviceTable(("r", rule(first) + ", " + rule(second))).rulePath(request) == "default/r/1")
    #expect(serviceTable(("r", rule(second) + ", " + rule(first))).rulePath(request) == "default/r/0")
    #expect(serviceTable(("r", rule(first)), ("s", rule(second))).rulePath(request) == "default/s/0")
}

@Test func `of equal matches the first route by name wins, then the first rule`() {
    let equal = rule(prefix("/"))
    #expect(serviceTable(("z", equal), ("b", equal), ("c", equal)).rulePath(TestRequest()) == "default/b/0")
    #expect(serviceTable(("r", equal + ", " + equal)).rulePath(TestRequest()) == "default/r/0")
}

@Test func `route order holds across listeners that share routes`() {
    let all = "rules: [{backendRefs: [{name: b}]}]"
    let table = gatewayTable(
        listeners: ["name: one, hostname: one.com", "name: two, hostname: two.com"],
        routes: [
            ("b", "parentRefs: [{name: edge}], \(all)"), ("a", "parentRefs: [{name: edge, sectionName: two}], \(all)"),
        ])
    #expect(table.rulePath(TestRequest(host: "one.com")) == "default/b/0")
    #expect(table.rulePath(TestRequest(host: "two.com")) == "default/a/0")
}

@Test func `a rule's name is its label`() {
    let table = serviceTable(("r", "{name: named, backendRefs: [{name: b}]}"))
    #expect(table.rulePath(TestRequest()) == "default/r/named")
}

@Test(arguments: [
    (["x-user": "ann"], true), (["x-user": "Ann"], false), (["x-user": "ann,bob"], false), ([:], false),
    (["x-users": "ann"], false),
])
func `header names match without case, values with`(headers: [String: String], matches: Bool) {
    let table = serviceTable(("r", rule("headers: [{name: X-User, value: ann}]")))
    let request = TestRequest(headers: headers.map { ($0.key, $0.value) })
    #expect((table.rulePath(request) != nil) == matches)
}

@Test func `a header of several lines matches by any one of them, never by their sum`() {
    let table = serviceTable(("r", rule("headers: [{name: x-user, value: bob}]") + ", " + headerRule("ann,bob")))
    #expect(table.rulePath(TestRequest(headers: [("x-user", "ann"), ("x-user", "bob")])) == "default/r/0")
    #expect(table.rulePath(TestRequest(headers: [("x-user", "ann"), ("x-user", "eve")])) == nil)
    #expect(table.rulePath(TestRequest(headers: [("x-user", "ann,bob")])) == "default/r/1")
}

private func headerRule(_ value: String) -> String { rule("headers: [{name: x-user, value: \"\(value)\"}]") }

@Test func `interned header names match too`() {
    let table = serviceTable(("r", rule("headers: [{name: Content-Type, value: text/plain}]")))
    #expect(table.rulePath(TestRequest(headers: [("content-type", "text/plain")])) == "default/r/0")
    #expect(table.rulePath(TestRequest(headers: [("location", "text/plain")])) == nil)
}

@Test(arguments: [
    ("/?animal=whale", true), ("/?ANIMAL=whale", false), ("/?animal=Whale", false), ("/?animal=whaledolphin", false),
    ("/?x=1&animal=whale", true), ("/?animal=whale&animal=dog", true), ("/?animal=dog&animal=whale", false),
    ("/?%61nimal=wh%61le", true), ("/?animal=wh%6", false), ("/?animal", false), ("/?", false), ("/", false),
    ("/?&&animal=whale", true), ("/?animal=whale=", false), ("/?animals=whale", false),
])
func `query parameters match exactly, decoded, the first of a name`(target: String, matches: Bool) {
    let table = serviceTable(("r", rule("queryParams: [{name: animal, value: whale}]")))
    #expect((table.rulePath(TestRequest(target: target)) != nil) == matches)
}

@Test(arguments: [
    ("/?q=a+b", "a+b", true), ("/?q=a%20b", "a b", true), ("/?q=a+b", "a b", false), ("/?q=%", "%", true),
])
func `a plus stands for itself`(target: String, value: String, matches: Bool) {
    let table = serviceTable(("r", rule("queryParams: [{name: q, value: \"\(value)\"}]")))
    #expect((table.rulePath(TestRequest(target: target)) != nil) == matches)
}

/// gateway-api-cases.json, HTTPRouteHostnameIntersection.
@Test(arguments: [
    ("very.specific.com", "/s1", "default/s1/0"), ("non.matching.com", "/s1", nil),
    ("foo.nonmatchingwildcard.io", "/s1", nil), ("foo.wildcard.io", "/s1", nil), ("very.specific.com", "/other", nil),
    ("foo.wildcard.io", "/s2", "default/s2/0"), ("foo.bar.wildcard.io", "/s2", "default/s2/0"),
    ("wildcard.io", "/s2", nil), ("very.specific.com", "/s2", nil), ("very.specific.com", "/s3", "default/s3/0"),
    ("foo.specific.com", "/s3", nil), ("foo.anotherwildcard.io", "/s4", "default/s4/0"),
    ("foo.bar.anotherwildcard.io", "/s4", "default/s4/0"), ("anotherwildcard.io", "/s4", nil),
    ("specific.but.wrong.com", "/s5", nil), ("wildcard.io", "/s5", nil),
])
func `hostnames of listener and route must both match`(host: String, path: String, label: String?) {
    let route = { (number: Int, hostnames: String) in
        (
            "s\(number)",
            """
            parentRefs: [{name: edge}], hostnames: [\(hostnames)], \
            rules: [{matches: [{path: {type: PathPrefix, value: /s\(number)}}], backendRefs: [{name: b}]}]
            """
        )
    }
    let table = gatewayTable(
        listeners: [
            "name: l1, hostname: very.specific.com", "name: l2, hostname: \"*.wildcard.io\"",
            "name: l3, hostname: \"*.anotherwildcard.io\"",
        ],
        routes: [
            route(1, "non.matching.com, \"*.nonmatchingwildcard.io\", very.specific.com"),
            route(2, "non.matching.com, wildcard.io, foo.wildcard.io, bar.wildcard.io, foo.bar.wildcard.io"),
            route(3, "non.matching.com, \"*.specific.com\""), route(4, "\"*.anotherwildcard.io\""),
            route(5, "specific.but.wrong.com, wildcard.io"),
        ])
    #expect(table.rulePath(TestRequest(host: host, target: path)) == label)
}

@Test(arguments: [("bar.com", 0), ("foo.bar.com", 1), ("baz.bar.com", 2), ("multiple.prefixes.bar.com", 2), ("x.y", 3)])
func `the listener with the most specific hostname takes the call`(host: String, listener: Int) throws {
    let all = "parentRefs: [{name: edge}], rules: [{backendRefs: [{name: b}]}]"
    let table = gatewayTable(
        listeners: [
            "name: l1, hostname: bar.com", "name: l2, hostname: foo.bar.com", "name: l3, hostname: \"*.bar.com\"",
            "name: l4",
        ], routes: [("r", all)])
    #expect(try #require(table.match(TestRequest(host: host))).listener == listener)
    let found = table.listener(forHost: Array(host.utf8).span)
    #expect(found == listener)
}

@Test func `a call for a listener that has no route for it goes to no other listener`() {
    let table = gatewayTable(
        listeners: ["name: one, hostname: one.com", "name: all"],
        routes: [("r", "parentRefs: [{name: edge, sectionName: all}], rules: [{backendRefs: [{name: b}]}]")])
    #expect(table.rulePath(TestRequest(host: "one.com")) == nil)
    #expect(table.rulePath(TestRequest(host: "two.com")) == "default/r/0")
}

@Test func `a more specific hostname comes first and leaves the rest to less specific ones`() {
    let route = { (name: String, hostnames: String, path: String) in
        (name, "parentRefs: [{name: edge}], \(hostnames)rules: [\(rule(path))]")
    }
    let table = gatewayTable(
        listeners: ["name: l"],
        routes: [
            route("a-none", "", exact("/x")), route("b-wide", "hostnames: [\"*.com\"], ", exact("/x")),
            route("c-narrow", "hostnames: [\"*.b.com\"], ", prefix("/")),
            route("d-exact", "hostnames: [a.b.com], ", prefix("/y")),
        ])
    #expect(table.rulePath(TestRequest(host: "a.b.com", target: "/y")) == "default/d-exact/0")
    #expect(table.rulePath(TestRequest(host: "a.b.com", target: "/x")) == "default/c-narrow/0")
    #expect(table.rulePath(TestRequest(host: "b.com", target: "/x")) == "default/b-wide/0")
    #expect(table.rulePath(TestRequest(host: "b.org", target: "/x")) == "default/a-none/0")
    #expect(table.rulePath(TestRequest(host: "b.org", target: "/y")) == nil)
}

@Test func `a service's routes hold for every hostname of it`() {
    let spec = "parentRefs: [{kind: Service, name: a}], hostnames: [x.com], rules: [{backendRefs: [{name: b}]}]"
    let table = RouteTable(
        service: ResourceName(namespace: "default", name: "a"), in: snapshot([("HTTPRoute", "r", spec)]))
    #expect(table.rulePath(TestRequest(host: "a.default")) == "default/r/0")
    let listener = table.listener(forHost: Array("a.default".utf8).span)
    #expect(listener == nil)
}

@Test func `every service of a table has one cluster`() {
    let mirror =
        "{type: RequestMirror, requestMirror: {backendRef: {name: c}, fraction: {numerator: 1, denominator: 2}}}"
    let table = serviceTable(
        (
            "r",
            "{filters: [\(mirror)], backendRefs: [{name: b}, {name: a}]}, {backendRefs: [{name: b, filters: [\(mirror)]}]}"
        ))
    #expect(table.services.map(\.name) == ["b", "a", "c"])
    #expect(table.rules[0].backends.map { table.services[$0.cluster].name } == ["b", "a"])
    #expect(table.rules[0].mirrors.map { table.services[$0.cluster].name } == ["c"])
    #expect(table.rules[1].backends[0].mirrors.map { table.services[$0.cluster].name } == ["c"])
    #expect(table.rules.map(\.id) == [0, 1])
}
