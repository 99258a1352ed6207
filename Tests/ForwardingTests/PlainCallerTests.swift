import TestSupport
import Testing

@testable import Forwarding

/// Calls in plain, from whoever has no identity: what becomes of them where a service is PERMISSIVE.
struct PlainCallerTests {
    private static let get = "GET /orders/1 HTTP/1.1\r\nHost: other.shop\r\nX-Heddle-Caller: forged\r\n\r\n"

    @Test func `a call comes to the port's service, whatever its Host, and has no name`() async throws {
        let world = try await PlainWorld()
        let response = try world.connect().call(Self.get)
        #expect(response.status == 200)
        #expect(response.body.contains("GET /orders/1 HTTP/1.1\r\nhost: other.shop\r\n"))
        #expect(response.body.contains("x-forwarded-for: 127.0.0.1\r\n"))
        #expect(!response.body.contains("heddle"))
        let line = await world.lines()[0]
        #expect(line.field("listener") == "Workload shop/orders-1 in plain" && line.field("service") == "shop/orders")
        #expect(line.field("caller") == nil && line.field("status") == "200")
        await world.stop()
    }

    @Test func `a call of HTTP/1.0 without Host comes there, too`() async throws {
        let world = try await PlainWorld()
        let response = try world.connect().call("GET /health HTTP/1.0\r\n\r\n")
        #expect(response.status == 200)
        #expect(response.body.hasPrefix("GET /health HTTP/1.1\r\nhost: 127.0.0.1:\(world.plain)\r\n"))
        await world.stop()
    }

    @Test func `whoever is refused is told no reason`() async throws {
        let world = try await PlainWorld(rule: "# none")
        let response = try world.connect().call(Self.get)
        #expect(response.status == 403 && response.body.isEmpty && response.field("x-heddle-reason") == nil)
        let line = await world.lines()[0]
        #expect(line.field("reason") == "denied")
        await world.stop()
    }

    @Test func `a route of the service is not asked, and nobody's call goes elsewhere`() async throws {
        let world = try await PlainWorld()
        let route = manifest(
            "HTTPRoute", "away",
            "{parentRefs: [{kind: Service, name: orders}], rules: [{backendRefs: [{name: other}]}]}")
        try await world.serve(more: "\n---\n" + route)
        #expect(try world.connect().call(Self.get).status == 200)
        #expect(try RawConnection.call(port: world.outbound, "GET / HTTP/1.1\r\nHost: orders\r\n\r\n").status == 503)
        await world.stop()
    }

    /// Each with what becomes of a call from nobody at 127.0.0.1.
    private static let rules: [(policies: String, isAllowed: Bool)] = [
        // What has values holds for nobody.
        (allow("principals: [\"*\"]"), false), (allow("principals: [\"spiffe://mesh.local/ns/shop/sa/web\"]"), false),
        (allow("serviceAccounts: [shop/web]"), false), (allow("namespaces: [\"*\"]"), false),
        (allow("trustDomains: [\"*\"]"), false), (allow("requestPrincipals: [\"*\"]"), false),
        // What only excludes holds.
        (allow("notPrincipals: [\"*\"]"), true), (allow("notNamespaces: [ops]"), true),
        (allow("notServiceAccounts: [shop/web]"), true), (allow("notTrustDomains: [mesh.local]"), true),
        (allow("namespaces: [shop], notServiceAccounts: [shop/pay]"), false),
        (all + deny("namespaces: [shop]"), true), (all + deny("principals: [\"*\"]"), true),
        (all + deny("notNamespaces: [shop]"), false), (all + deny("notPrincipals: [\"*\"]"), false),
        // Where it comes from is known.
        (allow("ipBlocks: [127.0.0.0/8]"), true), (allow("ipBlocks: [10.0.0.0/8]"), false),
        (allow("remoteIpBlocks: [127.0.0.1]"), true), (all + deny("ipBlocks: [127.0.0.1]"), false),
        (PolicyTable.policy("ALLOW", "{when: [{key: source.namespace, values: [\"*\"]}]}"), false),
        (PolicyTable.policy("ALLOW", "{when: [{key: source.principal, notValues: [x]}]}"), true),
        (PolicyTable.policy("ALLOW", "{when: [{key: connection.sni, values: [\"*\"]}]}"), false),
        ("# none", false),
    ]

    private static let all = PolicyTable.policy("ALLOW", "{}")
    private static func allow(_ source: String) -> String {
        PolicyTable.policy("ALLOW", "{from: [{source: {\(source)}}]}")
    }
    private static func deny(_ source: String) -> String {
        "\n---\n" + PolicyTable.policy("DENY", "{from: [{source: {\(source)}}]}")
    }

    @Test(arguments: rules)
    func `rules see a caller without identity as what it is`(policies: String, isAllowed: Bool) async throws {
        let world = try await PlainWorld(rule: policies)
        #expect(try world.connect().call(Self.get).status == (isAllowed ? 200 : 403))
        await world.stop()
        let bytes = try await PlainWorld("TCP", rule: policies, backend: Self.bytes())
        let connection = try bytes.connect()
        connection.send("ping")
        if isAllowed {
            #expect(connection.receive(count: 4) == Array("ping".utf8))
        } else {
            #expect(connection.endsCleanly() != nil)
            #expect(bytes.backend.requests.isEmpty)
        }
        await bytes.stop()
    }

    /// Says again what it hears.
    static func bytes() -> TestBackend {
        TestBackend { connection, backend in
            while !connection.isEnded {
                let bytes = connection.receive()
                guard !bytes.isEmpty else { continue }
                backend.note(String(decoding: bytes, as: UTF8.self))
                connection.send(bytes)
            }
        }
    }

    @Test func `calls and connections are counted by their source, those of the mesh are not`() async throws {
        let world = try await PlainWorld()
        let connection = try world.connect()
        for _ in 0..<3 { #expect(connection.call(Self.get).status == 200) }
        _ = HTTP2Peer(calling: try world.connect()).call(PolicyCase.good)
        #expect(try RawConnection.call(port: world.outbound, "GET / HTTP/1.1\r\nHost: orders\r\n\r\n").status == 200)
        #expect(await world.plainCalls() == ["127.0.0.1": 4])
        await world.stop()
        let bytes = try await PlainWorld("TCP", backend: Self.bytes())
        let open = try bytes.connect()
        open.send("ping")
        #expect(open.receive(count: 4) == Array("ping".utf8))
        // While it lasts.
        #expect(await bytes.plainCalls() == ["127.0.0.1": 1])
        await bytes.stop()
    }

    @Test func `whoever has no identity puts out no refusal of a caller that has one, whatever its calls are named`()
        async throws
    {
        let world = try await PlainWorld(rule: PolicyTable.policy("DENY", "{}"))
        let request = "GET /a HTTP/1.1\r\nHost: orders\r\nx-request-id: "
        let known = try RawConnection(port: world.outbound)
        #expect(known.call("\(request)mine\r\n\r\n").status == 403)
        let stranger = try world.connect()
        for number in 0..<DecisionLog.capacity {
            let id = number % 2 == 0 ? "mine" : "\(number)"
            #expect(stranger.call("\(request)\(id)\r\n\r\n").status == 403)
        }
        let records = await world.mesh.dataPlane.decisionRecords()
        #expect(records.count == DecisionLog.strangerCapacity + 1)
        #expect(records.last { $0.id == "mine" }?.caller == "spiffe://mesh.local/ns/shop/sa/web")
        #expect(records.last { $0.id == "\(DecisionLog.capacity - 1)" }?.caller == nil)
        await world.stop()
    }

    @Test func `the port between nodes takes mutual TLS alone, whatever the mode`() async throws {
        let backend = TestBackend.echo()
        let pair = try await NodePair(
            orders: backend.port, rule: "{from: [{source: {serviceAccounts: [shop/web]}}]}",
            more: "---\n" + manifest("PeerAuthentication", "moving", "{mtls: {mode: PERMISSIVE}}"))
        for bytes in [Self.get, String(decoding: HTTP2Peer.preface, as: UTF8.self)] {
            let plain = try RawConnection(port: pair.inbound)
            plain.send(bytes)
            // TLS may say why.
            #expect(!plain.receiveAll().contains("HTTP"))
        }
        #expect(backend.requests.isEmpty)
        let inside = try RawConnection.call(port: pair.port, "GET / HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(inside.status == 200)
        await pair.stop()
    }

    @Test func `the port leads to workloads of its node alone, and to no endpoint outside`() async throws {
        let outside = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\noutside")
        let world = try await PlainWorld()
        try await world.serve(
            more: "\n---\n" + manifest("PeerAuthentication", "all", "{mtls: {mode: PERMISSIVE}}") + "\n---\n"
                + manifest("Service", "far", "{endpoints: [{address: \"127.0.0.1:\(outside.port)\"}]}"))
        for _ in 0..<8 { #expect(try world.connect().call(Self.get).field("x-backend") == "echo") }
        #expect(outside.requests.isEmpty)
        await world.stop()
    }
}
