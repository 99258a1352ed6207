import FuzzKit
import Manifests
import MeshSnapshot
import Testing

@testable import Routing

/// The table of a Service `a` of gRPC, with routes given as (name, rules).
private func table(_ routes: (name: String, rules: String)...) -> RouteTable {
    let snapshot = snapshot(
        routes.map { ("GRPCRoute", $0.name, "parentRefs: [{kind: Service, name: a}], rules: [\($0.rules)]") },
        protocol: "GRPC")
    return RouteTable(service: ResourceName(namespace: "default", name: "a"), in: snapshot)
}

private func rule(_ name: String, _ matches: String...) -> String {
    "{name: '\(name)', matches: [\(matches.joined(separator: ", "))], backendRefs: [{name: b}]}"
}

private func call(_ path: String, _ headers: [(name: String, value: String)] = []) -> TestRequest {
    TestRequest(method: "POST", target: path, headers: headers)
}

@Test func `a call's rule is the one that says most of its service, then of its method`() {
    let table = table(
        (
            "r",
            [
                rule("all"), rule("method", "{method: {method: Get}}"),
                rule("described-method", "{method: {type: RegularExpression, method: G.*}}"),
                rule("described-service", #"{method: {type: RegularExpression, service: 'shop\..*'}}"#),
                rule("described-both", #"{method: {type: RegularExpression, service: 'shop\..*', method: G.*}}"#),
                rule("service", "{method: {service: shop.Orders}}"),
                rule("both", "{method: {service: shop.Orders, method: Get}}"),
            ].joined(separator: ", ")
        ))
    for (path, expected) in [
        ("/shop.Orders/Get", "both"), ("/shop.Orders/Give", "service"), ("/shop.Orders/List", "service"),
        ("/shop.Carts/Get", "described-both"), ("/shop.Carts/List", "described-service"), ("/x.Y/Get", "method"),
        ("/x.Y/Give", "described-method"), ("/x.Y/List", "all"), ("/shop.orders/Get", "described-both"),
    ] {
        #expect(table.rulePath(call(path)) == "default/r/\(expected)", "\(path)")
    }
}

@Test(arguments: [
    "/", "/shop.Orders", "/shop.Orders/", "/shop.Orders/Get/", "/shop.Orders/Get/x", "/x/shop.Orders/Get",
])
func `what is no gRPC method is matched by no method`(path: String) {
    let table = table(
        (
            "r",
            [
                rule("service", "{method: {service: shop.Orders}}"), rule("method", "{method: {method: Get}}"),
                rule("any", "{method: {type: RegularExpression, service: .*}}"),
                rule("both", "{method: {service: shop.Orders, method: Get}}"),
            ].joined(separator: ", ")
        ))
    #expect(table.rulePath(call(path)) == nil)
}

@Test func `more headers come first, then the order of names and rules`() {
    let method = "method: {service: s, method: m}"
    let table = table(
        ("b", rule("0", "{\(method), headers: [{name: x, value: '1'}]}")),
        (
            "a",
            [
                rule("0", "{\(method)}"), rule("1", "{\(method)}"),
                rule("2", "{\(method), headers: [{name: x, value: '1'}, {name: y, value: '2'}]}"),
            ].joined(separator: ", ")
        ))
    #expect(table.rulePath(call("/s/m")) == "default/a/0")
    #expect(table.rulePath(call("/s/m", [("x", "1")])) == "default/b/0")
    #expect(table.rulePath(call("/s/m", [("x", "1"), ("y", "2")])) == "default/a/2")
}

@Test func `among 2,000 methods each is found`() {
    let rules = (0..<2_000).map { rule("m\($0)", "{method: {method: Method\($0)}}") }.joined(separator: ", ")
    let table = table(("r", rules + ", " + rule("described", "{method: {type: RegularExpression, method: Other.*}}")))
    for number in stride(from: 0, to: 2_000, by: 97) {
        #expect(table.rulePath(call("/any.Service/Method\(number)")) == "default/r/m\(number)")
    }
    #expect(table.rulePath(call("/any.Service/Others")) == "default/r/described")
    #expect(table.rulePath(call("/any.Service/Method2000")) == nil)
}

@Test func `an explanation says what was asked of the method`() {
    let table = table(
        (
            "r",
            [
                rule("0", "{method: {type: RegularExpression, service: 'shop.*', method: Get}}"),
                rule("1", "{method: {service: shop.Orders}}"),
            ].joined(separator: ", ")
        ))
    let head = call("/shop.Orders/List").head()
    let steps = table.explainMatch(head)
    #expect(steps.map(\.isChosen) == [true, false])
    #expect(steps[0].reason == "path prefix \"/shop.Orders\": matches")
    #expect(
        steps[1].reason
            == "gRPC service matching \"shop.*\", gRPC method matching \"Get\": the path is not that of such a gRPC method"
    )
    #expect(steps.map(\.rule.kind) == [.grpcRoute, .grpcRoute])
}

@Test func `an HTTPRoute and a GRPCRoute of one name are two routes`() {
    let snapshot = snapshot(
        [
            ("Gateway", "edge", "listeners: [{name: l, protocol: HTTP, port: 80}]"),
            ("HTTPRoute", "r", "parentRefs: [{name: edge}], hostnames: [a.com], rules: [{backendRefs: [{name: a}]}]"),
            ("GRPCRoute", "r", "parentRefs: [{name: edge}], hostnames: [b.com], rules: [{backendRefs: [{name: b}]}]"),
        ], protocol: "HTTP2")
    let gateway = snapshot.gateways[0]
    let table = RouteTable(listeners: gateway.listeners.map { (gateway.metadata.name, $0) }, in: snapshot)
    #expect(table.match(TestRequest(host: "a.com"))?.rule.kind == .httpRoute)
    #expect(table.match(TestRequest(host: "b.com"))?.rule.kind == .grpcRoute)
    #expect(table.match(TestRequest(host: "b.com"))?.rule.backends.map(\.service.name) == ["b"])
}

/// Random GRPCRoutes and calls from a small alphabet, so that they often meet.
private struct RandomCalls {
    var random: SplitMix64

    private mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }
    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func match() -> String {
        var parts: [String] = []
        if chance(85) {
            let isExpression = chance(40)
            var fields = ["type: \(isExpression ? "RegularExpression" : "Exact")"]
            let which = Int.random(in: 0..<3, using: &random)
            if which != 0 {
                fields.append("service: '\(isExpression ? pick(["a.*", "a|b", ".", ".*"]) : pick(["a", "ab", "b"]))'")
            }
            if which != 1 {
                fields.append("method: '\(isExpression ? pick(["X.*", "X|Y", ".*"]) : pick(["X", "Y", "XY"]))'")
            }
            parts.append("method: {\(fields.joined(separator: ", "))}")
        }
        if chance(50) {
            let names = ["h", "i"].shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random))
            parts.append(
                "headers: [\(names.map { "{name: \($0), value: v\(Int.random(in: 0...1, using: &random))}" }.joined(separator: ", "))]"
            )
        }
        return "{\(parts.isEmpty ? "headers: []" : parts.joined(separator: ", "))}"
    }

    mutating func route(matches: ClosedRange<Int>) -> String {
        var text = "parentRefs: [{name: edge}], "
        if chance(60) { text += "hostnames: [\(pick(["a.com", "\"*.com\"", "\"*.a.com\"", "x.a.com"]))], " }
        let rules = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            let matches = (0..<Int.random(in: matches, using: &random)).map { _ in match() }
            return "{matches: [\(matches.joined(separator: ", "))], backendRefs: [{name: b}]}"
        }
        return text + "rules: [\(rules.joined(separator: ", "))]"
    }

    mutating func call() -> TestRequest {
        var request = TestRequest(method: "POST", host: pick(["a.com", "x.a.com", "b.com", "z.org"]))
        request.target = pick(["/a/X", "/ab/X", "/b/Y", "/a/XY", "/c/Z", "/a", "/a/X/Y", "/", "/a/Y"])
        for name in ["h", "i"] where chance(60) {
            request.headers.append((name, "v\(Int.random(in: 0...1, using: &random))"))
        }
        return request
    }
}

@Test(arguments: 0..<40)
func `the compiled table agrees with a naive reading of Gateway API's GRPCRoute`(seed: Int) throws {
    var calls = RandomCalls(random: SplitMix64(seed: UInt64(seed)))
    let isLarge = seed.isMultiple(of: 3)
    let routes = (0..<(isLarge ? 12 : 4)).map { number in
        ("GRPCRoute", "r\(number)", calls.route(matches: isLarge ? 4...12 : 1...3))
    }
    let listeners =
        "{name: all, protocol: HTTP, port: 80}, {name: some, protocol: HTTP, port: 80, hostname: \"*.a.com\"}"
    let snapshot = snapshot([("Gateway", "edge", "listeners: [\(listeners)]")] + routes, protocol: "GRPC")
    let gateway = snapshot.gateways[0]
    let table = RouteTable(listeners: gateway.listeners.map { (gateway.metadata.name, $0) }, in: snapshot)
    let naive = NaiveGRPCMatcher(
        listeners: gateway.listeners, gateway: gateway.metadata.name, routes: snapshot.resources[GRPCRoute.self].all)
    for _ in 0..<50 {
        let request = calls.call()
        let found = table.match(request)
        let answer = found.flatMap { match in
            match.rule.route.map { NaiveMatcher.Answer(route: $0, rule: match.rule.index) }
        }
        let expected = try naive.match(request)
        #expect(answer == expected, "\(request)")
        let head = request.head()
        #expect(table.explainMatch(head).filter(\.isChosen).map(\.rule.id) == (found.map { [$0.rule.id] } ?? []))
    }
}
