import CommonValues
import MeshSnapshot
import Testing

@testable import AdminAPI

struct CallExplanationTests {
    private let snapshot: MeshSnapshot

    init() throws { snapshot = try Samples.snapshot(Samples.shop) }

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

    @Test(arguments: ["a/b/c", "Shop/Web", "spiffe://x y/z", ""])
    func `what is no caller is a mistake`(from: String) {
        #expect(throws: CallQuestion.Mistake.self) { try explain(from: from) }
    }

    @Test func `a host that names another service is a mistake`() {
        #expect(throws: CallQuestion.Mistake.self) { try explain(host: "web.shop") }
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
        Malformed(path: "orders"), Malformed(path: "/a#b"), Malformed(path: "/%zz"), Malformed(method: "GE T"),
        Malformed(path: "/ HTTP/1.1\r\nX: y\r\n"), Malformed(fields: [("a", "b\r\nc: d")]),
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
        #expect(try explain(from: "shop/edge").notes.count == 1)
    }

    @Test func `a decision of the past is explained by its canonical request`() throws {
        let report = Self.decision()
        let explanation = try #require(CallExplanation(report, in: snapshot))
        #expect(!explanation.isAllowed)
        let view = DecisionView(report: report, now: explanation, generation: 8)
        #expect(view.text.contains("DENIED by shop/no-tenant-b, rule 0"))
        #expect(view.text.contains("By the rules of now (generation 8)"))
        #expect(view.text.contains("DENY shop/no-tenant-b rule 0"))
    }

    static func decision() -> DecisionReport {
        DecisionReport(
            id: "abc", generation: 7, at: UnixTime(seconds: 0), caller: "spiffe://mesh.local/ns/shop/sa/web",
            service: .init(namespace: "shop", name: "orders"), method: "GET", host: "orders.shop", path: "/orders/1",
            fields: [("host", "orders.shop"), ("content-length", "5"), ("x-tenant", "b")], isAllowed: false,
            policy: .init(namespace: "shop", name: "no-tenant-b"), rule: 0)
    }
}
