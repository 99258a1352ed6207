import Glibc
import TestSupport
import Testing
import WireProtocols

@testable import Forwarding

/// Workloads that are down, break off, answer garbage or nothing (issue: bad input).
struct BadWorkloadTests {
    static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"

    /// Reads a request's head, and sends what is given.
    static func answering(_ answer: String, resets: Bool = false) -> TestBackend {
        TestBackend { connection, backend in
            let head = connection.receive(through: "\r\n\r\n")
            guard head.hasSuffix("\r\n\r\n") else { return }
            backend.note(head)
            connection.send(answer)
            if resets { connection.reset() }
        }
    }

    @Test func `a workload that is down is 503 connect-failed, and served once it is up`() async throws {
        let down = TestPort.free()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: down, more: Shop.proxy("")))
        let client = try RawConnection(port: port)
        let refused = client.call(Self.get)
        #expect((refused.status, refused.field("x-heddle-reason")) == (503, "connect-failed"))
        let backend = TestBackend(port: down) { connection, _ in
            while connection.receive(through: "\r\n\r\n").hasSuffix("\r\n\r\n") {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup")
            }
        }
        let served = client.call(Self.get)
        #expect(served.body == "up")
        #expect(backend.connectionCount == 1)
        await mesh.stop()
    }

    @Test(arguments: [
        ("closes before a byte", "", false), ("resets before a byte", "", true),
        ("closes in the head", "HTTP/1.1 200 OK\r\nContent-Le", false),
        ("resets in the head", "HTTP/1.1 200 OK\r\nContent-Le", true),
        ("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", false),
        ("HTTP/0.9", "<html>hello</html>", false),
        ("HTTP/2", "HTTP/2 200\r\n\r\n", false),
        ("a status out of range", "HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n", false),
        (
            "length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            false
        ),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", false),
        ("a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", false),
        ("NUL in a field", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", false),
        ("bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", false),
        ("obs-fold", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", false),
        ("a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", false),
        ("another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false),
        (
            "101 to no upgrade",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", false
        ),
    ])
    func `an answer that is none is 502`(what: String, answer: String, resets: Bool) async throws {
        let backend = Self.answering(answer, resets: resets)
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            let response = client.call(Self.get)
            #expect((response.status, response.field("x-heddle-reason")) == (502, "upstream-failed"), "\(what)")
            // The caller's connection is none the worse for it.
            let next = client.call(Self.get)
            #expect(next.status == 502)
        }
    }

    @Test(arguments: [
        ("HTTP", "", "no-response"), ("HTTP", "HTTP/1.1 200 OK\r\nContent-Le", "ended-early"),
        ("HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "invalid-status-line"),
        ("HTTP", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "unexpected-upgrade"),
        ("HTTP", String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 101), "too-many-interim-responses"),
        ("HTTP2", "", "no-response"), ("HTTP2", "HTTP/1.1 400 Bad Request\r\n\r\n", "not-http2"),
    ])
    func `the log says what was wrong with the answer`(speech: String, answer: String, fault: String) async throws {
        let backend = Self.answering(answer)
        let port = TestPort.free()
        let log = TestLog()
        let manifests = Shop.manifests(outbound: port, orders: backend.port)
            .replacing("protocol: HTTP}", with: "protocol: \(speech)}")
        let mesh = try await TestMesh(manifests, accessLog: log.sink)
        let client = try RawConnection(port: port)
        client.send(Self.get)
        let line = await log.lines(1)[0]
        #expect((line.field("reason"), line.field("detail")) == ("upstream-failed", fault))
        await mesh.stop()
    }

    @Test(arguments: [HTTP2ErrorCode.internalError, .http11Required])
    func `the log says with which code a stream was ended`(code: HTTP2ErrorCode) async throws {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                if frame.type == HTTP2Peer.FrameType.headers {
                    peer.send(3, stream: frame.stream, HTTP2Peer.bytes(code.rawValue))
                }
            }
        }
        let port = TestPort.free()
        let log = TestLog()
        let manifests = Shop.manifests(outbound: port, orders: backend.port)
            .replacing("protocol: HTTP}", with: "protocol: HTTP2}")
        let mesh = try await TestMesh(manifests, accessLog: log.sink)
        #expect(try RawConnection.call(port: port, Self.get).status == 502)
        #expect(await log.lines(1).map { $0.field("detail") } == ["\(code.name)"])
        await mesh.stop()
    }

    @Test func `interim responses without a final one are 502`() async throws {
        try await Shop.serve(Self.answering("HTTP/1.1 103 Early Hints\r\n\r\n")) { port, _ in
            let client = try RawConnection(port: port)
            let interim = client.call(Self.get)
            let final = client.response()
            #expect((interim.status, final.status) == (103, 502))
        }
    }

    @Test func `a response head over the limit is 502`() async throws {
        let backend = Self.answering(
            "HTTP/1.1 200 OK\r\nX: \(String(repeating: "a", count: 70_000))\r\nContent-Length: 0\r\n\r\n")
        try await Shop.serve(backend) { port, _ in
            let response = try RawConnection.call(port: port, Self.get)
            #expect(response.status == 502)
        }
    }

    @Test(arguments: [
        ("a length cut short", "Content-Length: 100\r\n\r\nhell", "o", false),
        ("a length cut by a reset", "Content-Length: 100\r\n\r\nhell", "o", true),
        ("chunks cut short", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello", "\r\n", false),
        ("chunks cut by a reset", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello", "\r\n", true),
        ("a chunk cut short", "Transfer-Encoding: chunked\r\n\r\nff\r\nhell", "o", false),
        ("a bad chunk size", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "xyz\r\n", false),
        ("a huge chunk size", "Transfer-Encoding: chunked\r\n\r\n", "fffffffffffffffff\r\n", false),
        (
            "a chunk extension that is none", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5;a",
            "=\r\nworld\r\n0\r\n\r\n", false
        ),
        ("until the end, cut by a reset", "\r\nhell", "o", true),
    ])
    func `an answer that breaks off never looks whole`(what: String, start: String, rest: String, resets: Bool)
        async throws
    {
        let isRead = Gate()
        let backend = TestBackend { connection, _ in
            guard connection.receive(through: "\r\n\r\n").hasSuffix("\r\n\r\n") else { return }
            connection.send("HTTP/1.1 200 OK\r\n\(start)")
            // What is found out before the caller has the head becomes a 502.
            isRead.pass()
            connection.send(rest)
            if resets {
                // Apart from the last bytes, so that it cannot overtake them.
                connection.waitUntilDelivered()
                connection.reset()
            }
        }
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            client.send(Self.get)
            let head = client.receive(through: "\r\n\r\n")
            isRead.open()
            let (text, isClean) = client.receiveToEnd()
            let isWhole = text.hasSuffix("0\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 ") && !isClean && !isWhole, "\(what): \(text)")
        }
    }

    @Test func `chunk extensions that are written as they should be are dropped, both ways`() async throws {
        let backend = TestBackend { connection, backend in
            let head = connection.receive(through: "\r\n\r\n")
            backend.note(head + connection.receive(through: "0\r\n\r\n"))
            connection.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 ; a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n")
        }
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            client.send(
                "POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhey\r\n0;z\r\n\r\n")
            let response = client.response()
            #expect((response.status, response.body, response.trailers) == (200, "hello", "\r\n"))
            #expect(backend.requests.first?.hasSuffix("\r\n\r\n3\r\nhey\r\n0\r\n\r\n") == true)
        }
    }

    @Test(arguments: ["timeouts: {backendRequest: 200ms}", "timeouts: {request: 200ms}"])
    func `a workload that never answers is 504 by its route's timeouts`(timeouts: String) async throws {
        let backend = TestBackend { connection, _ in while !connection.receive().isEmpty {} }
        try await Shop.serve(
            backend, more: [Shop.proxy(""), Shop.route("{\(timeouts), backendRefs: [{name: orders}]}")]
        ) { port, _ in
            let client = try RawConnection(port: port)
            let response = client.call(Self.get)
            #expect((response.status, response.field("x-heddle-reason")) == (504, "timeout"))
            let again = client.call(Self.get)
            #expect(again.status == 504)
        }
    }

    @Test func `a workload that never answers is 504 by the mesh's timeout`() async throws {
        let backend = TestBackend { connection, _ in while !connection.receive().isEmpty {} }
        try await Shop.serve(backend, more: [Shop.proxy("timeouts: {response: 200ms}")]) { port, _ in
            let response = try RawConnection.call(port: port, Self.get)
            #expect((response.status, response.field("x-heddle-reason")) == (504, "timeout"))
        }
    }

    @Test func `a workload that stops in the middle of its answer is cut off`() async throws {
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
            while !connection.receive().isEmpty {}
        }
        try await Shop.serve(backend, more: [Shop.proxy("timeouts: {stream: 200ms}")]) { port, _ in
            let client = try RawConnection(port: port)
            client.send(Self.get)
            let (text, isClean) = client.receiveToEnd()
            #expect(text.hasSuffix("hello"))
            #expect(!isClean)
        }
    }

    @Test func `a request's timeout cuts an answer that takes too long`() async throws {
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<100 {
                connection.send("1\r\na\r\n")
                Pause.ofSlowPeer(.milliseconds(20))
            }
            connection.send("0\r\n\r\n")
        }
        try await Shop.serve(
            backend, more: [Shop.proxy(""), Shop.route("{timeouts: {request: 200ms}, backendRefs: [{name: orders}]}")]
        ) { port, _ in
            let client = try RawConnection(port: port)
            client.send(Self.get)
            let (text, isClean) = client.receiveToEnd()
            #expect(text.hasPrefix("HTTP/1.1 200"))
            #expect(!isClean && !text.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func `a workload that takes no more of a request and says nothing is 504`() async throws {
        let isOver = Gate()
        defer { isOver.open() }
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            isOver.pass()
        }
        try await Shop.serve(backend, more: [Shop.proxy("timeouts: {stream: 300ms}")]) { port, _ in
            let client = try RawConnection(port: port)
            spawn {
                client.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 100000000\r\n\r\n")
                for _ in 0..<100 { client.send([UInt8](repeating: 1, count: 1 << 20)) }
            }
            let response = client.response()
            #expect(response.status == 504)
        }
    }

    @Test(arguments: [false, true])
    func `an early answer to a large request reaches the caller`(resets: Bool) async throws {
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n")
            if !resets { while !connection.receive().isEmpty {} }
        }
        try await Shop.serve(backend) { port, _ in
            for _ in 0..<20 {
                let client = try RawConnection(port: port)
                spawn {
                    client.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4000000\r\n\r\n")
                    client.send([UInt8](repeating: 1, count: 4_000_000))
                    client.send(Self.get)
                }
                let response = client.response()
                #expect((response.status, response.body) == (413, "no\n"))
                let next = client.response()
                #expect(next.status == 413)
            }
        }
    }

    @Test func `an early answer to Expect ends the connection at once`() async throws {
        let backend = Self.answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            let response = client.call(
                "POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
            #expect((response.status, response.field("connection")) == (401, "close"))
            #expect(client.endsCleanly() == true)
        }
    }

    @Test func `100-continue and early hints pass, and the final answer follows`() async throws {
        let backend = TestBackend { connection, _ in
            let head = connection.receive(through: "\r\n\r\n")
            guard head.contains("expect: 100-continue") else { return }
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            let body = connection.receive(count: 5)
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            connection.send(body)
        }
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            client.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            let proceed = client.receive(through: "\r\n\r\n")
            client.send("hello")
            let hints = client.receive(through: "\r\n\r\n")
            let final = client.response()
            #expect(proceed.hasPrefix("HTTP/1.1 100 "))
            #expect(
                hints.hasPrefix("HTTP/1.1 103 ") && hints.contains("link: </a>\r\n") && !hints.contains("onnection"))
            #expect((final.status, final.body) == (200, "hello"))
        }
    }

    @Test(arguments: [false, true])
    func `a caller of HTTP/2 that waits for 100 hears it, or the answer that makes its body needless`(isTaken: Bool)
        async throws
    {
        let backend = TestBackend { connection, _ in
            let head = connection.receive(through: "\r\n\r\n")
            guard head.contains("expect: 100-continue") else { return }
            guard isTaken else {
                connection.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
                _ = connection.receive()
                return
            }
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            let body = connection.receive(count: 5)
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            connection.send(body)
        }
        try await Shop.serve(backend) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let call = peer.begin(
                [
                    (":method", "POST"), (":scheme", "http"), (":authority", "orders"), (":path", "/a"),
                    ("content-length", "5"), ("expect", "100-continue"),
                ], ends: false)
            guard isTaken else {
                let answer = peer.answer(on: call)
                #expect(answer.status == 401)
                // Nobody takes the body (RFC 9113 § 8.1); the connection goes on.
                let end = peer.receive()
                #expect(end?.type == HTTP2Peer.FrameType.reset && end?.stream == call && end?.code == 0)
                return
            }
            let interim = peer.receive().map { peer.fields($0) }
            #expect(interim?.contains { $0 == (":status", "100") } == true)
            peer.send(HTTP2Peer.FrameType.data, flags: 1, stream: call, Array("hello".utf8))
            let answer = peer.answer(on: call)
            #expect(answer.status == 200 && answer.body == "hello")
        }
    }

    @Test(arguments: [false, true], [100, 101, .max])
    func `a workload may say 1xx a hundred times, and no more`(isHTTP2: Bool, count: Int) async throws {
        let backend = isHTTP2 ? Self.interimHTTP2(count) : Self.interimHTTP1(count)
        let more = [Shop.proxy(""), Shop.service("talk", speaking: isHTTP2 ? "HTTP2" : "HTTP", at: backend.port)]
        try await Shop.serve(.echo(), more: more) { port, mesh in
            let client = try RawConnection(port: port)
            client.send("GET /a HTTP/1.1\r\nHost: talk\r\n\r\n")
            var interim = 0
            var response = client.response()
            while response.status == 103 {
                interim += 1
                response = client.response()
            }
            #expect(interim == 100)
            #expect(response.status == (count == 100 ? 200 : 502))
            #expect(response.field("x-heddle-reason") == (count == 100 ? nil : "upstream-failed"))
            // Its connection or stream is gone with the call.
            if !isHTTP2, count > 100 { try await SlowPeerTests.settles(mesh) { $0.upstream == 0 } }
        }
    }

    private static func interimHTTP1(_ count: Int) -> TestBackend {
        TestBackend { connection, _ in
            guard connection.receive(through: "\r\n\r\n").hasSuffix("\r\n\r\n") else { return }
            for _ in 0..<count { guard connection.send("HTTP/1.1 103 Early Hints\r\n\r\n") else { return } }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            while !connection.receive().isEmpty {}
        }
    }

    private static func interimHTTP2(_ count: Int) -> TestBackend {
        TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                guard frame.type == HTTP2Peer.FrameType.headers else { continue }
                // One that is told to stop by a reset goes on to the end of the connection.
                for _ in 0..<count where !peer.sendHead([(":status", "103")], stream: frame.stream, ends: false) {
                    return
                }
                peer.sendHead([(":status", "200")], stream: frame.stream, ends: true)
            }
        }
    }
}
