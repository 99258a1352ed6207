import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// What becomes of pooled connections, and of calls whose endpoint fails.
struct UpstreamPoolTests {
    static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"
    static let post = "POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 2\r\n\r\nhi"

    /// Answers the first request of each connection, then closes it: at once, or when the next request has come.
    static func once(afterNext: Bool) -> TestBackend {
        TestBackend { connection, backend in
            var count = 0
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                backend.note(head)
                if head.hasPrefix("POST") { _ = connection.receive(count: 2) }
                count += 1
                if count == 2 { return }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                if !afterNext { return }
            }
        }
    }

    @Test(arguments: [get, post])
    func `a pooled connection that its workload closed is not used again`(request: String) async throws {
        let backend = Self.once(afterNext: false)
        try await Shop.serve(backend) { port, mesh in
            let client = try RawConnection(port: port)
            for _ in 0..<5 {
                let response = client.call(request)
                #expect(response.status == 200)
                try await SlowPeerTests.settles(mesh) { $0.upstream == 0 }
            }
            #expect(backend.requests.count == 5)
        }
    }

    @Test func `a pooled connection that dies under a GET is replaced`() async throws {
        let backend = Self.once(afterNext: true)
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            for _ in 0..<6 {
                let response = client.call(Self.get)
                #expect(response.status == 200)
            }
        }
    }

    @Test func `istio#13851, #50506: a POST whose pooled connection dies under it is not sent twice`() async throws {
        let backend = Self.once(afterNext: true)
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            let first = client.call(Self.post)
            let second = client.call(Self.post)
            #expect((first.status, second.status) == (200, 502))
            #expect(backend.requests.count == 2)
            let third = client.call(Self.post)
            #expect(third.status == 200)
        }
    }

    @Test(arguments: [get, post])
    func `with one of two endpoints down every call is served by the other`(request: String) async throws {
        let backend = TestBackend.echo()
        let down = TestPort.free()
        try await Shop.serve(backend, more: [Shop.proxy(""), Shop.workload("orders-2", of: "orders", at: down)]) {
            port, mesh in
            let client = try RawConnection(port: port)
            for _ in 0..<20 {
                let response = client.call(request)
                #expect(response.status == 200)
            }
            let failures = await mesh.dataPlane.report().counters.upstreamConnectFailures
            #expect(failures.keys.map(\.label) == ["connection-refused"])
        }
    }

    @Test func `a GET that one endpoint breaks off goes to the other, a POST does not`() async throws {
        let backend = TestBackend.echo()
        let breaking = TestBackend { connection, backend in
            backend.note(connection.receive(through: "\r\n\r\n"))
            connection.reset()
        }
        try await Shop.serve(
            backend, more: [Shop.proxy(""), Shop.workload("orders-2", of: "orders", at: breaking.port)]
        ) { port, _ in
            let client = try RawConnection(port: port)
            for _ in 0..<20 {
                let response = client.call(Self.get)
                #expect(response.status == 200)
            }
            #expect(!breaking.requests.isEmpty)
            var failed = 0
            let before = breaking.requests.count
            for _ in 0..<20 where client.call(Self.post).status == 502 { failed += 1 }
            #expect(failed == breaking.requests.count - before)
            #expect(failed > 0)
        }
    }

    @Test func `a second try has the trailers of the first`() async throws {
        let backend = TestBackend.echo()
        let breaking = TestBackend { connection, backend in
            backend.note(connection.receive(through: "x-t: 1\r\n\r\n"))
            connection.reset()
        }
        let put =
            "PUT /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n"
        try await Shop.serve(
            backend, more: [Shop.proxy(""), Shop.workload("orders-2", of: "orders", at: breaking.port)]
        ) { port, _ in
            for _ in 0..<200 where breaking.requests.count < 3 {
                let response = try RawConnection.call(port: port, put)
                #expect(response.body.hasSuffix("hix-t: 1\r\n\r\n"))
            }
            #expect(breaking.requests.count == 3)
        }
    }

    @Test func `bytes after a response's end reach no other caller`() async throws {
        let backend = TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
            }
        }
        try await Shop.serve(backend) { port, _ in
            for _ in 0..<5 {
                let response = try RawConnection.call(port: port, Self.get)
                #expect(response.body == "ok")
            }
            #expect(backend.connectionCount == 5)
        }
    }

    @Test func `bytes that come while a connection idles close it`() async throws {
        let hasAnswer = (0..<3).map { _ in Gate() }
        let backend = TestBackend { connection, backend in
            while connection.receive(through: "\r\n\r\n").hasSuffix("\r\n\r\n") {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                hasAnswer[(backend.connectionCount - 1) % 3].pass()
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
            }
        }
        try await Shop.serve(backend) { port, mesh in
            for gate in hasAnswer {
                let response = try RawConnection.call(port: port, Self.get)
                #expect(response.body == "ok")
                gate.open()
                try await SlowPeerTests.settles(mesh) { $0.upstream == 0 }
            }
            #expect(backend.connectionCount == 3)
        }
    }

    @Test func `a response to HEAD, 204 or 304 with a body after it reaches no other caller`() async throws {
        let backend = TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                let status =
                    head.contains("/204") ? "204 No Content" : head.contains("/304") ? "304 Not Modified" : "200 OK"
                connection.send("HTTP/1.1 \(status)\r\nContent-Length: 6\r\n\r\npoison")
            }
        }
        try await Shop.serve(backend) { port, _ in
            for request in ["HEAD /", "GET /204", "GET /304"] {
                let client = try RawConnection(port: port)
                client.send("\(request) HTTP/1.1\r\nHost: orders\r\n\r\n")
                let head = client.receive(through: "\r\n\r\n")
                let next = client.call(Self.get)
                #expect(head.hasPrefix("HTTP/1.1 "))
                #expect((next.status, next.body) == (200, "poison"))
            }
            #expect(backend.connectionCount >= 4)
        }
    }

    @Test func `a caller that vanishes takes its call with it, and nobody else's`() async throws {
        let backend = TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return backend.note("gone") }
                if head.hasPrefix("POST") {
                    _ = connection.receive(count: 100)
                } else if head.hasPrefix("GET /endless") {
                    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for _ in 0..<10_000 { connection.send("5\r\nhello\r\n") }
                    _ = connection.receive()
                } else {
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                }
            }
        }
        try await Shop.serve(backend) { port, mesh in
            for _ in 0..<10 {
                let other = try RawConnection(port: port)
                let sending = try RawConnection(port: port)
                sending.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 100\r\n\r\nhalf")
                let reading = try RawConnection(port: port)
                reading.send("GET /endless HTTP/1.1\r\nHost: orders\r\n\r\n")
                _ = reading.receive(through: "hello")
                sending.reset()
                reading.reset()
                let response = other.call(Self.get)
                #expect(response.body == "ok")
            }
            // The connections of the calls that were given up are gone; those that served to the end are kept.
            try await SlowPeerTests.settles(mesh) { $0.open == 0 && $0.upstream <= 10 }
        }
    }

    /// Holds the only worker of a mesh while `body` runs: what comes meanwhile it finds all at once, in the order in which it came.
    private static func holding(_ mesh: TestMesh, _ body: () -> Void) async throws {
        let isHeld = Gate()
        let mayGo = Gate()
        async let held: Void = mesh.dataPlane.onEveryWorker { _ in
            isHeld.open()
            mayGo.pass()
        }
        await isHeld.passed()
        body()
        mayGo.open()
        await held
    }

    @Test(arguments: [get, post])
    func `an answer that lies unread on a pooled connection is nobody's`(request: String) async throws {
        let mayPoison = Gate()
        let hasPoisoned = Gate()
        let backend = TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                if head.hasPrefix("POST") { _ = connection.receive(count: 2) }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                guard backend.connectionCount == 1 else { continue }
                mayPoison.pass()
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
                connection.waitUntilDelivered()
                hasPoisoned.open()
            }
        }
        try await Shop.serve(backend) { port, mesh in
            let client = try RawConnection(port: port)
            let first = client.call(request)
            #expect(first.body == "ok")
            try await Self.holding(mesh) {
                // The call is seen first, and takes the connection before anything is known of what lies on it.
                client.send(request)
                client.waitUntilDelivered()
                mayPoison.open()
                hasPoisoned.pass()
            }
            let second = client.response()
            #expect((second.status, second.body) == (200, "ok"))
            #expect(backend.connectionCount == 2)
        }
    }

    @Test func `what lies unread on a pooled connection is not mixed into the request that was to go there`()
        async throws
    {
        let mayPoison = Gate()
        let hasPoisoned = Gate()
        let backend = TestBackend { connection, backend in
            let isFirst = backend.connectionCount == 1
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                let body = String(decoding: connection.receive(count: 2), as: UTF8.self)
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\(body)")
                guard isFirst else { continue }
                mayPoison.pass()
                connection.send(
                    "HTTP/1.1 408 Request Timeout\r\nX-Long: " + String(repeating: "x", count: 500) + "\r\n\r\n")
                connection.waitUntilDelivered()
                hasPoisoned.open()
            }
        }
        try await Shop.serve(backend) { port, mesh in
            let client = try RawConnection(port: port)
            let first = client.call(Self.post)
            #expect(first.body == "hi")
            // So long a silence is needed before a connection is looked at.
            await Pause.inWhichNothingMayHappen(.milliseconds(ConnectionReuse.lookAfter + 100))
            try await Self.holding(mesh) {
                client.send(Self.post)
                client.waitUntilDelivered()
                mayPoison.open()
                hasPoisoned.pass()
            }
            let second = client.response()
            #expect((second.status, second.body) == (200, "hi"))
            #expect(backend.connectionCount == 2)
        }
    }

    @Test(arguments: [("timeout=1", 2), ("timeout=0, max=5", 2), ("timeout=600", 1), ("max=5", 1), ("timeout=x", 1)])
    func `a workload's Keep-Alive says how long its connection may be used`(hint: String, connections: Int) async throws
    {
        let backend = TestBackend.fixed(
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: \(hint)\r\nContent-Length: 2\r\n\r\nok")
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            for _ in 0..<2 {
                let response = client.call(Self.get)
                #expect((response.body, response.field("keep-alive")) == ("ok", nil))
            }
            #expect(backend.connectionCount == connections)
        }
    }
}
