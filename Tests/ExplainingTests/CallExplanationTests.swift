import Authorization
import CallPlanning
import CommonValues
import Diagnostics
import Manifests
import MeshFixtures
import MeshSnapshot
import Routing
import TestSupport
import Testing

@testable import Explaining

struct CallExplanationTests {
    private let snapshot: MeshSnapshot

    init() throws { snapshot = try MeshSnapshot(Samples.shop, file: "shop.yaml") }

    private func explain(
        from: String? = "shop/web", to: String = "shop/orders", _ method: String = "GET", _ path: String = "/orders/1",
        host: String? = nil, fields: [(name: String, value: String)] = []
    ) throws -> CallExplanation {
        var question = CallQuestion(from: from, to: to)
        question.method = method
        question.path = path
        question.host = host
        question.fields = fields
        return try CallExplanation(question, in: snapshot)
    }

    @Test func `an allowed call names the rule and its place`() throws {
        let explanation = try explain()
        #expect(explanation.isAllowed)
        #expect(explanation.text.contains("ALLOWED by ALLOW shop/web-reads-orders, rule 0 (shop.yaml:"))
        #expect(explanation.text.contains("spiffe://mesh.local/ns/shop/sa/web"))
    }

    @Test func `a denied call says which field of each rule does not match`() throws {
        let explanation = try explain("POST")
        #expect(!explanation.isAllowed)
        #expect(explanation.text.contains("does not match to.operation.methods (shop.yaml:"))
        #expect(explanation.text.contains("DENIED by the default action, Deny: no rule matches"))
    }

    @Test func `a DENY rule that matches is named before any ALLOW`() throws {
        let explanation = try explain(fields: [("X-Tenant", " b")])
        #expect(!explanation.isAllowed)
        #expect(explanation.text.contains("DENIED by DENY shop/no-tenant-b, rule 0"))
    }

    private static let looked = """
        \(manifest("AuthorizationPolicy", "no-reports", "{action: DENY, mode: Shadow, rules: [{to: [{operation: {paths: [\"/orders/reports\"]}}]}]}"))
        ---
        \(manifest("AuthorizationPolicy", "writers", "{action: ALLOW, mode: Shadow, rules: [{to: [{operation: {methods: [PUT]}}]}]}"))
        ---
        \(manifest("AuthorizationPolicy", "who", "{action: AUDIT, rules: [{from: [{source: {namespaces: [shop]}}]}]}"))
        """

    private func look(_ method: String, _ path: String) throws -> CallExplanation {
        var question = CallQuestion(from: "shop/web", to: "shop/orders")
        question.method = method
        question.path = path
        return try CallExplanation(
            question, in: MeshSnapshot("\(Samples.shop)\n---\n\(Self.looked)", file: "shop.yaml"))
    }

    @Test func `what a policy in Shadow would change is said beside what is decided, and AUDIT what it matches`() throws
    {
        let denied = try look("GET", "/orders/reports")
        #expect(denied.isAllowed)
        #expect(denied.text.contains("  Shadow DENY shop/no-reports rule 0 (shop.yaml:"))
        #expect(denied.text.contains("  AUDIT shop/who rule 0 (shop.yaml:"))
        #expect(denied.text.contains("): does not match to.operation.methods (shop.yaml:"))
        #expect(denied.text.contains("  ALLOWED by ALLOW shop/web-reads-orders, rule 0 (shop.yaml:"))
        #expect(
            denied.text.contains(
                "  if all policies in Shadow were enforced: DENIED by DENY shop/no-reports, rule 0 (shop"))
        let allowed = try look("PUT", "/orders/1")
        #expect(!allowed.isAllowed)
        #expect(allowed.text.contains("  DENIED by the default action, Deny: no rule matches\n"))
        #expect(
            allowed.text.contains(
                "  if all policies in Shadow were enforced: ALLOWED by ALLOW shop/writers, rule 0 (shop"))
        let same = try look("DELETE", "/orders/1")
        #expect(
            same.text.contains(
                "  if all policies in Shadow were enforced: DENIED by the default action, Deny: no rule matches\n"))
        #expect(try !explain().text.contains("Shadow"))
    }

    @Test func `JSON has the mode of each rule, and what would be decided`() throws {
        let json = try look("GET", "/orders/reports").json.rendered()
        #expect(
            json.contains(
                #""ifEnforced":{"allowed":false,"decidedBy":{"policy":"shop/no-reports","action":"DENY","mode":"Shadow","rule":0,"#
            ))
        #expect(json.contains(#"{"policy":"shop/who","action":"AUDIT","rule":0,"#))
        #expect(json.contains(#"{"policy":"shop/web-reads-orders","action":"ALLOW","mode":"Enforce","rule":0,"#))
        #expect(try !explain().json.rendered().contains("ifEnforced"))
    }

    @Test func `the request is judged in canonical form`() throws {
        let explanation = try explain("GET", "//x/..//%6frders/1?a=b", host: "ORDERS.shop.:80")
        #expect(explanation.request == CallExplanation.Request(method: "GET", host: "orders.shop", path: "/orders/1"))
        #expect(explanation.isAllowed)
    }

    @Test func `rules judge what the workload receives after rewriting`() throws {
        let explanation = try explain("GET", "/v2/orders/1")
        #expect(explanation.isAllowed)
        #expect(explanation.text.contains("rewritten to GET orders.shop/orders/1"))
    }

    @Test(arguments: ["orders", "orders.shop", "ORDERS.shop.mesh", "shop/orders"])
    func `a service is found by any of its names`(name: String) throws {
        #expect(try explain(to: name).service.description == "shop/orders")
    }

    @Test func `a hostname of a service's own names it`() throws {
        #expect(try explain(to: "web.example.com").service.description == "shop/web")
    }

    @Test func `an unknown service is a mistake that suggests the nearest`() {
        #expect(throws: CallQuestion.Mistake("there is no service \"shop/ordrs\"; did you mean \"shop/orders\"?")) {
            try explain(to: "shop/ordrs")
        }
    }

    @Test
    func `a path without its slash, a method in lower case and a header without a name are told how to be written`() {
        #expect(throws: CallQuestion.Mistake("\"orders\" is no path: begin it with /")) { try explain("GET", "orders") }
        #expect(throws: CallQuestion.Mistake("\"/a é\" is no path as clients send it: write \"/a%20%C3%A9\"")) {
            try explain("GET", "/a é")
        }
        #expect(throws: CallQuestion.Mistake.self) { try explain("GET", "/ HTTP/1.1\r\nX: y\r\n") }
        #expect(throws: CallQuestion.Mistake("\"get\" is no method: write GET")) {
            try explain("get")
        }
        #expect(throws: CallQuestion.Mistake("a header has no name: write it as name:value")) {
            try explain(fields: [("", "x")])
        }
    }

    @Test(arguments: ["a/b/c", "Shop/Web", "spiffe://x y/z", ""])
    func `what is no caller is a mistake`(from: String) {
        #expect(throws: CallQuestion.Mistake.self) { try explain(from: from) }
    }

    @Test(arguments: ["web.shop", "foo"])
    func `a host that names another service than the one asked about, or none, is a mistake`(host: String) {
        #expect(throws: CallQuestion.Mistake.self) { try explain(host: host) }
        #expect(throws: CallQuestion.Mistake.self) { try explain(fields: [("Host", host)]) }
    }

    @Test func `a host may be asked as a header, and there is one`() throws {
        #expect(try explain(fields: [("Host", " ORDERS.shop")]).request?.host == "orders.shop")
        #expect(try explain(host: "orders.shop", fields: [("host", "orders.shop")]).isAllowed)
        #expect(try explain(fields: [("Host", "\torders.shop. \t")]).request?.host == "orders.shop")
        #expect(try explain(host: "orders.shop", fields: [("host", "Orders.Shop. ")]).isAllowed)
        #expect(throws: CallQuestion.Mistake.self) {
            try explain(host: "orders.shop", fields: [("host", "orders.shop.mesh")])
        }
    }

    @Test func `what a gateway's routes send elsewhere is no answer about the service that was asked for`() {
        #expect(
            throws: CallQuestion.Mistake(
                "--host and --to name two things: what comes to Gateway shop/edge for \"shop.example.com\" at \"/orders/1\" "
                    + "goes to shop/orders (HTTPRoute shop/edge/0, shop.yaml:69:12), not to shop/web")
        ) { try explain(from: "shop/edge", to: "shop/web", host: "shop.example.com") }
    }

    @Test(arguments: [
        ("spiffe://mesh.local/web", "the caller is no service account"),
        ("shop/nobody", "no workload or gateway has the service account shop/nobody"),
    ])
    func `of a caller that there is not, a note says so`(from: String, note: String) throws {
        let notes = try explain(from: from).notes
        #expect(notes.count == 1)
        #expect(notes[0].hasPrefix(note), "\(notes)")
    }

    @Test func `a caller of another trust domain is refused, whatever rules say`() throws {
        for service in ["shop/orders", "shop/web"] {
            let explanation = try explain(from: "spiffe://other.org/ns/shop/sa/web", to: service)
            #expect(!explanation.isAllowed)
            #expect(explanation.text.contains("REFUSED at the handshake: the caller is of trust domain other.org"))
            #expect(explanation.json.rendered().contains("\"type\":\"untrusted\""))
        }
    }

    @Test(arguments: [("a", true), ("b", false)])
    func `of a service on another node it is said that the manifests there decide`(node: String, isSaid: Bool) throws {
        let manifests = """
            \(TwoNodeMesh.manifests(b: TestPort.free(), proxy: ""))
            ---
            \(manifest("Service", "orders", "{protocol: HTTP}"))
            ---
            \(manifest("Workload", "orders-1", "{service: orders, node: b, address: \"127.0.0.1:8081\"}"))
            """
        let question = CallQuestion(from: "shop/orders", to: "shop/orders")
        let explanation = try CallExplanation(question, in: MeshSnapshot(manifests, node: node))
        #expect(explanation.text.contains("on node b the manifests decide that are served there") == isSaid)
        #expect(explanation.json.rendered().contains("\"otherNodes\":[\"b\"]") == isSaid)
    }

    /// On the port between nodes the peer is the caller's node, whoever is asked: a client's address is not seen there.
    @Test(arguments: ["a", "b"])
    func `a call to another node is judged as that node judges it, wherever that is asked`(node: String) throws {
        let manifests = """
            \(TwoNodeMesh.manifests(b: TestPort.free(), proxy: ""))
            ---
            \(manifest("Gateway", "edge", "{node: a, listeners: [{name: web, port: 80, protocol: HTTP}], trustedProxies: [192.0.2.0/24]}"))
            ---
            \(manifest("Service", "orders", "{protocol: HTTP}"))
            ---
            \(manifest("Workload", "orders-1", "{service: orders, node: b, address: \"127.0.0.1:8081\"}"))
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: all, namespace: shop}
            spec: {parentRefs: [{kind: Gateway, name: edge}], rules: [{backendRefs: [{name: orders}]}]}
            ---
            \(manifest("AuthorizationPolicy", "known", "{action: ALLOW, rules: [{from: [{source: {remoteIpBlocks: [203.0.113.0/24]}}]}]}"))
            """
        var question = CallQuestion(from: "shop/edge", to: "shop/orders")
        question.host = "any.example"
        question.fromAddress = "192.0.2.7"
        question.fields = [("x-forwarded-for", "203.0.113.9")]
        #expect(!(try CallExplanation(question, in: MeshSnapshot(manifests, node: node)).isAllowed))
    }

    @Test func `a path that no rule takes is refused with 404`() throws {
        let explanation = try explain("GET", "/elsewhere")
        #expect(!explanation.isAllowed)
        #expect(explanation.text.contains("REFUSED with 404"))
    }

    @Test func `a redirect says where to`() throws {
        let explanation = try explain("GET", "/old")
        #expect(explanation.isAllowed)
        #expect(explanation.text.contains("REDIRECTED with 302 to http://orders.shop/new"))
    }

    @Test func `a rule without backends is refused with 500`() throws {
        #expect(try explain("GET", "/none").text.contains("REFUSED with 500"))
    }

    @Test func `an escaped slash is refused where the service does not keep it`() throws {
        let explanation = try explain("GET", "/orders/a%2Fb")
        #expect(!explanation.isAllowed)
        #expect(explanation.text.contains("escapedSlashes: Reject"))
    }

    struct Malformed: Sendable {
        var method = "GET"
        var path = "/"
        var fields: [(name: String, value: String)] = []
    }

    @Test(arguments: [
        Malformed(path: "/a#b"), Malformed(path: "/%zz"), Malformed(method: "GE T"),
        Malformed(fields: [("a", "b\r\nc: d")]),
        Malformed(fields: [("a b", "c")]), Malformed(method: "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET"),
    ])
    func `a malformed request is refused before any rule`(request: Malformed) throws {
        let explanation = try explain(request.method, request.path, fields: request.fields)
        #expect(!explanation.isAllowed)
        #expect(explanation.request == nil)
        #expect(explanation.text.contains("malformed request"))
    }

    @Test func `fields that Connection names are not there when rules are asked`() throws {
        #expect(try explain(fields: [("X-Tenant", "b"), ("Connection", "x-tenant")]).isAllowed)
    }

    @Test func `a caller without an identity matches no rule about names`() throws {
        let explanation = try explain(from: nil)
        #expect(!explanation.isAllowed)
        #expect(explanation.notes.count == 1)
    }

    @Test func `a gateway's call is explained by the gateway's routes`() throws {
        let routed = try explain(from: "shop/edge", "GET", "/orders/1", host: "shop.example.com")
        #expect(routed.routes.contains { $0.isChosen && $0.rule.route?.name == "edge" })
        #expect(!routed.isAllowed)
        #expect(try explain(from: "shop/edge", host: "other.example.com").text.contains("REFUSED with 404"))
        #expect(throws: CallQuestion.Mistake.self) { try explain(from: "shop/edgy", host: "shop.example.com") }
        #expect(try explain(from: "shop/edge").notes.count == 1)
    }

    @Test func `a decision of the past is explained by its canonical request`() throws {
        let report = Self.decision()
        let explanation = try #require(CallExplanation(report, in: snapshot))
        #expect(!explanation.isAllowed)
        let view = DecisionView(report, now: explanation, generation: 8)
        #expect(view.text.contains("DENIED by shop/no-tenant-b, rule 0"))
        #expect(view.text.contains("By the rules of now (generation 8)"))
        #expect(view.text.contains("DENY shop/no-tenant-b rule 0"))
    }

    @Test func `a call of a process that was no workload is told of as such, and no rule is asked`() throws {
        var report = Self.decision()
        report.service = nil
        report.caller = nil
        report.rule = nil
        report.processRefusal = ProcessRefusal(
            listener: "Node here", found: "uid 7, cgroup /a\u{1B}b", why: "shop/web: selectors[0] says uid 8")
        #expect(CallExplanation(report, in: snapshot) == nil)
        let view = DecisionView(report, now: nil, generation: 8)
        #expect(
            view.text == """
                decision  abc
                at        1970-01-01T00:00:00.000Z, generation 7
                caller    none
                listener  Node here
                request   GET orders.shop/orders/1
                process   uid 7, cgroup /a\\u{1B}b
                outcome   REFUSED (not-attested): the process that calls is no workload of this listener
                why       shop/web: selectors[0] says uid 8

                """, "\(view.text)")
        let json = view.json.rendered()
        for part in [
            "\"reason\":\"not-attested\"", "\"allowed\":false", "\"listener\":\"Node here\"",
            "\"why\":\"shop/web: ",
        ] {
            #expect(json.contains(part), "\(json)")
        }
        #expect(!json.contains("\"service\"") && !json.contains("\"now\""), "\(json)")
        // A call that was under way has both.
        report.service = .init(namespace: "shop", name: "orders")
        #expect(DecisionView(report, now: nil, generation: 8).text.contains("service   shop/orders\n"))
        #expect(CallExplanation(report, in: snapshot) == nil)
    }

    static func decision() -> DecisionReport {
        DecisionReport(
            id: "abc", generation: 7, at: UnixTime(seconds: 0), caller: "spiffe://mesh.local/ns/shop/sa/web",
            service: .init(namespace: "shop", name: "orders"), method: "GET", host: "orders.shop", path: "/orders/1",
            fields: [("host", "orders.shop"), ("content-length", "5"), ("x-tenant", "b")], isAllowed: false,
            rule: RuleName(policy: .init(namespace: "shop", name: "no-tenant-b"), index: 0))
    }
}
