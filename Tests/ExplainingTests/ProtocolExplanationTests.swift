import Diagnostics
import Manifests
import MeshFixtures
import MeshSnapshot
import Routing
import TestSupport
import Testing

@testable import Explaining

/// Connections, calls of gRPC, and where a call comes from.
struct ProtocolExplanationTests {
    private let snapshot: MeshSnapshot

    init() throws {
        snapshot = try MeshSnapshot(
            """
            \(manifest("Service", "db", "{protocol: TCP, endpoints: [{address: \"10.0.0.1:5432\"}]}"))
            ---
            \(manifest("Service", "next", "{protocol: TCP, endpoints: [{address: \"10.0.0.2:5432\"}]}"))
            ---
            \(manifest("Service", "ratings", "{protocol: GRPC, endpoints: [{address: \"10.0.0.3:80\"}]}"))
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
            \(manifest("Service", "pages", "{protocol: HTTP2, endpoints: [{address: \"10.0.0.4:80\"}]}"))
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: pages, namespace: shop}
            spec:
              parentRefs: [{kind: Service, name: pages}]
              rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
            ---
            \(manifest("Service", "no-http", "{protocol: HTTP}"))
            ---
            \(manifest("Service", "no-grpc", "{protocol: GRPC}"))
            ---
            \(manifest("Service", "no-tcp", "{protocol: TCP}"))
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
            """, file: "shop.yaml")
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
        ("no-tcp", "the connection is reset"),
    ])
    func `what is allowed and nobody receives is said to be so`(service: String, answer: String) throws {
        let explanation = try explain(to: service) { $0.fromAddress = "10.1.1.1" }
        #expect(explanation.isAllowed && !explanation.isServed)
        #expect(explanation.json.rendered().contains("\"detail\":\"no-endpoint\""))
        let text = explanation.text
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
        #expect(
            unknown.text.contains(
                "REFUSED with UNAUTHENTICATED (grpc-status 16): shop/ratings is called with an identity"))
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
