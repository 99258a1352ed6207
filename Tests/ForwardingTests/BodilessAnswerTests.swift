import TestSupport
import Testing

@testable import Forwarding

/// Answers to HEAD, 204 and 304, whatever frames their workload ends them with (RFC 9112 § 6.3).
struct BodilessAnswerTests {
    private typealias FrameType = HTTP2Peer.FrameType

    /// What follows the head of an answer that has no body.
    enum Ending: String, CaseIterable {
        case withHead, emptyData, trailers, reset, never
    }

    enum Kind: String, CaseIterable {
        case head, noContent, notModified

        var method: String { self == .head ? "HEAD" : "GET" }
        var status: String {
            switch self {
            case .head: "200"
            case .noContent: "204"
            case .notModified: "304"
            }
        }
    }

    private static func workload(_ kind: Kind, _ ending: Ending, fields: HTTP2Peer.Fields = []) -> TestBackend {
        TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                guard frame.type == FrameType.headers else { continue }
                backend.note("call")
                let isKind = peer.fields(frame).contains { $0 == (":path", "/kind") }
                guard isKind else {
                    peer.sendHead([(":status", "200"), ("content-length", "4")], stream: frame.stream, ends: false)
                    peer.send(FrameType.data, flags: 1, stream: frame.stream, Array("next".utf8))
                    continue
                }
                peer.sendHead(
                    [(":status", kind.status)] + fields, stream: frame.stream, ends: ending == .withHead)
                switch ending {
                case .withHead, .never: break
                case .emptyData: peer.send(FrameType.data, flags: 1, stream: frame.stream)
                case .trailers: peer.sendHead([("x-sum", "1")], stream: frame.stream, ends: true)
                case .reset: peer.send(FrameType.reset, stream: frame.stream, HTTP2Peer.bytes(2))
                }
            }
        }
    }

    private static func serve(
        _ backend: TestBackend, _ body: (_ port: UInt16, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        try await Shop.serve(
            .echo(), more: [Shop.proxy(""), Shop.service("chat", speaking: "HTTP2", at: backend.port)], body)
    }

    @Test(arguments: Kind.allCases, Ending.allCases)
    func `a caller of HTTP/1.1 gets the head, and the next answer after it`(kind: Kind, ending: Ending) async throws {
        try await Self.serve(Self.workload(kind, ending)) { port, _ in
            let client = try RawConnection(port: port)
            // Both at once: what came of the first beside its head would be taken for the second's.
            client.send(
                "\(kind.method) /kind HTTP/1.1\r\nHost: chat\r\n\r\nGET /next HTTP/1.1\r\nHost: chat\r\n\r\n")
            let head = client.receive(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 \(kind.status) "))
            #expect(!head.contains("transfer-encoding") && !head.contains("content-length"))
            let next = client.response()
            #expect((next.status, next.body) == (200, "next"), "\(next.head)")
        }
    }

    @Test(arguments: [
        ("HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), ("\r\nHEAD /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("HEAD /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n", 414), ("HEAD / HTTP/1.1\r\nHo", 408),
        ("HEAD / HTTP/1.1\r\nHost: chat\r\n\(String(repeating: "a: b\r\n", count: 101))\r\n", 431),
    ])
    func `a HEAD that is refused for what it says is answered with a head alone`(
        request: String, status: Int
    ) async throws {
        try await Shop.serve(.echo(), more: [Shop.proxy("timeouts: {requestHead: 300ms}")]) { port, _ in
            let client = try RawConnection(port: port)
            client.send(request)
            let answer = client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.hasSuffix("\r\n\r\n"), "\(answer)")
        }
    }

    @Test(arguments: Kind.allCases, Ending.allCases)
    func `a caller of HTTP/2 gets the head as all there is`(kind: Kind, ending: Ending) async throws {
        try await Self.serve(Self.workload(kind, ending)) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let call = peer.begin(
                [(":method", kind.method), (":scheme", "http"), (":authority", "chat"), (":path", "/kind")], ends: true)
            let frame = peer.receive()
            #expect(frame?.stream == call && frame?.type == FrameType.headers && frame?.endsStream == true)
        }
    }

    @Test(arguments: [Ending.withHead, .emptyData], [false, true])
    func `a 204 tells no length, a 304 and the answer to HEAD may`(ending: Ending, isHTTP2: Bool) async throws {
        for kind in Kind.allCases {
            let length = kind == .noContent ? "0" : "5"
            try await Self.serve(Self.workload(kind, ending, fields: [("content-length", length)])) { port, _ in
                let connection = try RawConnection(port: port)
                let told: String?
                if isHTTP2 {
                    let peer = HTTP2Peer(calling: connection)
                    let answer = peer.call([
                        (":method", kind.method), (":scheme", "http"), (":authority", "chat"), (":path", "/kind"),
                    ])
                    told = answer.fields.first { $0.0 == "content-length" }?.1
                } else {
                    connection.send("\(kind.method) /kind HTTP/1.1\r\nHost: chat\r\n\r\n")
                    told = Response(head: connection.receive(through: "\r\n\r\n"), body: "").field("content-length")
                }
                #expect(told == (kind == .noContent ? nil : length), "\(kind)")
            }
        }
    }
}
