import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// Callers and workloads that are slow, or stop: bounded in time and memory (issue: bad input).
struct SlowPeerTests {
    static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"

    @Test func `a head that trickles in is 408`() async throws {
        let backend = TestBackend.echo()
        try await Shop.serve(backend, more: [Shop.proxy("timeouts: {requestHead: 300ms}")]) { port, _ in
            let client = try RawConnection(port: port)
            spawn {
                for byte in "GET / HTTP/1.1\r\nHost: orders\r\nX-Long: \(String(repeating: "a", count: 100))".utf8 {
                    client.send([byte])
                    Pause.ofSlowPeer(.milliseconds(20))
                }
            }
            let response = client.response()
            #expect((response.status, response.field("connection")) == (408, "close"))
            #expect(backend.requests.isEmpty)
        }
    }

    @Test func `a body that stops is 408`() async throws {
        try await Shop.serve(.echo(), more: [Shop.proxy("timeouts: {requestBody: 200ms}")]) { port, _ in
            let client = try RawConnection(port: port)
            let response = client.call("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 10\r\n\r\nhal")
            #expect((response.status, response.field("connection")) == (408, "close"))
            #expect(client.endsCleanly() == true)
        }
    }

    @Test func `a connection that idles is closed`() async throws {
        try await Shop.serve(.echo(), more: [Shop.proxy("timeouts: {idle: 1s}")]) { port, _ in
            let silent = try RawConnection(port: port)
            let served = try RawConnection(port: port)
            let response = served.call(Self.get)
            #expect(response.status == 200)
            #expect(silent.endsCleanly() == true)
            #expect(served.endsCleanly() == true)
        }
    }

    @Test func `headers without end are 431`() async throws {
        let backend = TestBackend.echo()
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            spawn {
                client.send("GET / HTTP/1.1\r\nHost: orders\r\n")
                for number in 0..<100_000 { client.send("X-\(number): \(String(repeating: "a", count: 1000))\r\n") }
            }
            let response = client.response()
            #expect((response.status, response.field("connection")) == (431, "close"))
            #expect(backend.requests.isEmpty)
        }
    }

    @Test func `trailers without end are 431`() async throws {
        try await Shop.serve(.echo()) { port, _ in
            let client = try RawConnection(port: port)
            spawn {
                client.send("POST / HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
                for number in 0..<10_000 { client.send("X-\(number): \(String(repeating: "a", count: 1000))\r\n") }
            }
            let response = client.response()
            #expect((response.status, response.field("connection")) == (431, "close"))
        }
    }

    @Test(arguments: ["GET /a HTTP/1.1", "GET /a HTTP/1.1\r\nConnection: close", "GET /a HTTP/1.0"])
    func `a caller that stops reading is cut off, and its callee let go`(start: String) async throws {
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            connection.send([UInt8](repeating: 1, count: 100_000_000))
        }
        try await Shop.serve(backend, more: [Shop.proxy("timeouts: {stream: 200ms}")]) { port, mesh in
            let client = try RawConnection(port: port)
            client.send("\(start)\r\nHost: orders\r\n\r\n")
            try await Self.settles(mesh) { $0.accepted == 1 && $0.open == 0 && $0.upstream == 0 }
            let isClean = client.receiveToEnd().isClean
            #expect(!isClean)
        }
    }

    @Test func `a caller that reads nothing of its last answer is cut off`() async throws {
        // Less than what a connection queues, beyond what the kernel takes: the callee is long done.
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<100 {
                connection.send("10000\r\n")
                connection.send([UInt8](repeating: 1, count: 65536) + Array("\r\n".utf8))
                Pause.ofSlowPeer(.milliseconds(1))
            }
            Pause.ofSlowPeer(.milliseconds(100))
            connection.send("0\r\n\r\n")
        }
        try await Shop.serve(backend, more: [Shop.proxy("timeouts: {stream: 400ms}")]) { port, mesh in
            let client = try RawConnection(port: port)
            client.send("GET /a HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n")
            try await Self.settles(mesh) { $0.accepted == 1 && $0.open == 0 && $0.upstream == 0 }
        }
    }

    /// Waits until the counters are as they should be.
    static func settles(_ mesh: TestMesh, _ condition: (WorkerCounters) -> Bool) async throws {
        if await Poll.until({ condition(await mesh.dataPlane.report().counters) }) { return }
        Issue.record("never settled: \(await mesh.dataPlane.report().counters)")
    }
}
