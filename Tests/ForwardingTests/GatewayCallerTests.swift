import TestSupport
import Testing

@testable import Forwarding

/// What a gateway believes of those who call it.
struct GatewayCallerTests {
    /// Serves the shop behind a gateway while `body` runs.
    private static func serve(
        proxies: String, rule: String = Shop.allowAll,
        _ body: (_ port: UInt16, _ backend: TestBackend, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let gateway = """
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: edge, namespace: shop}
            spec:
              \(proxies)
              listeners: [{name: http, address: 127.0.0.1, port: \(port), protocol: HTTP}]
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: all, namespace: shop}
            spec:
              parentRefs: [{kind: Gateway, name: edge}]
              rules: [{backendRefs: [{name: orders}]}]
            """
        let mesh = try await TestMesh(
            Shop.manifests(
                outbound: TestPort.free(), orders: backend.port, more: Shop.proxy("") + "\n---\n" + gateway, rule: rule)
        )
        do { try await body(port, backend, mesh) } catch {
            await mesh.stop()
            throw error
        }
        await mesh.stop()
    }

    private static func get(_ fields: String) -> String { "GET /a HTTP/1.1\r\nHost: shop.example\r\n\(fields)\r\n" }

    private static let trusting = #"trustedProxies: ["127.0.0.0/8"]"#
    /// Everyone but one network.
    private static let denying =
        Shop.allowAll + "\n---\n"
        + PolicyTable.policy("DENY", "{from: [{source: {remoteIpBlocks: [203.0.113.0/24]}}]}")
    /// One network alone.
    private static let allowing = PolicyTable.policy("ALLOW", "{from: [{source: {remoteIpBlocks: [127.0.0.0/8]}}]}")

    @Test(arguments: ["203.0.113.9", "203.0.113.9:49152", "[::ffff:203.0.113.9]:1", "unknown", "_x", "203.0.113.9.1"])
    func `a client that a rule denies is denied in whatever form its proxy names it`(text: String) async throws {
        try await Self.serve(proxies: Self.trusting, rule: Self.denying) { port, backend, mesh in
            let response = try RawConnection.call(port: port, Self.get("X-Forwarded-For: \(text)\r\n"))
            #expect(response.status == 403)
            #expect(backend.requests.isEmpty)
            let unreadable = await mesh.dataPlane.report().counters.unreadableClientAddresses
            #expect(unreadable == (text.hasPrefix("203.0.113.9.") || !text.contains("203.") ? 1 : 0))
        }
    }

    @Test(arguments: [("unknown", 403), ("203.0.113.9:1", 403), ("127.0.0.9:1", 200)])
    func `a client whose address cannot be read is not its proxy`(text: String, status: Int) async throws {
        try await Self.serve(proxies: Self.trusting, rule: Self.allowing) { port, _, _ in
            let response = try RawConnection.call(port: port, Self.get("X-Forwarded-For: \(text)\r\n"))
            #expect(response.status == status)
        }
    }

    @Test func `a line that a client wrote does not come before the one of its proxy`() async throws {
        try await Self.serve(proxies: Self.trusting, rule: Self.denying) { port, _, _ in
            let response = try RawConnection.call(
                port: port, Self.get("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 203.0.113.9\r\n"))
            #expect(response.status == 403)
        }
    }

    private static let origins = [
        "Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1", "X-Forwarded-Port: 10", "X-Forwarded-Prefix: /10",
        "X-Forwarded-Server: s10", "True-Client-IP: 10.0.0.1", "CF-Connecting-IP: 10.0.0.1", "X-Client-IP: 10.0.0.1",
        "X-Original-URL: /10", "X-Envoy-External-Address: 10.0.0.1",
    ]

    @Test func `what a stranger says of where its call came from reaches nobody`() async throws {
        try await Self.serve(proxies: "# nobody") { port, backend, _ in
            let fields = Self.origins + ["X-Forwarded-For: 10.0.0.1", "X-Forwarded-Host: h10", "X-Mine: kept"]
            let response = try RawConnection.call(port: port, Self.get(fields.map { $0 + "\r\n" }.joined()))
            #expect(response.status == 200)
            let seen = backend.requests.joined()
            #expect(!seen.contains("10.0.0.1") && !seen.contains(": /10\r\n") && !seen.contains(": s10\r\n"))
            #expect(seen.contains("x-forwarded-for: 127.0.0.1\r\n") && seen.contains("x-mine: kept\r\n"))
            #expect(seen.contains("x-forwarded-host: shop.example\r\n"))
        }
    }

    @Test func `what a trusted proxy says of it goes on`() async throws {
        try await Self.serve(proxies: Self.trusting) { port, backend, _ in
            _ = try RawConnection.call(port: port, Self.get(Self.origins.map { $0 + "\r\n" }.joined()))
            let seen = backend.requests.joined()
            for field in Self.origins {
                #expect(seen.contains(field.prefix { $0 != ":" }.lowercased() + ": "), "\(field)")
            }
        }
    }

    @Test(arguments: ["# nobody", trusting])
    func `an alias of a trusted field passes for nobody`(proxies: String) async throws {
        try await Self.serve(proxies: proxies) { port, backend, _ in
            let names = [
                "X_Forwarded_For", "x-forwarded_for", "X_Heddle_Caller", "X_Real_IP", "x_forwarded_client_cert",
            ]
            let response = try RawConnection.call(port: port, Self.get(names.map { $0 + ": forged\r\n" }.joined()))
            #expect(response.status == 200)
            #expect(!backend.requests.joined().contains("forged"))
        }
    }

    @Test func `a new generation that trusts a proxy no longer forgets what it said`() async throws {
        // In the middle of an answer: the call is judged again by what is believed now.
        let backend = TestBackend { connection, backend in
            backend.note(connection.receive(through: "\r\n\r\n"))
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            while !connection.isEnded { _ = connection.receive() }
        }
        let port = TestPort.free()
        let outbound = TestPort.free()
        func manifests(_ proxies: String) -> String {
            Shop.manifests(
                outbound: outbound, orders: backend.port,
                more: """
                    apiVersion: heddle/v1
                    kind: Gateway
                    metadata: {name: edge, namespace: shop}
                    spec:
                      \(proxies)
                      listeners: [{name: http, address: 127.0.0.1, port: \(port), protocol: HTTP}]
                    ---
                    apiVersion: heddle/v1
                    kind: HTTPRoute
                    metadata: {name: all, namespace: shop}
                    spec: {parentRefs: [{kind: Gateway, name: edge}], rules: [{backendRefs: [{name: orders}]}]}
                    """,
                rule: PolicyTable.policy("ALLOW", "{from: [{source: {remoteIpBlocks: [203.0.113.0/24]}}]}"))
        }
        let mesh = try await TestMesh(manifests(Self.trusting))
        let client = try RawConnection(port: port)
        client.send(Self.get("X-Forwarded-For: 203.0.113.9\r\n"))
        #expect(client.receive(through: "ab").hasSuffix("ab"))
        try await mesh.serve(manifests("# nobody"))
        #expect(client.endsCleanly() != nil)
        await mesh.stop()
    }
}
