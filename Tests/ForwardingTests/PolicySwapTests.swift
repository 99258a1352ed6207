import Cryptography
import TestSupport
import Testing

@testable import Forwarding

/// linkerd2#15549, kuma#3379, consul#6454: what is live when the rules change is judged again, in every protocol.
struct PolicySwapTests {
    /// Every call but those to `/cut`.
    private static let withoutCut =
        PolicyTable.policy("ALLOW", "{}") + "\n---\n"
        + PolicyTable.policy("DENY", "{to: [{operation: {paths: [/cut]}}]}")

    /// The same, but that it is only said.
    private static let lookingAtCut =
        PolicyTable.policy("ALLOW", "{}") + "\n---\n"
        + manifest(
            "AuthorizationPolicy", "rule-deny",
            "{action: DENY, mode: Shadow, rules: [{to: [{operation: {paths: [/cut]}}]}]}")

    /// Takes up a policy in Shadow: what is under way and would be cut is counted.
    private static func look(at world: PolicyWorld, cutting count: Int = 1) async throws {
        try await world.swap(rule: rule(lookingAtCut, at: world.door))
        let counts = await world.observationCounts()
        #expect(counts[0] == (count == 0 ? [:] : ["shop/rule-deny would-deny": count]))
        #expect(counts.dropFirst().allSatisfy { $0.isEmpty })
    }

    private static func rule(_ policies: String, at door: Door) -> String {
        let parent = door.isGateway ? "{kind: Gateway, name: edge}" : "{kind: Service, name: orders}"
        return policies + "\n---\n" + PolicyTable.route(to: parent)
    }

    /// Answers each call with a message, and then with what it gets until the call ends.
    private static func streaming() -> TestBackend {
        TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while !connection.isEnded {
                guard let frame = peer.receive() else { continue }
                if frame.type == HTTP2Peer.FrameType.headers {
                    peer.sendHead(
                        [(":status", "200"), ("content-type", "application/grpc")], stream: frame.stream, ends: false)
                }
                if frame.type == HTTP2Peer.FrameType.data {
                    peer.send(frame.type, stream: frame.stream, frame.payload)
                }
                if frame.type == HTTP2Peer.FrameType.reset { backend.note("reset") }
                if frame.endsStream { peer.sendHead([("grpc-status", "0")], stream: frame.stream, ends: true) }
            }
        }
    }

    @Test(arguments: [Door.grpc, .hopGRPC, .plainGRPC, .hostGRPC])
    func `of two gRPC streams of one connection only the one that a rule now denies is closed`(door: Door) async throws
    {
        let world = try await PolicyWorld(
            door, rule: Self.rule(PolicyTable.policy("ALLOW", "{}"), at: door), backend: Self.streaming())
        let peer = HTTP2Peer(calling: try world.connect())
        func begin(_ path: String) -> UInt32 {
            peer.begin(PolicyCase.Call.request(path: path).http2(.grpc)!.fields, ends: false)
        }
        func exchange(_ stream: UInt32) {
            peer.send(HTTP2Peer.FrameType.data, stream: stream, Array("ping".utf8))
            while let frame = peer.receive(), frame.type != HTTP2Peer.FrameType.data {}
        }
        let (cut, kept) = (begin("/cut"), begin("/kept"))
        exchange(cut)
        exchange(kept)
        try await Self.look(at: world)
        exchange(cut)
        exchange(kept)
        try await world.swap(rule: Self.rule(Self.withoutCut, at: door))
        // Its trailers come next, without any byte to set them off.
        let answer = peer.answer(on: cut)
        #expect(answer.grpcStatus == (door.isPlain ? 16 : 7) && answer.reset == nil, "\(answer)")
        exchange(kept)
        peer.send(HTTP2Peer.FrameType.data, flags: 1, stream: kept)
        let rest = peer.answer(on: kept)
        #expect(rest.grpcStatus == 0, "\(rest)")
        await Poll.until { !world.backend.requests.isEmpty }
        #expect(world.backend.requests == ["reset"])
        await world.stop()
    }

    /// Accepts a WebSocket and says again what it hears.
    static func webSocket() -> TestBackend {
        TestBackend { connection, backend in
            let head = connection.receive(through: "\r\n\r\n")
            backend.note(head)
            let key = Array((Response(head: head, body: "").field("sec-websocket-key") ?? "").utf8)
            let accept = WebSocketKey(key.span).map { String(decoding: $0.accept, as: UTF8.self) } ?? ""
            connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Accept: \(accept)\r\n\r\n")
            // On a busy machine a swap may take longer than a read waits.
            while !connection.isEnded { connection.send(connection.receive()) }
            backend.note("end")
        }
    }

    @Test(arguments: [Door.http1, .gatewayHTTP1, .hopHTTP1, .plainHTTP1, .hostHTTP1], ["/cut", "/kept"])
    func `a WebSocket over HTTP/1.1 is closed if a rule now denies it, and not otherwise`(door: Door, path: String)
        async throws
    {
        let world = try await PolicyWorld(
            door, rule: Self.rule(PolicyTable.policy("ALLOW", "{}"), at: door), backend: Self.webSocket())
        let client = try world.connect()
        client.send(PolicyCase.Call.webSocket(path: path).http1!)
        let head = client.receive(through: "\r\n\r\n")
        #expect(head.hasPrefix("HTTP/1.1 101 "))
        client.send("ping")
        #expect(client.receive(count: 4) == Array("ping".utf8))
        try await Self.look(at: world, cutting: path == "/cut" ? 1 : 0)
        client.send("ping")
        #expect(client.receive(count: 4) == Array("ping".utf8))
        try await world.swap(rule: Self.rule(Self.withoutCut, at: door))
        if path == "/cut" {
            #expect(client.endsCleanly() != nil)
            await Poll.until { world.backend.requests.count >= 2 }
            #expect(world.backend.requests.last == "end")
        } else {
            client.send("ping")
            #expect(client.receive(count: 4) == Array("ping".utf8))
        }
        await world.stop()
    }

    @Test(arguments: [Door.http2, .gatewayHTTP2, .hopHTTP2, .inbound, .plainHTTP2, .hostHTTP2])
    func `of two WebSockets of one HTTP/2 connection only the one that a rule now denies is closed`(door: Door)
        async throws
    {
        let world = try await PolicyWorld(
            door, rule: Self.rule(PolicyTable.policy("ALLOW", "{}"), at: door), backend: Self.webSocket())
        let peer = HTTP2Peer(calling: try world.connect())
        func begin(_ path: String) -> UInt32 {
            peer.begin(PolicyCase.Call.webSocket(path: path).http2(.http2)!.fields, ends: false)
        }
        func exchange(_ stream: UInt32) -> Bool {
            peer.send(HTTP2Peer.FrameType.data, stream: stream, Array("ping".utf8))
            while let frame = peer.receive() {
                if frame.type == HTTP2Peer.FrameType.data { return frame.payload == Array("ping".utf8) }
            }
            return false
        }
        let (cut, kept) = (begin("/cut"), begin("/kept"))
        #expect(exchange(cut))
        #expect(exchange(kept))
        try await Self.look(at: world)
        #expect(exchange(cut))
        #expect(exchange(kept))
        try await world.swap(rule: Self.rule(Self.withoutCut, at: door))
        let answer = peer.answer(on: cut)
        #expect(answer.reset != nil, "\(answer)")
        #expect(exchange(kept))
        await world.stop()
    }

    @Test(arguments: [false, true])
    func `a TCP connection is closed if a rule now denies it, and not otherwise`(isHop: Bool) async throws {
        let world = try await ConnectionWorld(isHop: isHop, rule: PolicyTable.policy("ALLOW", "{}"))
        let client = try RawConnection(port: world.port)
        func exchange() -> Bool {
            client.send("ping")
            return client.receive(count: 4) == Array("ping".utf8)
        }
        #expect(exchange())
        // Another rule that allows it, and a DENY of others.
        for rule in [
            PolicyTable.allowWeb,
            PolicyTable.allowWeb + "\n---\n"
                + PolicyTable.policy("DENY", "{from: [{source: {serviceAccounts: [shop/other]}}]}"),
        ] {
            try await world.swap(rule: rule)
            #expect(exchange())
        }
        try await world.swap(
            rule: PolicyTable.allowWeb + "\n---\n"
                + PolicyTable.policy("DENY", "{to: [{operation: {paths: [/admin]}}]}"))
        #expect(client.endsCleanly() != nil)
        await world.stop()
    }
}
