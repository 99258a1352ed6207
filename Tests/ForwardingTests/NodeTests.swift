import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// What one node makes of another that is not as it should be, and what callers hear of it.
struct NodeTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"
    private static let grpc = PolicyCase.Call.request(method: "POST", path: "/a/b").http2(.grpc)!.fields

    /// Cuts the first connections in the middle of their handshake, then passes bytes on.
    private static func cutting(_ count: Int, before port: UInt16) -> TestBackend {
        let left = Mutex(count)
        return TestBackend { connection, backend in
            let isCut = left.withLock { left in
                left -= 1
                return left >= 0
            }
            backend.note(isCut ? "cut" : "passed")
            guard !isCut, let other = try? RawConnection(port: port) else {
                _ = connection.receive()
                return
            }
            spawn {
                while true {
                    let bytes = other.receive()
                    guard !bytes.isEmpty || !other.isEnded else { return connection.reset() }
                    connection.send(bytes)
                }
            }
            while true {
                let bytes = connection.receive()
                guard !bytes.isEmpty || !connection.isEnded else { return other.reset() }
                other.send(bytes)
            }
        }
    }

    @Test func `a call whose node cuts the handshake waits for it to be back`() async throws {
        let between = Mutex<TestBackend?>(nil)
        let orders = TestBackend.echo()
        let pair = try await NodePair(orders: orders.port) { port in
            let backend = Self.cutting(3, before: port)
            between.withLock { $0 = backend }
            return backend.port
        }
        // A POST, too: nothing of it was sent.
        let response = try RawConnection.call(
            port: pair.port, "POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 2\r\n\r\nhi")
        #expect(response.status == 200 && response.body.hasSuffix("hi"))
        #expect(between.withLock { $0?.requests } == ["cut", "cut", "cut", "passed"])
        await pair.stop()
    }

    @Test(arguments: ["HTTP", "GRPC"])
    func `a node that cuts every handshake is unavailable`(protocolName: String) async throws {
        let backend = TestBackend.echo()
        let between = Mutex<TestBackend?>(nil)
        let pair = try await NodePair(orders: backend.port, protocolName: protocolName) { port in
            let backend = Self.cutting(.max, before: port)
            between.withLock { $0 = backend }
            return backend.port
        }
        if protocolName == "GRPC" {
            let answer = HTTP2Peer(calling: try RawConnection(port: pair.port)).call(Self.grpc)
            #expect(answer.status == 200 && answer.grpcStatus == 14)
        } else {
            let response = try RawConnection.call(port: pair.port, Self.get)
            #expect((response.status, response.field("x-heddle-reason")) == (503, "connect-failed"))
        }
        let counted = await pair.a.dataPlane.report().counters.upstreamHandshakeFailures
        #expect(counted["connection-lost", default: 0] > 1)
        #expect(backend.requests.isEmpty)
        await pair.stop()
    }

    /// What a data plane tells of handshakes with other nodes.
    private final class Told: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }

        var sink: EventSink {
            EventSink { [self] event in
                let line: String
                switch event {
                case .upstreamHandshakeFailed(_, let service, let reason): line = "\(service): \(reason)"
                case .upstreamConnectionRefused(_, let service, let reason): line = "\(service), in use: \(reason)"
                default: return
                }
                lines.withLock { $0.append(line) }
            }
        }
    }

    @Test func `a node whose certificate another one refuses hears of it, and calls fail as not connected`()
        async throws
    {
        let backend = TestBackend.echo()
        let told = Told()
        let pair = try await NodePair(
            orders: backend.port, callingWith: try TestIdentities.shared.get().materialOfAnotherRoot(),
            events: told.sink)
        for call in [Self.get, "POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 2\r\n\r\nhi"] {
            let response = try RawConnection.call(port: pair.port, call)
            #expect((response.status, response.field("x-heddle-reason")) == (503, "connect-failed"))
        }
        #expect(await pair.a.dataPlane.report().counters.upstreamHandshakeFailures == ["alert-unknown-ca": 2])
        #expect(told.all == ["shop/orders: alert-unknown-ca", "shop/orders: alert-unknown-ca"])
        #expect(await pair.b.dataPlane.report().counters.handshakes == ["unknown-authority": 2])
        #expect(backend.requests.isEmpty)
        await pair.stop()
    }

    @Test(arguments: [false, true], ["HTTP", "GRPC"])
    func `a reason that another node tells goes on to a workload, and not to a gateway's caller`(
        isGateway: Bool, protocolName: String
    ) async throws {
        let backend = TestBackend.echo()
        let pair = try await NodePair(
            orders: backend.port, protocolName: protocolName, isGateway: isGateway,
            rule: #"{to: [{operation: {paths: ["/other"]}}]}"#)
        let reason: String?
        if protocolName == "GRPC" {
            let answer = HTTP2Peer(calling: try RawConnection(port: pair.port)).call(Self.grpc)
            func value(_ name: String) -> String? {
                (answer.fields + answer.trailers).first { $0.0 == name }?.1
            }
            #expect(answer.grpcStatus == 7)
            #expect(value("grpc-message")?.contains("denied") == !isGateway)
            reason = value("x-heddle-reason")
        } else {
            let response = try RawConnection.call(port: pair.port, Self.get)
            #expect(response.status == 403 && response.body.contains("denied") == !isGateway)
            reason = response.field("x-heddle-reason")
        }
        #expect(reason == (isGateway ? nil : "denied"))
        #expect(backend.requests.isEmpty)
        await pair.stop()
    }

    @Test func `the port between nodes agrees on HTTP/2 alone`() async throws {
        let identities = try TestIdentities.shared.get()
        let orders = TestBackend.echo()
        let pair = try await NodePair(orders: orders.port)
        #expect(throws: SecureRelay.Failed.self) {
            try SecureRelay.connect(
                port: pair.inbound, serverName: TestIdentities.orders, offering: "http/1.1", identities)
        }
        try await SlowPeerTests.settles(pair.b) { $0.handshakes == ["protocol-violation": 1] }
        let peer = HTTP2Peer(
            calling: try SecureRelay.connect(
                port: pair.inbound, serverName: TestIdentities.orders, offering: "h2", identities))
        let answer = peer.call(PolicyCase.good)
        #expect(answer.status == 200)
        await pair.stop()
    }
}
