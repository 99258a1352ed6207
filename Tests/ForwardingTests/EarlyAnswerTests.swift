import CallOutcomes
import HTTPSemantics
import Routing
import TestSupport
import Testing

@testable import Forwarding

/// Answers that are there before their request is.
struct EarlyAnswerTests {
    private typealias FrameType = HTTP2Peer.FrameType

    @Test func `the rest of a short body is waited for, and nothing else`() {
        func awaits(_ body: BodyLength) -> Bool {
            EarlyAnswer.awaitsRest(of: body, expectsContinue: false, reason: .denied)
        }
        #expect(awaits(.bytes(1)) && awaits(.bytes(65_536)))
        #expect(!awaits(.bytes(65_537)) && !awaits(.unknown) && !awaits(.none))
        #expect(!EarlyAnswer.awaitsRest(of: .bytes(1), expectsContinue: true, reason: .denied))
        #expect(!EarlyAnswer.awaitsRest(of: .bytes(1), expectsContinue: false, reason: .timeout))
    }

    private static let post: HTTP2Peer.Fields = [
        (":method", "POST"), (":scheme", "http"), (":authority", "orders"), (":path", "/a"), ("content-length", "5"),
    ]

    private static let denial = manifest("AuthorizationPolicy", "none", "{action: DENY, rules: [{}]}")

    /// What answers, and how: Heddle itself, a workload with a body and one without.
    enum Answer: CaseIterable { case denied, workload, bodiless }

    /// A reader of HTTP/2 that is still sending looks for nothing more once the answer has ended (curl 7.88 waits 75 s).
    @Test(arguments: Answer.allCases)
    func `over HTTP/2 the end of an early answer to a short body comes after the body's`(answer: Answer) async throws {
        let backend = TestBackend.fixed(
            answer == .bodiless
                ? "HTTP/1.1 204 No Content\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let rule = answer == .denied ? Self.denial : Shop.allowAll
        try await Shop.serve(backend, rule: rule) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let call = peer.begin(Self.post, ends: false)
            let head = peer.receive()
            #expect(head?.type == FrameType.headers && head?.endsStream == false)
            if answer != .bodiless {
                let body = peer.receive()
                #expect(body?.type == FrameType.data && body?.endsStream == false)
            }
            peer.send(FrameType.data, flags: 1, stream: call, Array("hello".utf8))
            let end = peer.receive()
            #expect(end?.type == FrameType.data && end?.endsStream == true && end?.payload.isEmpty == true)
            // Nothing more is said of it.
            let next = peer.begin(Self.post.map { $0.0 == "content-length" ? ($0.0, "0") : $0 }, ends: true)
            #expect(peer.receive()?.stream == next)
        }
    }

    /// As curl does when it hears of an error: what it sends then is an empty frame.
    @Test func `over HTTP/2 a body may end before its length once it is answered`() async throws {
        try await Shop.serve(.echo(), rule: Self.denial) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let call = peer.begin(Self.post, ends: false)
            #expect(peer.receive()?.type == FrameType.headers && peer.receive()?.type == FrameType.data)
            peer.send(FrameType.data, flags: 1, stream: call)
            let end = peer.receive()
            #expect(end?.type == FrameType.data && end?.endsStream == true)
        }
    }

    @Test func `over HTTP/1.1 the connection of an early answer to a short body goes on after the body's end`()
        async throws
    {
        try await Shop.serve(.echo(), rule: Self.denial) { port, _ in
            let client = try RawConnection(port: port)
            client.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 5\r\n\r\nhel")
            let response = client.response()
            #expect((response.status, response.field("connection")) == (403, nil))
            client.send("loGET /b HTTP/1.1\r\nHost: orders\r\n\r\n")
            let next = client.response()
            #expect((next.status, next.field("connection")) == (403, nil))
        }
    }

    @Test(arguments: ["Content-Length: 65537", "Transfer-Encoding: chunked"])
    func `over HTTP/1.1 the connection of an early answer to a long body ends, and the answer is not lost`(
        framing: String
    ) async throws {
        try await Shop.serve(.echo(), rule: Self.denial) { port, _ in
            let client = try RawConnection(port: port)
            client.send("POST /a HTTP/1.1\r\nHost: orders\r\n\(framing)\r\n\r\n")
            let response = client.response()
            #expect((response.status, response.field("connection")) == (403, "close"))
            client.send([UInt8](repeating: 1, count: 30_000))
            #expect(client.endsCleanly() == true)
        }
    }

    @Test(arguments: [false, true])
    func `a rest that does not come is given up, and its caller has its answer`(isHTTP2: Bool) async throws {
        try await Shop.serve(.echo(), rule: Self.denial) { port, _ in
            let connection = try RawConnection(port: port)
            guard isHTTP2 else {
                connection.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 5\r\n\r\nhel")
                let response = connection.response()
                #expect(response.status == 403)
                #expect(connection.endsCleanly() == true)
                return
            }
            let peer = HTTP2Peer(calling: connection)
            let call = peer.begin(Self.post, ends: false)
            let answer = peer.answer(on: call)
            #expect(answer.status == 403 && answer.reset == nil)
            let end = peer.receive()
            #expect(end?.type == FrameType.reset && end?.stream == call && end?.code == 0)
        }
    }
}
