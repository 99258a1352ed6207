import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// WebSockets whose workloads do not just agree.
struct WebSocketTests {
    private typealias FrameType = HTTP2Peer.FrameType

    /// SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 § 3).
    private static let takesWebSockets: [(id: UInt8, value: UInt32)] = [(8, 1)]

    private static func http1(_ host: String) -> String {
        PolicyCase.Call.webSocket(path: "/chat").http1!.replacing("Host: orders", with: "Host: \(host)")
    }

    private static func http2(_ host: String) -> HTTP2Peer.Fields {
        PolicyCase.Call.webSocket(path: "/chat").http2(.http2)!.fields.map {
            $0.0 == ":authority" ? ($0.0, host) : $0
        }
    }

    /// Opens a WebSocket from a caller of either version.
    /// - Returns: The status, and the reason told with it.
    private static func open(_ host: String, port: UInt16, isHTTP2: Bool) throws -> (status: Int, reason: String?) {
        let connection = try RawConnection(port: port)
        guard isHTTP2 else {
            connection.send(http1(host))
            let response = Response(head: connection.receive(through: "\r\n\r\n"), body: "")
            return (response.status, response.field("x-heddle-reason"))
        }
        let peer = HTTP2Peer(calling: connection)
        let stream = peer.begin(http2(host), ends: false)
        while let frame = peer.receive() {
            guard frame.type == FrameType.headers, frame.stream == stream else { continue }
            var answer = HTTP2Peer.Answer()
            answer.take(peer.fields(frame))
            return (answer.status, answer.fields.first { $0.0 == "x-heddle-reason" }?.1)
        }
        return (0, nil)
    }

    /// An HTTP/2 workload that answers every call with 200, and says what it takes a moment after its first bytes came.
    /// - Parameter mayTalk: Nothing is said before it is open; `nil`: after 100 ms.
    private static func workload(_ settings: [(id: UInt8, value: UInt32)], mayTalk: Gate? = nil) -> TestBackend {
        TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection, settings: nil) else { return }
            if let mayTalk { mayTalk.pass() } else { Pause.ofSlowPeer(.milliseconds(100)) }
            backend.note("settings")
            peer.send(settings: settings)
            while let frame = peer.receive() {
                guard frame.type == FrameType.headers else { continue }
                let fields = peer.fields(frame)
                backend.note(fields.contains { $0 == (":protocol", "websocket") } ? "WebSocket" : "request")
                peer.sendHead([(":status", "200")], stream: frame.stream, ends: frame.endsStream)
            }
        }
    }

    private static func serve(
        _ backend: TestBackend, proxy: String = "", protocolName: String = "HTTP2",
        _ body: (_ port: UInt16, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        let more = [Shop.proxy(proxy), Shop.service("chat", speaking: protocolName, at: backend.port)]
        try await Shop.serve(.echo(), more: more, body)
    }

    @Test(arguments: [false, true])
    func `a workload of HTTP/2 is asked for a WebSocket once it has said that it takes them`(isHTTP2: Bool) async throws
    {
        let backend = Self.workload(Self.takesWebSockets)
        try await Self.serve(backend) { port, _ in
            for _ in 0..<2 {
                let answer = try Self.open("chat", port: port, isHTTP2: isHTTP2)
                #expect(answer.status == (isHTTP2 ? 200 : 101))
            }
            #expect(backend.requests == ["settings", "WebSocket", "WebSocket"])
        }
    }

    @Test(arguments: [false, true], [[], [(id: UInt8(8), value: UInt32(0))]])
    func `one that takes none is not asked, and the caller told so`(
        isHTTP2: Bool, settings: [(id: UInt8, value: UInt32)]
    ) async throws {
        let backend = Self.workload(settings)
        try await Self.serve(backend) { port, _ in
            for _ in 0..<2 {
                let answer = try Self.open("chat", port: port, isHTTP2: isHTTP2)
                #expect(answer == (501, "upstream-failed"))
            }
            let other = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: chat\r\n\r\n")
            #expect(other.status == 200)
            #expect(backend.requests == ["settings", "request"])
        }
    }

    @Test func `a caller that goes away while its WebSocket waits takes nothing with it`() async throws {
        let gate = Gate()
        let backend = Self.workload(Self.takesWebSockets, mayTalk: gate)
        try await Self.serve(backend) { port, mesh in
            let gone = try RawConnection(port: port)
            gone.send(Self.http1("chat"))
            try await SlowPeerTests.settles(mesh) { $0.upstream == 1 }
            gone.reset()
            try await SlowPeerTests.settles(mesh) { $0.open == 0 }
            gate.open()
            let answer = try Self.open("chat", port: port, isHTTP2: false)
            #expect(answer.status == 101)
            #expect(backend.requests == ["settings", "WebSocket"])
        }
    }

    @Test func `a workload that ends before it has said what it takes is 503, for nothing was sent`() async throws {
        let backend = TestBackend { connection, _ in _ = HTTP2Peer(serving: connection, settings: nil) }
        try await Self.serve(backend) { port, _ in
            let answer = try Self.open("chat", port: port, isHTTP2: false)
            #expect(answer == (503, "connect-failed"))
        }
    }

    @Test(arguments: ["HTTP", "HTTP2"], [false, true])
    func `one that says nothing at all is 504`(protocolName: String, saysSettings: Bool) async throws {
        let backend = TestBackend { connection, _ in
            if saysSettings, let peer = HTTP2Peer(serving: connection, settings: Self.takesWebSockets) {
                while peer.receive() != nil {}
            }
            while !connection.receive().isEmpty {}
        }
        try await Self.serve(backend, proxy: "timeouts: {response: 300ms}", protocolName: protocolName) { port, _ in
            let answer = try Self.open("chat", port: port, isHTTP2: false)
            #expect(answer == (504, "timeout"))
        }
    }

    @Test(arguments: [Door.http1, .http2, .hopHTTP1, .hopHTTP2])
    func `an answer of success that accepts no WebSocket is 502 where it would pass for one`(door: Door) async throws {
        // It takes the upgrade for any request.
        let backend = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        let world = try await PolicyWorld(
            door, rule: PolicyTable.policy("ALLOW", "{}"), backend: backend)
        let connection = try world.connect()
        if door.dialect == .http1 {
            let response = connection.call(Self.http1("orders"))
            // Over HTTP/1.1 only 101 accepts; between nodes any success would.
            #expect(response.status == (door == .http1 ? 200 : 502))
        } else {
            let peer = HTTP2Peer(calling: connection)
            let answer = peer.answer(on: peer.begin(Self.http2("orders"), ends: false))
            #expect(answer.status == 502)
        }
        await world.stop()
    }
}
