import Authorization
import Manifests
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// Policies that decide nothing, in Shadow or of AUDIT: counted and told where a call is judged, once, in every protocol.
struct ShadowPolicyTests {
    /// - Parameter mode: Empty: none is written.
    private static func policy(_ name: String, _ action: String, _ mode: String, _ rule: String) -> String {
        manifest(
            "AuthorizationPolicy", name,
            "{action: \(action)\(mode.isEmpty ? "" : ", mode: \(mode)"), rules: [\(rule)]}")
    }

    private static func rule(_ policies: String..., at door: Door) -> String {
        let parent = door.isGateway ? "{kind: Gateway, name: edge}" : "{kind: Service, name: orders}"
        return (policies + [PolicyTable.route(to: parent)]).joined(separator: "\n---\n")
    }

    private static let cut = "{to: [{operation: {paths: [/cut]}}]}"

    /// - Returns: Whether the call is allowed.
    private static func isAllowed(_ path: String, in world: PolicyWorld) throws -> Bool {
        let call = PolicyCase.Call.request(path: path)
        let connection = try world.connect()
        if world.door.dialect == .http1 { return connection.call(call.http1!).status == 200 }
        let answer = HTTP2Peer(calling: connection).call(call.http2(world.door.dialect)!.fields)
        return answer.status == 200 && answer.grpcStatus ?? 0 == 0
    }

    @Test(arguments: Door.allCases)
    func `they are counted by what they would change, on the callee's node alone, and decide nothing`(door: Door)
        async throws
    {
        let world = try await PolicyWorld(
            door,
            rule: Self.rule(
                PolicyTable.policy("ALLOW", "{}"), Self.policy("no-cut", "DENY", "Shadow", Self.cut),
                Self.policy("all", "ALLOW", "Shadow", "{}"), Self.policy("cuts", "AUDIT", "", Self.cut),
                Self.policy("never", "DENY", "Shadow", "{to: [{operation: {paths: [/never]}}]}"), at: door))
        for path in ["/cut", "/kept", "/cut"] { #expect(try Self.isAllowed(path, in: world)) }
        let counts = await world.observationCounts()
        #expect(counts[0] == ["shop/no-cut would-deny": 2, "shop/all allowed": 3, "shop/cuts allowed": 2])
        #expect(counts.dropFirst().allSatisfy { $0.isEmpty })
        await world.stop()
    }

    @Test(arguments: Door.allCases)
    func `what is denied is told to be let in by an ALLOW in Shadow, unless something else denies it`(door: Door)
        async throws
    {
        let world = try await PolicyWorld(
            door,
            rule: Self.rule(
                Self.policy("cuts", "ALLOW", "Shadow", Self.cut), Self.policy("all", "ALLOW", "Shadow", "{}"),
                Self.policy("no-kept", "DENY", "Shadow", "{to: [{operation: {paths: [/kept]}}]}"),
                PolicyTable.policy("DENY", "{to: [{operation: {paths: [/denied]}}]}"), at: door))
        for path in ["/cut", "/kept", "/denied"] { #expect(try !Self.isAllowed(path, in: world)) }
        let counts = await world.observationCounts()
        #expect(
            counts[0] == [
                "shop/cuts would-allow": 1, "shop/all would-allow": 1, "shop/all denied": 2, "shop/no-kept denied": 1,
            ])
        #expect(counts.dropFirst().allSatisfy { $0.isEmpty })
        await world.stop()
    }

    // MARK: What is under way

    @Test(arguments: [false, true])
    func `a connection is told of once by each policy, those that come while it lasts among them, and cut by none`(
        isHop: Bool
    ) async throws {
        // A connection has no path and no method: a DENY that asks for one matches it, an ALLOW does not.
        let first = Self.policy("first", "DENY", "Shadow", Self.cut)
        let never = Self.policy("never", "ALLOW", "Shadow", "{to: [{operation: {methods: [GET]}}]}")
        let allow = PolicyTable.allowWeb
        func rules(_ policies: String...) -> String { ([allow] + policies).joined(separator: "\n---\n") }
        let world = try await ConnectionWorld(isHop: isHop, rule: rules(first, never))
        let client = try RawConnection(port: world.port)
        func exchange() -> Bool {
            client.send("ping")
            return client.receive(count: 4) == Array("ping".utf8)
        }
        func expectCounts(_ expected: [String: Int], _ comment: Comment) async {
            let counts = await world.observationCounts()
            #expect(counts[0] == expected, comment)
            #expect(counts.dropFirst().allSatisfy { $0.isEmpty })
        }
        #expect(exchange())
        await expectCounts(["shop/first would-deny": 1], "when it came")
        try await world.swap(rule: rules(never, "# Moved.\n\(first)"))
        #expect(exchange())
        await expectCounts(["shop/first would-deny": 1], "another generation with the same policies")
        try await world.swap(rule: rules(first, never, Self.policy("second", "AUDIT", "", "{}")))
        #expect(exchange())
        await expectCounts(["shop/first would-deny": 1, "shop/second allowed": 1], "another policy")
        try await world.swap(rule: rules(Self.policy("first", "DENY", "Shadow", "{}"), never))
        #expect(exchange())
        await expectCounts(["shop/first would-deny": 2, "shop/second allowed": 1], "what the policy says has changed")
        try await world.swap(rule: rules(Self.policy("first", "DENY", "Enforce", "{}"), never))
        #expect(client.endsCleanly() != nil)
        await expectCounts(["shop/first would-deny": 2, "shop/second allowed": 1], "it is enforced")
        await world.stop()
    }

    @Test func `a call that is tried again is told of once`() async throws {
        let orders = TestBackend.echo()
        let shadow = Self.policy("no-cut", "DENY", "Shadow", Self.cut)
        let dead = manifest("Workload", "orders-2", "{service: orders, address: \"127.0.0.1:\(TestPort.free())\"}")
        let outbound = TestPort.free()
        let mesh = try await TestMesh(
            Shop.manifests(outbound: outbound, orders: orders.port, more: "\(shadow)\n---\n\(dead)"))
        for _ in 0..<20 {
            #expect(try RawConnection.call(port: outbound, "GET /cut HTTP/1.1\r\nHost: orders\r\n\r\n").status == 200)
        }
        #expect(await mesh.observationCounts() == ["shop/no-cut would-deny": 20])
        // Each try is judged.
        #expect(await mesh.dataPlane.report().decisions.reduce(0, +) > 20)
        await mesh.stop()
    }

    // MARK: What is told

    private final class Told: Sendable {
        private let matches = Mutex<[(PolicyMatch, ObservedCall)]>([])
        private let untold = Mutex<[PolicyMatch: UInt64]>([:])

        var all: [(match: PolicyMatch, call: ObservedCall)] {
            matches.withLock { $0.map { (match: $0.0, call: $0.1) } }
        }
        var rest: [PolicyMatch: UInt64] { untold.withLock { $0 } }

        var sink: EventSink {
            EventSink { [self] event in
                switch event {
                case .policyMatched(let match, let call): matches.withLock { $0.append((match, call)) }
                case .policyMatches(let match, let count): untold.withLock { $0[match, default: 0] += count }
                default: return
                }
            }
        }
    }

    @Test func `the first few calls are told of, the others by their number, and what changes nothing not at all`()
        async throws
    {
        let orders = TestBackend.echo()
        let told = Told()
        let outbound = TestPort.free()
        let policies = [
            Self.policy("no-cut", "DENY", "Shadow", "{to: [{operation: {paths: [\"/cut*\"]}}]}"),
            Self.policy("everyone", "ALLOW", "Shadow", "{}"),
            Self.policy("posts", "AUDIT", "", "{to: [{operation: {methods: [POST]}}]}"),
        ]
        let mesh = try await TestMesh(
            Shop.manifests(outbound: outbound, orders: orders.port, more: policies.joined(separator: "\n---\n")),
            events: told.sink)
        let client = try RawConnection(port: outbound)
        for _ in 0..<50 {
            #expect(
                client.call("GET /cut/%22x?q=1 HTTP/1.1\r\nHost: ORDERS:80\r\nX-Request-Id: a\"b\r\n\r\n").status
                    == 200)
        }
        let long = String(repeating: "x", count: 2_000)
        #expect(client.call("POST /\(long) HTTP/1.1\r\nHost: orders\r\nContent-Length: 0\r\n\r\n").status == 200)
        await mesh.stop()
        let cuts = told.all.filter { $0.match.policy.name == "no-cut" }
        #expect(cuts.count == 3)
        for (match, call) in cuts {
            #expect(match.effect == "Shadow DENY" && match.verdict == .wouldDeny)
            #expect(call.caller == "spiffe://mesh.local/ns/shop/sa/web" && "\(call.service)" == "shop/orders")
            #expect(call.method == "GET" && call.host == "orders" && call.path == "/cut/%22x", "\(call)")
            #expect(call.requestID == #"a\"b"#)
        }
        let posts = told.all.filter { $0.match.policy.name == "posts" }
        #expect(posts.map(\.match.verdict) == [.allowed])
        #expect(posts.first?.call.path.count == ObservedCall.byteLimit)
        #expect(told.all.count == 4)
        #expect(Dictionary(uniqueKeysWithValues: told.rest.map { ($0.policy.name, $1) }) == ["no-cut": 47])
    }

    @Test func `callers without an identity are told of apart: they hide none that has one`() async throws {
        let orders = TestBackend.echo()
        let told = Told()
        let (outbound, plain) = (TestPort.free(), TestPort.free())
        let mesh = try await TestMesh(
            [
                manifest("Service", "orders", "{}"),
                manifest(
                    "Workload", "orders-1",
                    "{service: orders, address: \"127.0.0.1:\(orders.port)\", inbound: {plain: \"127.0.0.1:\(plain)\"}}"
                ),
                manifest("Workload", "web-1", "{serviceAccount: web, outbound: {listen: \"127.0.0.1:\(outbound)\"}}"),
                manifest("PeerAuthentication", "moving", "{mtls: {mode: PERMISSIVE}}"),
                PolicyTable.policy("ALLOW", "{}"), Self.policy("no-cut", "DENY", "Shadow", Self.cut),
            ].joined(separator: "\n---\n"), events: told.sink)
        let request = "GET /cut HTTP/1.1\r\nHost: orders\r\n\r\n"
        let stranger = try RawConnection(port: plain)
        for _ in 0..<20 { #expect(stranger.call(request).status == 200) }
        #expect(try RawConnection.call(port: outbound, request).status == 200)
        await mesh.stop()
        #expect(told.all.map(\.call.caller) == [nil, nil, nil, "spiffe://mesh.local/ns/shop/sa/web"])
        #expect(told.all.map(\.match.hasIdentity) == [false, false, false, true])
        #expect(told.rest.map { $0.key.hasIdentity ? 0 : $0.value } == [17])
    }

    @Test func `whatever bytes there are come as printable text, without an end of the quotes around it`() {
        var text: [UInt8] = []
        text.append(escaping: Array("a\"b\\ \n\u{7f}\u{e9}\0".utf8).span)
        #expect(String(decoding: text, as: UTF8.self) == #"a\"b\\ \u000a\u007f\u00c3\u00a9\u0000"#)
    }

    @Test func `a connection is told of without a request`() async throws {
        let ledger = TestBackend { connection, _ in
            while !connection.isEnded { connection.send(connection.receive()) }
        }
        let told = Told()
        let port = TestPort.free()
        let mesh = try await TestMesh(
            [
                manifest("Service", "ledger", "{protocol: TCP}"),
                manifest("Workload", "ledger-1", "{service: ledger, address: \"127.0.0.1:\(ledger.port)\"}"),
                manifest(
                    "Workload", "web-1",
                    "{serviceAccount: web, outbound: {tcp: [{service: ledger, listen: \"127.0.0.1:\(port)\"}]}}"),
                PolicyTable.allowWeb, Self.policy("who", "AUDIT", "", "{}"),
            ].joined(separator: "\n---\n"), events: told.sink)
        let client = try RawConnection(port: port)
        client.send("ping")
        #expect(client.receive(count: 4) == Array("ping".utf8))
        #expect(told.all.count == 1)
        let call = try #require(told.all.first?.call)
        #expect(call.method.isEmpty && call.host.isEmpty && call.path.isEmpty && !call.requestID.isEmpty)
        #expect(call.caller == "spiffe://mesh.local/ns/shop/sa/web" && "\(call.service)" == "shop/ledger")
        await mesh.stop()
    }
}
