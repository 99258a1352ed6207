import TestSupport
import Testing

@testable import Forwarding

/// `Date`, which every answer has (RFC 9110 § 6.6.1).
struct DateTests {
    private static func isDate(_ text: String?) -> Bool {
        guard let text else { return false }
        return text.utf8.count == 29 && text.hasSuffix(" GMT")
    }

    @Test(arguments: ["", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"], [false, true])
    func `an answer without one gets it, and another keeps its own`(field: String, isHTTP2: Bool) async throws {
        let backend = TestBackend.fixed("HTTP/1.1 200 OK\r\n\(field)Content-Length: 0\r\n\r\n")
        try await Shop.serve(backend) { port, _ in
            let connection = try RawConnection(port: port)
            let dates: [String]
            if isHTTP2 {
                let answer = HTTP2Peer(calling: connection).call(PolicyCase.good)
                dates = answer.fields.filter { $0.0 == "date" }.map(\.1)
            } else {
                let response = connection.call("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
                dates = response.head.split(separator: "\r\n").filter { $0.hasPrefix("date: ") }.map {
                    String($0.dropFirst(6))
                }
            }
            #expect(dates.count == 1 && Self.isDate(dates.first))
            if !field.isEmpty { #expect(dates == ["Sun, 06 Nov 1994 08:49:37 GMT"]) }
        }
    }

    @Test(arguments: [
        ("GET /a HTTP/1.1\r\nHost: nobody\r\n\r\n", 404), ("GET /a HTTP/1.1\r\n\r\n", 400),
        ("GET /a HTTP/1.1\r\nHost: orders\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n", 431),
    ])
    func `an answer of Heddle's own has one`(request: String, status: Int) async throws {
        try await Shop.serve(.echo()) { port, _ in
            let response = try RawConnection.call(port: port, request)
            #expect(response.status == status && Self.isDate(response.field("date")))
        }
    }

    @Test(arguments: [
        ([(":authority", "nobody")], 404), ([(":authority", "a b")], 400),
        ([(":authority", "orders"), ("x", String(repeating: "x", count: 70_000))], 431),
    ])
    func `over HTTP/2 too, also where the session answers`(fields: HTTP2Peer.Fields, status: Int) async throws {
        try await Shop.serve(.echo()) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let answer = peer.call([(":method", "GET"), (":scheme", "http"), (":path", "/a")] + fields)
            #expect(answer.status == status && Self.isDate(answer.fields.first { $0.0 == "date" }?.1))
        }
    }
}
