import TestSupport
import Testing

@testable import Forwarding

/// A node that says of its answers what cannot be.
struct LyingNodeTests {
    /// What answers for `orders` with these bytes each time.
    private static func node(_ answer: @escaping @Sendable (_ stream: UInt32) -> [UInt8]) -> TestBackend {
        TestBackend { connection, _ in
            guard let identities = try? TestIdentities.shared.get(),
                let inner = try? SecureRelay.accept(connection, identities),
                let peer = HTTP2Peer(serving: inner)
            else { return }
            while let frame = peer.receive() {
                if frame.type == HTTP2Peer.FrameType.headers { inner.send(answer(frame.stream)) }
            }
        }
    }

    private static func head(_ fields: HTTP2Peer.Fields, _ stream: UInt32, ends: Bool = false) -> [UInt8] {
        HTTP2Peer.frame(
            HTTP2Peer.FrameType.headers, flags: ends ? 5 : 4, stream: stream, HTTP2Peer.encode(fields))
    }

    @Test(
        arguments: [
            (1, "denied", 403), (2, "no-route", 404), (6, "timeout", 504),
            // It has had an endpoint, and had been taken for a call.
            (3, "upstream-failed", 502), (4, "upstream-failed", 502), (7, "upstream-failed", 502),
            (8, "upstream-failed", 502), (10, "upstream-failed", 502),
        ] as [(UInt32, String, Int)])
    func `a reset after a head tells what an answer can be cut for, and nothing else`(
        reason: UInt32, told: String, status: Int
    ) async throws {
        let node = Self.node { stream in
            Self.head([(":status", "200"), ("content-length", "9")], stream)
                + HTTP2Peer.frame(
                    HTTP2Peer.FrameType.reset, stream: stream, HTTP2Peer.bytes(0x4845_4400 | reason))
        }
        let logs = NodePair.Logs()
        let pair = try await NodePair(orders: 1, logs: logs, reaching: { _ in node.port })
        let answer = try RawConnection.call(port: pair.port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect((answer.status, answer.field("x-heddle-reason")) == (status, told))
        #expect(await logs.a.lines().map { $0.field("reason") } == [told])
        await pair.stop()
    }

    @Test(
        arguments: [
            (1, "caller-gone"), (2, "no-route"), (3, "caller-gone"), (4, "caller-gone"), (6, "timeout"),
            (7, "overloaded"),
            (8, "malformed"), (10, "caller-gone"),
        ] as [(UInt32, String)])
    func `a caller's reset tells what its node can give up a call for, and not what the callee's node decides`(
        reason: UInt32, told: String
    ) async throws {
        // Never ends its answers.
        let backend = TestBackend { connection, backend in
            backend.note(connection.receive(through: "\r\n\r\n"))
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
            _ = connection.receiveAll()
        }
        let logs = NodePair.Logs()
        let pair = try await NodePair(orders: backend.port, logs: logs)
        let caller = HTTP2Peer(
            calling: try SecureRelay.connect(
                port: pair.inbound, serverName: TestIdentities.orders, offering: "h2", TestIdentities.shared.get()))
        let stream = caller.begin(PolicyCase.good, ends: true)
        while let frame = caller.receive(), frame.type != HTTP2Peer.FrameType.data {}
        caller.send(HTTP2Peer.FrameType.reset, stream: stream, HTTP2Peer.bytes(0x4845_4400 | reason))
        #expect(await logs.b.lines().map { $0.field("reason") } == [told])
        await pair.stop()
    }

    @Test(arguments: [false, true])
    func `trailers that say why they cut a call lose it, and get no word of gRPC's, where the call is none`(
        isGateway: Bool
    ) async throws {
        let node = Self.node { stream in
            Self.head([(":status", "200")], stream)
                + Self.head([("x-heddle-reason", "denied"), ("x-mine", "1")], stream, ends: true)
        }
        let logs = NodePair.Logs()
        let pair = try await NodePair(orders: 1, isGateway: isGateway, logs: logs, reaching: { _ in node.port })
        let answer = HTTP2Peer(calling: try RawConnection(port: pair.port)).call(PolicyCase.good)
        #expect(answer.status == 200)
        #expect(answer.trailers.map(\.0) == ["x-mine"])
        #expect(await logs.a.lines().map { $0.field("reason") } == [nil])
        await pair.stop()
    }

    @Test(arguments: [("denied", "denied"), ("connect-failed", "upstream-failed"), ("cosmic-rays", "upstream-failed")])
    func `trailers of a gRPC call tell what it can be cut for`(said: String, told: String) async throws {
        let node = Self.node { stream in
            Self.head([(":status", "200"), ("content-type", "application/grpc")], stream)
                + Self.head([("grpc-status", "7"), ("x-heddle-reason", said)], stream, ends: true)
        }
        let logs = NodePair.Logs()
        let pair = try await NodePair(
            orders: 1, protocolName: "GRPC", logs: logs, reaching: { _ in node.port })
        let fields = PolicyCase.Call.request(method: "POST", path: "/a/b").http2(.grpc)!.fields
        let answer = HTTP2Peer(calling: try RawConnection(port: pair.port)).call(fields)
        #expect(answer.trailers.first { $0.0 == "x-heddle-reason" }?.1 == told)
        #expect(await logs.a.lines().map { $0.field("reason") } == [told])
        await pair.stop()
    }
}
