import CommonValues
import Manifests
import MeshSnapshot
import TestSupport
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
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: orders, namespace: shop}
            spec: {protocol: HTTP}
            ---
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: orders-1, namespace: shop}
            spec: {service: orders, node: b, address: "127.0.0.1:8081"}
            """
        let question = CallQuestion(from: "shop/orders", to: "shop/orders")
        let explanation = try CallExplanation(question, in: Samples.snapshot(manifests, node: node))
        #expect(explanation.text.contains("on node b the manifests decide that are served there") == isSaid)
        #expect(explanation.json.rendered().contains("\"otherNodes\":[\"b\"]") == isSaid)
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

/// Connections, calls of gRPC, and where a call comes from.
struct ProtocolExplanationTests {
    private let snapshot: MeshSnapshot

    init() throws {
        snapshot = try Samples.snapshot(
            """
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: db, namespace: shop}
            spec: {protocol: TCP, endpoints: [{address: "10.0.0.1:5432"}]}
            ---
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: next, namespace: shop}
            spec: {protocol: TCP, endpoints: [{address: "10.0.0.2:5432"}]}
            ---
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: ratings, namespace: shop}
            spec: {protocol: GRPC, endpoints: [{address: "10.0.0.3:80"}]}
            ---
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: edge, namespace: shop}
            spec:
              listeners:
              - {name: all, port: 443, protocol: TLS, tls: {mode: Passthrough}}
              - {name: some, port: 443, protocol: TLS, hostname: "*.example.com", tls: {mode: Passthrough}}
            ---
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: bytes, namespace: shop}
            spec:
              listeners:
              - {name: one, port: 5432, protocol: TCP}
              - {name: two, port: 5433, protocol: TCP}
            ---
            apiVersion: heddle/v1
            kind: TCPRoute
            metadata: {name: bytes, namespace: shop}
            spec:
              parentRefs: [{name: bytes, sectionName: two}]
              rules: [{backendRefs: [{name: next}]}]
            ---
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: secure, namespace: shop}
            spec:
              listeners:
              - name: shop
                port: 8443
                protocol: HTTPS
                hostname: shop.example.com
                tls: {certificateFile: tls/shop.pem, keyFile: tls/shop.key}
            ---
            apiVersion: heddle/v1
            kind: TCPRoute
            metadata: {name: db, namespace: shop}
            spec:
              parentRefs: [{kind: Service, name: db}]
              rules: [{backendRefs: [{name: db, weight: 3}, {name: next}, {name: db, weight: 0}]}]
            ---
            apiVersion: heddle/v1
            kind: TLSRoute
            metadata: {name: names, namespace: shop}
            spec:
              parentRefs: [{name: edge, sectionName: some}]
              hostnames: [db.example.com]
              rules: [{backendRefs: [{name: next}]}]
            ---
            apiVersion: heddle/v1
            kind: GRPCRoute
            metadata: {name: ratings, namespace: shop}
            spec:
              parentRefs: [{kind: Service, name: ratings}]
              rules:
              - matches: [{method: {service: shop.v1.Empty}}]
              - matches: [{method: {type: RegularExpression, method: Get.*}}]
                backendRefs: [{name: ratings}]
            ---
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: pages, namespace: shop}
            spec: {protocol: HTTP2, endpoints: [{address: "10.0.0.4:80"}]}
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: pages, namespace: shop}
            spec:
              parentRefs: [{kind: Service, name: pages}]
              rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
            ---
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: no-http, namespace: shop}
            spec: {protocol: HTTP}
            ---
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: no-grpc, namespace: shop}
            spec: {protocol: GRPC}
            ---
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: no-tcp, namespace: shop}
            spec: {protocol: TCP}
            ---
            apiVersion: heddle/v1
            kind: AuthorizationPolicy
            metadata: {name: near, namespace: shop}
            spec:
              rules:
              - from: [{source: {serviceAccounts: [shop/web, shop/edge], ipBlocks: [10.0.0.0/8]}}]
            ---
            apiVersion: heddle/v1
            kind: AuthorizationPolicy
            metadata: {name: of-grpc, namespace: shop}
            spec:
              targetRefs: [{kind: Service, name: ratings}]
              rules:
              - from: [{source: {serviceAccounts: [shop/other]}}]
                when: [{key: "request.headers[content-type]", values: [application/grpc]}]
            ---
            apiVersion: heddle/v1
            kind: AuthorizationPolicy
            metadata: {name: no-admin, namespace: shop}
            spec:
              action: DENY
              targetRefs: [{kind: Service, name: next}]
              rules: [{to: [{operation: {paths: [/admin]}}]}]
            """)
    }

    private func explain(
        to service: String, from caller: String? = "shop/web", _ set: (inout CallQuestion) -> Void = { _ in }
    ) throws -> CallExplanation {
        var question = CallQuestion(from: caller, to: service)
        set(&question)
        return try CallExplanation(question, in: snapshot)
    }

    @Test func `a connection needs neither method nor path`() throws {
        let explanation = try explain(to: "db.shop") { $0.fromAddress = "10.1.1.1" }
        #expect(explanation.isConnection)
        #expect(explanation.request == nil)
        #expect(explanation.text.contains("protocol  TCP"))
        #expect(explanation.text.contains("-> TCPRoute shop/db/0 (shop.yaml:"))
        #expect(explanation.text.contains("to shop/db (weight 3):"))
        #expect(explanation.text.contains("ALLOWED by ALLOW shop/near, rule 0"))
        #expect(explanation.text.contains("DENIED by DENY shop/no-admin, rule 0"))
        #expect(!explanation.isAllowed)
        #expect(explanation.json.rendered().contains("\"protocol\":\"TCP\""))
        #expect(!explanation.json.rendered().contains("\"request\""))
    }

    @Test func `without an address a rule that asks for one does not match, and a note says so`() throws {
        let explanation = try explain(to: "ratings") { $0.path = "/shop.v1.Ratings/GetRating" }
        #expect(!explanation.isAllowed)
        #expect(
            explanation.text.contains("note: a rule asks for the caller's address: without --from-ip there is none"))
        let near = try explain(to: "ratings") {
            $0.path = "/shop.v1.Ratings/GetRating"
            $0.fromAddress = "10.255.0.1"
        }
        #expect(near.isAllowed)
        #expect(!near.text.contains("note: a rule asks"))
        #expect(try !explain(to: "db") { $0.fromAddress = "192.0.2.1" }.isAllowed)
    }

    @Test(arguments: [
        ("no-http", "the caller is told 503"), ("no-grpc", "the caller is told UNAVAILABLE (grpc-status 14)"),
        ("no-tcp", "the connection is closed"),
    ])
    func `what is allowed and nobody receives is said to be so`(service: String, answer: String) throws {
        let text = try explain(to: service) { $0.fromAddress = "10.1.1.1" }.text
        #expect(text.contains("ALLOWED by ALLOW shop/near, rule 0"))
        #expect(text.contains("but shop/\(service) has no endpoint: \(answer)\n"))
        let denied = try explain(to: service) { $0.fromAddress = "192.0.2.1" }.text
        #expect(!denied.contains("endpoint"))
    }

    @Test func `a call of gRPC is a POST, and its route is found by its method`() throws {
        let explanation = try explain(to: "ratings") { $0.path = "/shop.v1.Ratings/GetRating" }
        #expect(explanation.request?.method == "POST")
        #expect(explanation.text.contains("protocol  gRPC"))
        #expect(explanation.text.contains("-> GRPCRoute shop/ratings/1 (shop.yaml:"))
        #expect(explanation.text.contains("gRPC method matching \"Get.*\": matches"))
        let other = try explain(to: "ratings") { $0.path = "/shop.v1.Ratings/List" }
        #expect(other.text.contains("REFUSED with UNIMPLEMENTED (grpc-status 12): no rule of a route matches"))
        #expect(other.json.rendered().contains("\"outcome\":{\"type\":\"no-route\",\"status\":404},\"grpcStatus\":12"))
        #expect(!other.isAllowed)
    }

    @Test func `who is denied a call of gRPC is told so in gRPC's words`() throws {
        let path = "/shop.v1.Ratings/GetRating"
        let denied = try explain(to: "ratings") { $0.path = path }
        #expect(denied.text.contains("the caller is told PERMISSION_DENIED (grpc-status 7)"))
        #expect(denied.json.rendered().contains("\"allowed\":false,\"grpcStatus\":7"))
        let unknown = try explain(to: "ratings", from: nil) { $0.path = path }
        #expect(unknown.text.contains("the caller is told UNAUTHENTICATED (grpc-status 16)"))
        let allowed = try explain(to: "ratings") {
            $0.path = path
            $0.fromAddress = "10.1.1.1"
        }
        #expect(!allowed.text.contains("grpc-status"))
    }

    @Test func `what no rule is asked about is told in gRPC's words, too`() throws {
        let slash = try explain(to: "ratings") { $0.path = "/shop.v1.Ratings/Get%2F" }
        #expect(slash.text.contains("REFUSED with INTERNAL (grpc-status 13): the path holds %2F"))
        let timeout = try explain(to: "ratings") {
            $0.path = "/shop.v1.Ratings/GetRating"
            $0.fields = [("grpc-timeout", "soon")]
        }
        #expect(timeout.text.contains("REFUSED with INTERNAL (grpc-status 13): grpc-timeout is none"))
        let malformed = try explain(to: "ratings") { $0.path = "/%zz" }
        #expect(malformed.text.contains("REFUSED with INTERNAL (grpc-status 13): malformed request"))
        let nowhere = try explain(to: "ratings") { $0.path = "/shop.v1.Empty/Get" }
        #expect(nowhere.text.contains("REFUSED with UNAVAILABLE (grpc-status 14): the rule has no backend"))
    }

    @Test func `it is the content type that makes a call one of gRPC`() throws {
        for type in ["application/grpc", " application/grpc+proto"] {
            let explanation = try explain(to: "pages") { $0.fields = [("Content-Type", type)] }
            #expect(explanation.text.contains("REFUSED with UNKNOWN (grpc-status 2): gRPC knows no redirect"))
            #expect(!explanation.isAllowed)
        }
        #expect(try explain(to: "pages").isAllowed)
        let other = try explain(to: "ratings") {
            $0.path = "/shop.v1.Ratings/List"
            $0.fields = [("content-type", "text/plain")]
        }
        #expect(other.text.contains("REFUSED with 404"))
        #expect(try explain(to: "ratings") { $0.method = "GET" }.text.contains("REFUSED with 404"))
    }

    @Test func `rules see the content type that every call of gRPC has`() throws {
        let explanation = try explain(to: "ratings", from: "shop/other") { $0.path = "/shop.v1.Ratings/GetRating" }
        #expect(explanation.text.contains("ALLOWED by ALLOW shop/of-grpc, rule 0"))
    }

    @Test func `through a gateway the host is the name in SNI`() throws {
        let explanation = try explain(to: "next", from: "shop/edge") { $0.host = "DB.example.com" }
        #expect(explanation.text.contains("-> TLSRoute shop/names/0 (shop.yaml:"))
        #expect(explanation.text.contains("to shop/next:"))
        let other = try explain(to: "next", from: "shop/edge") { $0.host = "x.example.com" }
        #expect(other.text.contains("CLOSED: no route takes the connection"))
        #expect(!other.isAllowed)
        #expect(try explain(to: "next", from: "shop/edge").text.contains("without --host its routes are not looked at"))
    }

    @Test func `a connection through a gateway's TCP listener goes where its route says, whatever host is named`()
        throws
    {
        for host in [nil, "db.example.com"] {
            let explanation = try explain(to: "next", from: "shop/bytes") { $0.host = host }
            #expect(explanation.text.contains("-> TCPRoute shop/bytes/0 (shop.yaml:"))
            #expect(explanation.text.contains("to shop/next:"))
            #expect(!explanation.text.contains("its routes are not looked at"))
        }
        // Of its two listeners one has no route, and the other leads elsewhere.
        let elsewhere = try explain(to: "db", from: "shop/bytes")
        #expect(!elsewhere.isAllowed)
        #expect(!elsewhere.text.contains("to shop/db"))
    }

    @Test func `a host that no listener of a gateway has is told to be none`() throws {
        let text = try explain(to: "pages", from: "shop/secure") { $0.host = "other.example.com" }.text
        #expect(
            text.contains(
                "REFUSED with 421: no listener of Gateway shop/secure has this host; where SNI names it, too, the TLS "
                    + "handshake is refused (unknown-server-name)"))
        #expect(
            try explain(to: "pages", from: "shop/secure") { $0.host = "shop.example.com" }.text.contains(
                "REFUSED with 404"))
    }

    @Test func `of an endpoint without an address it is said that no call goes there`() throws {
        let endpoints = try #require(snapshot.services[ResourceName(namespace: "shop", name: "ratings")]).endpoints
        var question = CallQuestion(from: "shop/web", to: "ratings")
        question.path = "/shop.v1.Ratings/GetRating"
        question.fromAddress = "10.1.1.1"
        let known = try CallExplanation(question, in: snapshot)
        #expect(!known.text.contains("no address"))
        let unknown = try CallExplanation(question, in: snapshot, unresolved: Set(endpoints.map(\.position)))
        #expect(
            unknown.text.contains(
                "but 10.0.0.3:80 has no address now: the caller is told UNAVAILABLE (grpc-status 14)\n"))
        #expect(unknown.json.rendered().contains("\"unresolved\":[\"10.0.0.3:80\"]"))
    }

    @Test(arguments: ["method", "path", "header", "host"])
    func `what a connection has not cannot be asked about`(name: String) throws {
        #expect(throws: CallQuestion.Mistake.self) {
            try explain(to: "db") { question in
                switch name {
                case "method": question.method = "GET"
                case "path": question.path = "/"
                case "header": question.fields = [("a", "b")]
                default: question.host = "db"
                }
            }
        }
    }

    @Test(arguments: ["x", "10.0.0", "::", "0.0.0.0/0", ""])
    func `what is no address cannot be where a call comes from`(text: String) throws {
        #expect(throws: CallQuestion.Mistake.self) { try explain(to: "db") { $0.fromAddress = text } }
    }
}
