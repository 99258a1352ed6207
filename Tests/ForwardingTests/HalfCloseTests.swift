import TestSupport
import Testing

@testable import Forwarding

/// A caller that ends its half: over HTTP/1.1 and HTTP/2 it still has the answers to what it has asked for whole.
struct HalfCloseTests {
    private typealias FrameType = HTTP2Peer.FrameType

    private static let get: HTTP2Peer.Fields = PolicyCase.good

    /// Answers when the caller has ended its half, and says what became of each call.
    private static func workload(_ gate: Gate) -> TestBackend {
        TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                backend.note(String(head.prefix(4)))
                if head.hasPrefix("POST") {
                    backend.note(connection.receive(count: 100).count < 100 ? "given up" : "whole")
                    return
                }
                gate.pass()
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }

    private static func waits(for count: Int, of backend: TestBackend) async throws {
        await Poll.until { backend.requests.count >= count }
    }

    @Test func `over HTTP/1.1 it gets its answer`() async throws {
        let gate = Gate()
        let backend = Self.workload(gate)
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            client.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
            client.endOutput()
            try await Self.waits(for: 1, of: backend)
            gate.open()
            #expect(client.response().body == "ok")
            #expect(client.endsCleanly() == true)
        }
    }

    @Test func `over HTTP/2 it gets the answers to all that is whole, and the rest is given up`() async throws {
        let gate = Gate()
        let backend = Self.workload(gate)
        try await Shop.serve(backend) { port, mesh in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let whole = peer.begin(Self.get, ends: true)
            let half = peer.begin(
                Self.get.map { $0.0 == ":method" ? ($0.0, "POST") : $0 } + [("content-length", "100")], ends: false)
            try await Self.waits(for: 2, of: backend)
            peer.connection.endOutput()
            try await Self.waits(for: 3, of: backend)
            #expect(backend.requests.sorted() == ["GET ", "POST", "given up"])
            gate.open()
            var body = ""
            while let frame = peer.receive() {
                if frame.type == FrameType.reset { #expect(frame.stream == half) }
                if frame.type == FrameType.data, frame.stream == whole {
                    body += String(decoding: frame.payload, as: UTF8.self)
                }
            }
            #expect(body == "ok")
            try await SlowPeerTests.settles(mesh) { $0.open == 0 }
        }
    }

    @Test(arguments: [false, true])
    func `a reset is a cancel, also after the end of its half`(isHTTP2: Bool) async throws {
        let backend = TestBackend { connection, backend in
            if connection.receive(through: "\r\n\r\n").isEmpty { return }
            backend.note("call")
            while !connection.isEnded { _ = connection.receive() }
            backend.note("cancelled")
        }
        try await Shop.serve(backend) { port, mesh in
            let connection = try RawConnection(port: port)
            if isHTTP2 {
                _ = HTTP2Peer(calling: connection).begin(Self.get, ends: true)
            } else {
                connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
            }
            try await Self.waits(for: 1, of: backend)
            connection.endOutput()
            connection.reset()
            try await Self.waits(for: 2, of: backend)
            #expect(backend.requests == ["call", "cancelled"])
            try await SlowPeerTests.settles(mesh) { $0.open == 0 }
        }
    }
}
