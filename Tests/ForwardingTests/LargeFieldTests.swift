import TestSupport
import Testing

@testable import Forwarding

/// One field over 64 KiB, which HTTP/2 does not carry: most that read it take no more.
struct LargeFieldTests {
    private static let large = String(repeating: "a", count: 70_000)

    private static func request(_ path: String) -> HTTP2Peer.Fields {
        [(":method", "GET"), (":scheme", "http"), (":authority", "orders"), (":path", path)]
    }

    @Test(arguments: [64, 1024])
    func `a caller of HTTP/2 that sends one is answered 431, whatever a head may have`(kibibytes: Int)
        async throws
    {
        let backend = TestBackend.echo()
        try await Shop.serve(backend, more: [Shop.proxy("limits: {headerBytes: \(kibibytes * 1024)}")]) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let answer = peer.call(Self.request("/a") + [("x", Self.large)])
            #expect(answer.status == 431 && answer.goAway == nil, "\(answer)")
            // In the same words as over HTTP/1.1.
            #expect(answer.fields.contains { $0 == ("x-heddle-reason", "overloaded") }, "\(answer)")
            let malformed = peer.call(Self.request("/a%zz"))
            #expect(malformed.status == 400, "\(malformed)")
            #expect(
                malformed.fields.contains { $0 == ("x-heddle-reason", "malformed") }, "\(malformed)")
            #expect(backend.requests.isEmpty)
            let next = peer.call(Self.request("/a"))
            #expect(next.status == 200, "\(next)")
        }
    }

    @Test func `a request of HTTP/1.1 with one is 431 where it would go out over HTTP/2`() async throws {
        let backend = TestBackend.http2Echo()
        let more = [
            Shop.proxy("limits: {headerBytes: 1048576}"), Shop.service("talk", speaking: "HTTP2", at: backend.port),
        ]
        try await Shop.serve(.echo(), more: more) { port, _ in
            let client = try RawConnection(port: port)
            for (host, status) in [("orders", 200), ("talk", 431)] {
                let response = client.call("GET /a HTTP/1.1\r\nHost: \(host)\r\nX: \(Self.large)\r\n\r\n")
                #expect(response.status == status)
            }
            let next = client.call("GET /a HTTP/1.1\r\nHost: talk\r\n\r\n")
            #expect(next.status == 200)
            #expect(backend.connectionCount == 1)
        }
    }

    @Test func `a workload's answer of HTTP/1.1 with one is cut, and its caller's connection goes on`() async throws {
        let backend = TestBackend { connection, _ in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                let field = head.hasPrefix("GET /large") ? "X: \(Self.large)\r\n" : ""
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\(field)\r\nok")
            }
        }
        try await Shop.serve(backend, more: [Shop.proxy("limits: {headerBytes: 1048576}")]) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let first = peer.call(Self.request("/large"))
            let second = peer.call(Self.request("/small"))
            #expect(first.reset == 2 && first.status == 0, "\(first)")
            #expect(second.status == 200 && second.body == "ok")
        }
    }
}
