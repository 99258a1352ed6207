import TestSupport
import Testing

@testable import Forwarding

/// Whoever is answered by the proxy itself can say which call it was.
struct RequestIDTests {
    private static let redirect = """
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: orders, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules:
          - matches: [{path: {value: /old}}]
            filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}]
          - backendRefs: [{name: orders}]
        """

    @Test(arguments: [
        ("GET /admin HTTP/1.1\r\nHost: orders\r\n\r\n", 403), ("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n", 404),
        ("GET /old HTTP/1.1\r\nHost: orders\r\n\r\n", 302),
        ("CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), ("nonsense\r\n\r\n", 400),
    ])
    func `every answer of our own over HTTP/1.1 has one`(request: String, status: Int) async throws {
        try await Shop.serve(.echo(), more: [Self.redirect], rule: Shop.readsOrders) { port, _ in
            let response = try RawConnection.call(port: port, request)
            #expect(response.status == status)
            #expect(response.field("x-request-id")?.utf8.count == 36, "\(response.head)")
        }
    }

    @Test func `it is the one that the log, the decision and the caller know`() async throws {
        try await Shop.serve(.echo(), rule: Shop.readsOrders) { port, mesh in
            let chosen = try RawConnection.call(
                port: port, "GET /admin HTTP/1.1\r\nHost: orders\r\nX-Request-ID: mine-1\r\n\r\n")
            #expect(chosen.field("x-request-id") == "mine-1")
            let made = try RawConnection.call(port: port, "GET /admin HTTP/1.1\r\nHost: orders\r\n\r\n")
            #expect(await mesh.dataPlane.decisionRecords().map(\.id) == ["mine-1", made.field("x-request-id")])
        }
    }

    @Test(arguments: ["", " ", "a b", "\u{E4}", "a\tb", String(repeating: "i", count: 129), "a\r\nX-Request-ID: b"])
    func `one that is empty, long, no visible ASCII or of several lines is replaced`(id: String) async throws {
        try await Shop.serve(.echo(), rule: Shop.readsOrders) { port, _ in
            for path in ["/admin", "/orders"] {
                let answer = try RawConnection.call(
                    port: port, "GET \(path) HTTP/1.1\r\nHost: orders\r\nX-Request-ID: \(id)\r\n\r\n")
                let kept = answer.field("x-request-id") ?? Self.id(in: answer.body)
                #expect(kept?.utf8.count == 36, "\(answer.head)\(answer.body)")
            }
        }
    }

    @Test func `one that is as long as may be is kept`() async throws {
        try await Shop.serve(.echo(), rule: Shop.readsOrders) { port, _ in
            let id = String(repeating: "~", count: 128)
            let answer = try RawConnection.call(
                port: port, "GET /admin HTTP/1.1\r\nHost: orders\r\nX-Request-ID: \(id)\r\n\r\n")
            #expect(answer.field("x-request-id") == id)
        }
    }

    /// Of the head that a workload received and sends back.
    private static func id(in head: String) -> String? {
        head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("x-request-id:") }
            .map { String($0.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) }
    }

    @Test(arguments: [("/admin", "orders", 403), ("/x", "nobody", 404), ("/a%zz", "orders", 400)])
    func `every answer of our own over HTTP/2 has one`(path: String, host: String, status: Int) async throws {
        try await Shop.serve(.echo(), rule: Shop.readsOrders) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let answer = peer.call([(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", path)])
            #expect(answer.status == status)
            #expect(answer.fields.first { $0.0 == "x-request-id" }?.1.utf8.count == 36, "\(answer)")
        }
    }

    @Test func `a call of gRPC that is refused is told its own`() async throws {
        try await Shop.serve(.echo(), rule: Shop.readsOrders) { port, mesh in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let answer = peer.call([
                (":method", "POST"), (":scheme", "http"), (":authority", "orders"), (":path", "/a.B/C"),
                ("content-type", "application/grpc"), ("te", "trailers"),
            ])
            #expect(answer.grpcStatus == 7)
            let id = answer.fields.first { $0.0 == "x-request-id" }?.1
            #expect(id?.utf8.count == 36, "\(answer)")
            #expect(await mesh.dataPlane.decisionRecords().map(\.id) == [id])
        }
    }
}
