import Cryptography
import TestSupport
import Testing

@testable import Forwarding

/// Calls that make no progress, whatever their two sides speak; what is decided of time is `CallDeadlinesTests`' to say.
struct CallTimeoutTests {
    private typealias FrameType = HTTP2Peer.FrameType

    private static func http2(_ method: String, _ fields: HTTP2Peer.Fields = []) -> HTTP2Peer.Fields {
        [(":method", method), (":scheme", "http"), (":authority", "chat"), (":path", "/chat")] + fields
    }

    /// Accepts WebSockets, and says what becomes of them.
    private static func workload(isHTTP2: Bool) -> TestBackend {
        TestBackend { connection, backend in
            if isHTTP2 {
                guard let peer = HTTP2Peer(serving: connection, settings: [(id: 8, value: 1)]) else { return }
                while let frame = peer.receive() {
                    if frame.type == FrameType.headers {
                        peer.sendHead([(":status", "200")], stream: frame.stream, ends: false)
                    }
                    if frame.endsStream { backend.note("end") }
                    if frame.type == FrameType.reset { backend.note("reset") }
                }
            } else {
                let head = connection.receive(through: "\r\n\r\n")
                let key = Array((Response(head: head, body: "").field("sec-websocket-key") ?? "").utf8)
                let accept = WebSocketKey(key.span).map { String(decoding: $0.accept, as: UTF8.self) } ?? ""
                connection.send(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        + "Sec-WebSocket-Accept: \(accept)\r\n\r\n")
                backend.note(connection.endsCleanly() == true ? "end" : "reset")
            }
        }
    }

    private static func serve(
        _ backend: TestBackend, _ timeouts: String, isHTTP2: Bool,
        _ body: (_ port: UInt16, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        let more = [
            Shop.proxy("timeouts: {\(timeouts)}"),
            Shop.service("chat", speaking: isHTTP2 ? "HTTP2" : "HTTP", at: backend.port),
        ]
        try await Shop.serve(.echo(), more: more, body)
    }

    private static func heard(_ backend: TestBackend) async throws -> [String] {
        await Poll.until { !backend.requests.isEmpty }
        return backend.requests
    }

    @Test(arguments: [false, true], [false, true])
    func `a WebSocket that idles for too long ends, on both sides`(callerIsHTTP2: Bool, workloadIsHTTP2: Bool)
        async throws
    {
        let backend = Self.workload(isHTTP2: workloadIsHTTP2)
        try await Self.serve(backend, "tunnelIdle: 200ms", isHTTP2: workloadIsHTTP2) { port, _ in
            let connection = try RawConnection(port: port)
            if callerIsHTTP2 {
                let peer = HTTP2Peer(calling: connection)
                let call = peer.begin(Self.http2("CONNECT", [(":protocol", "websocket")]), ends: false)
                let answer = peer.answer(on: call)
                #expect(answer.status == 200 && answer.reset != nil)
            } else {
                connection.send(PolicyCase.Call.webSocket(path: "/chat").http1!.replacing("orders", with: "chat"))
                let head = connection.receive(through: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 101 "))
                #expect(connection.endsCleanly() == false)
            }
            #expect(try await Self.heard(backend) == ["reset"])
        }
    }

    @Test(arguments: [false, true])
    func `an extended CONNECT that ends with its head ends the workload's half, once it has agreed`(
        workloadIsHTTP2: Bool
    ) async throws {
        let backend = Self.workload(isHTTP2: workloadIsHTTP2)
        try await Self.serve(backend, "", isHTTP2: workloadIsHTTP2) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let call = peer.begin(Self.http2("CONNECT", [(":protocol", "websocket")]), ends: true)
            let head = peer.receive()
            #expect(head?.stream == call && head?.type == FrameType.headers)
            #expect(try await Self.heard(backend) == ["end"])
        }
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 § 6.5.2).
    private static let noWindow: [(id: UInt8, value: UInt32)] = [(4, 0)]

    /// Answers calls without a body, and lets no byte of the others come.
    private static func closed() -> TestBackend {
        TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection, settings: noWindow) else { return }
            while let frame = peer.receive() {
                if frame.endsStream { peer.sendHead([(":status", "204")], stream: frame.stream, ends: true) }
                if frame.type == FrameType.data { backend.note("data") }
                if frame.type == FrameType.reset { backend.note("reset") }
            }
        }
    }

    @Test(arguments: [false, true], [false, true])
    func `an upload to a workload of HTTP/2 that grants no window is 504`(callerIsHTTP2: Bool, isWhole: Bool)
        async throws
    {
        let backend = Self.closed()
        // Only `stream` is short: nothing else ends it.
        try await Self.serve(backend, "stream: 300ms", isHTTP2: true) { port, _ in
            let connection = try RawConnection(port: port)
            let bytes = [UInt8](repeating: 1, count: 10_000)
            if callerIsHTTP2 {
                let peer = HTTP2Peer(calling: connection)
                // By its answer the workload's settings are known.
                #expect(peer.call(Self.http2("GET")).status == 204)
                let call = peer.begin(Self.http2("POST", [("content-length", "20000")]), ends: false)
                peer.send(FrameType.data, stream: call, bytes)
                if isWhole { peer.send(FrameType.data, flags: 1, stream: call, bytes) }
                var status: String?
                while status == nil, let frame = peer.receive() {
                    if frame.type == FrameType.headers { status = peer.fields(frame).first { $0.0 == ":status" }?.1 }
                }
                #expect(status == "504")
            } else {
                connection.send("HEAD /a HTTP/1.1\r\nHost: chat\r\n\r\n")
                #expect(connection.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 204 "))
                connection.send("POST /a HTTP/1.1\r\nHost: chat\r\nContent-Length: 20000\r\n\r\n")
                connection.send(isWhole ? bytes + bytes : bytes)
                let response = connection.response()
                #expect((response.status, response.field("x-heddle-reason")) == (504, "timeout"))
            }
            #expect(try await Self.heard(backend) == ["reset"])
        }
    }

    @Test func `what a caller of HTTP/2 does not take of a whole answer ends with its stream`() async throws {
        let backend = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        try await Self.serve(backend, "stream: 200ms", isHTTP2: false) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            peer.send(settings: Self.noWindow)
            let answer = peer.call(Self.http2("GET"))
            #expect(answer.status == 200 && answer.body.isEmpty && answer.reset == 8)
            // The connection goes on.
            #expect(peer.call(Self.http2("HEAD")).status == 200)
        }
    }

    /// RFC 9113 § 8.1.1: trailers would make a message of it that is malformed, and tell nobody anything.
    @Test func `an answer of gRPC that is shorter than it has told is reset when its time is over`() async throws {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                guard frame.type == FrameType.headers else { continue }
                let head = [(":status", "200"), ("content-type", "application/grpc"), ("content-length", "8")]
                peer.sendHead(head, stream: frame.stream, ends: false)
                peer.send(FrameType.data, stream: frame.stream, [0, 0, 0, 0])
            }
        }
        try await Self.serve(backend, "stream: 10s", isHTTP2: true) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let call =
                Self.http2("POST") + [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "1S")]
            let answer = peer.call(call)
            #expect(answer.status == 200 && answer.reset != nil && answer.trailers.isEmpty, "\(answer)")
        }
    }

    @Test func `a stream whose answer was its head ends, though its workload never says so`() async throws {
        let backend = TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                if frame.type == FrameType.headers {
                    peer.sendHead([(":status", "204")], stream: frame.stream, ends: false)
                }
                if frame.type == FrameType.reset { backend.note("reset \(frame.code)") }
            }
        }
        try await Self.serve(backend, "stream: 200ms", isHTTP2: true) { port, _ in
            let client = try RawConnection(port: port)
            client.send("GET /a HTTP/1.1\r\nHost: chat\r\n\r\n")
            #expect(client.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 204 "))
            #expect(try await Self.heard(backend) == ["reset 8"])
        }
    }
}
