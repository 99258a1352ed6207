import Telemetry
import TestSupport
import Testing

@testable import Forwarding

/// Answers whose head, first bytes and failure come at once: nothing of them has gone to the caller yet.
struct BrokenAnswerTests {
    private typealias FrameType = HTTP2Peer.FrameType

    private static let get = "GET /a HTTP/1.1\r\nHost: chat\r\n\r\n"

    /// Sends the head, bytes and a reset of the stream in one piece.
    private static let resets = TestBackend { connection, _ in
        guard let peer = HTTP2Peer(serving: connection) else { return }
        while let frame = peer.receive() {
            guard frame.type == FrameType.headers else { continue }
            func bytes(_ type: UInt8, _ flags: UInt8, _ payload: [UInt8]) -> [UInt8] {
                [0, 0, UInt8(payload.count), type, flags] + HTTP2Peer.bytes(frame.stream) + payload
            }
            connection.send(
                bytes(FrameType.headers, 4, [0x88]) + bytes(FrameType.data, 0, Array("hello".utf8))
                    + bytes(FrameType.reset, 0, HTTP2Peer.bytes(2)))
        }
    }

    @Test func `a workload of HTTP/2 that answers and breaks off at once is 502`() async throws {
        try await Shop.serve(
            .echo(), more: [Shop.proxy(""), Shop.service("chat", speaking: "HTTP2", at: Self.resets.port)]
        ) { port, mesh in
            let client = try RawConnection(port: port)
            for _ in 0..<2 {
                let response = client.call(Self.get)
                #expect((response.status, response.field("x-heddle-reason")) == (502, "upstream-failed"))
            }
            let counted = await mesh.dataPlane.report().metrics.series.map(\.key.status)
            #expect(counted == [502])
        }
    }

    @Test(arguments: ["5\r\nhello\r\nx", "5\r\nhello\r\n5;=\r\n", "5\r\nhello!"])
    func `a workload of HTTP/1.1 whose answer is found to be none at once is 502`(body: String) async throws {
        let backend = TestBackend.fixed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
        try await Shop.serve(backend) { port, mesh in
            let response = try RawConnection.call(port: port, Self.get.replacing("chat", with: "orders"))
            #expect((response.status, response.field("x-heddle-reason")) == (502, "upstream-failed"))
            let counted = await mesh.dataPlane.report().metrics.series.map(\.key.status)
            #expect(counted == [502])
        }
    }

    @Test func `the answers before the one that is taken back are not`() async throws {
        let backend = TestBackend { connection, _ in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                connection.send(
                    "HTTP/1.1 200 OK\r\n"
                        + (head.contains("/bad")
                            ? "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!" : "Content-Length: 2\r\n\r\nok"))
            }
        }
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            client.send(
                ["good", "bad", "good", "bad"].map { "GET /\($0) HTTP/1.1\r\nHost: orders\r\n\r\n" }.joined())
            let answers = (0..<4).map { _ in client.response() }
            #expect(answers.map(\.status) == [200, 502, 200, 502])
            #expect(answers[0].body == "ok" && answers[2].body == "ok")
        }
    }

    @Test func `to a caller of HTTP/2 goes what came, and then the reset`() async throws {
        try await Shop.serve(
            .echo(), more: [Shop.proxy(""), Shop.service("chat", speaking: "HTTP2", at: Self.resets.port)]
        ) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let answer = peer.call([
                (":method", "GET"), (":scheme", "http"), (":authority", "chat"), (":path", "/a"),
            ])
            #expect(answer.status == 200 && answer.body == "hello" && answer.reset == 2)
        }
    }

    @Test func `a caller of HTTP/2 that takes nothing of what is left of it is not waited for`() async throws {
        try await Shop.serve(
            .echo(),
            more: [
                Shop.proxy("timeouts: {stream: 200ms}"), Shop.service("chat", speaking: "HTTP2", at: Self.resets.port),
            ]
        ) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 § 6.5.2).
            peer.send(settings: [(id: 4, value: 0)])
            let answer = peer.call([
                (":method", "GET"), (":scheme", "http"), (":authority", "chat"), (":path", "/a"),
            ])
            #expect(answer.status == 200 && answer.body.isEmpty && answer.reset == 2)
        }
    }
}
