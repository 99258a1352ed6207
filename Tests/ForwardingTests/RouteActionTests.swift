import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// What routes do to calls on their way.
struct RouteActionTests {
    static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"
    static let mirroring =
        "{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy}}}], backendRefs: [{name: orders}]}"

    /// Serves the shop with every call mirrored to the service `copy` at a port.
    static func mirrored(
        _ backend: TestBackend, to copy: UInt16, proxy: String = "", rule: String = Shop.allowAll,
        _ body: (_ port: UInt16, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        try await Shop.serve(
            backend, more: [Shop.proxy(proxy), Shop.service("copy", at: [copy]), Shop.route(mirroring)], rule: rule,
            body)
    }

    static func waits(for backend: TestBackend, requests: Int) async throws {
        await Poll.until { backend.requests.count >= requests }
    }

    @Test func `a mirrored call is answered by its backend alone, and the copy is the same call`() async throws {
        let backend = TestBackend.echo()
        let copy = TestBackend.fixed("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nwrong")
        try await Self.mirrored(backend, to: copy.port) { port, _ in
            let client = try RawConnection(port: port)
            for _ in 0..<10 {
                let response = client.call(Self.get)
                #expect(response.status == 200)
            }
            try await Self.waits(for: copy, requests: 10)
            #expect(copy.requests.count == 10)
            #expect(
                copy.requests.allSatisfy { $0.hasPrefix("GET /a HTTP/1.1\r\n") && $0.contains("x-heddle-caller: ") })
        }
    }

    @Test(arguments: ["Content-Length: 200000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n30d40\r\n"])
    func `a mirrored body goes to both`(framing: String) async throws {
        let backend = TestBackend.echo()
        let body = String(repeating: "0123456789", count: 20_000)
        let copied = Atomic(0)
        let copy = TestBackend { connection, backend in
            let head = connection.receive(through: "\r\n\r\n")
            let isChunked = !head.contains("content-length: 200000\r\n")
            var all: [UInt8] = []
            while all.count < 200_000 {
                let size = isChunked ? Int(connection.receive(through: "\r\n").dropLast(1), radix: 16) ?? 0 : 10_000
                let bytes = connection.receive(count: size)
                if bytes.isEmpty { break }
                all += bytes
                if isChunked { _ = connection.receive(through: "\r\n") }
                copied.store(all.count, ordering: .releasing)
            }
            backend.note(String(decoding: all, as: UTF8.self))
        }
        try await Self.mirrored(backend, to: copy.port) { port, _ in
            let client = try RawConnection(port: port)
            let isChunked = framing.hasPrefix("T")
            // No faster than it is copied: a copy that cannot keep up is given up.
            spawn {
                client.send("POST /a HTTP/1.1\r\nHost: orders\r\n\(framing)")
                let bytes = Array(body.utf8)
                for start in stride(from: 0, to: bytes.count, by: 10_000) {
                    client.send(Array(bytes[start..<(start + 10_000)]))
                    Poll.until { copied.load(ordering: .acquiring) >= start + 10_000 }
                }
                if isChunked { client.send("\r\n0\r\n\r\n") }
            }
            let response = client.response()
            #expect(response.body.contains(body))
            try await Self.waits(for: copy, requests: 1)
            #expect(copy.requests == [body])
        }
    }

    @Test func `a mirror that is down, silent or slow never affects the call`() async throws {
        let silent = TestBackend { connection, _ in while !connection.receive().isEmpty {} }
        let slow = TestBackend { connection, backend in
            _ = connection.receive(through: "\r\n\r\n")
            Pause.ofSlowPeer(.seconds(1))
            var count = 0
            while true {
                let bytes = connection.receive()
                if bytes.isEmpty { break }
                count += bytes.count
            }
            backend.note("\(count)")
        }
        let size = 32 << 20
        for copy in [TestPort.free(), silent.port, slow.port] {
            let backend = TestBackend { connection, _ in
                while true {
                    let head = connection.receive(through: "\r\n\r\n")
                    guard head.hasSuffix("\r\n\r\n") else { return }
                    if head.hasPrefix("POST") { _ = connection.receive(count: size) }
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                }
            }
            try await Self.mirrored(backend, to: copy) { port, mesh in
                let client = try RawConnection(port: port)
                let bodyless = client.call(Self.get)
                spawn {
                    client.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: \(size)\r\n\r\n")
                    for _ in 0..<(size >> 20) { client.send([UInt8](repeating: 1, count: 1 << 20)) }
                }
                let uploaded = client.response()
                #expect((bodyless.body, uploaded.body) == ("ok", "ok"))
            }
        }
        try await Self.waits(for: slow, requests: 1)
        // Cut, not short: what did come is no whole request.
        #expect(slow.requests.allSatisfy { (Int($0) ?? 0) < size })
    }

    @Test func `a copy of a gRPC call has as much time as the call`() async throws {
        let (backend, copy) = (TestBackend.http2Echo(), TestBackend.http2Echo())
        let port = TestPort.free()
        func service(_ name: String, _ backend: TestBackend) -> String {
            Shop.service(name, speaking: "GRPC", at: backend.port)
        }
        let mesh = try await TestMesh(
            [
                Shop.proxy(""), service("orders", backend), service("copy", copy), Shop.allowAll,
                """
                apiVersion: heddle/v1
                kind: GRPCRoute
                metadata: {name: orders, namespace: shop}
                spec: {parentRefs: [{kind: Service, name: orders}], rules: [\(Self.mirroring)]}
                ---
                \(manifest("Workload", "web-1", "{serviceAccount: web, outbound: {listen: \"127.0.0.1:\(port)\"}}"))
                """,
            ].joined(separator: "\n---\n"))
        let call = PolicyCase.Call.request(path: "/a/b", fields: [("grpc-timeout", "1M")]).http2(.grpc)!.fields
        let answer = HTTP2Peer(calling: try RawConnection(port: port)).call(call)
        #expect(answer.grpcStatus == 0)
        try await Self.waits(for: copy, requests: 1)
        for head in backend.requests + copy.requests {
            let timeout = Response(head: head, body: "").field("grpc-timeout") ?? ""
            #expect(timeout.last == "m" && (Int(timeout.dropLast()) ?? 0) > 30_000, "\(timeout)")
        }
        await mesh.stop()
    }

    @Test func `a mirror that the caller may not call is not called`() async throws {
        let backend = TestBackend.echo()
        let copy = TestBackend.echo()
        try await Self.mirrored(backend, to: copy.port, rule: Shop.readsOrders) { port, _ in
            let client = try RawConnection(port: port)
            for _ in 0..<3 {
                let response = client.call("GET /orders HTTP/1.1\r\nHost: orders\r\n\r\n")
                #expect(response.status == 200)
            }
            #expect(copy.connectionCount == 0)
        }
    }

    @Test func `calls that are mirrored to a silent target leave nothing behind`() async throws {
        let silent = TestBackend { connection, _ in while !connection.receive().isEmpty {} }
        try await Self.mirrored(.echo(), to: silent.port, proxy: "timeouts: {response: 300ms}") { port, mesh in
            for _ in 0..<10 {
                let client = try RawConnection(port: port)
                let response = client.call(Self.get)
                #expect(response.status == 200)
                let broken = try RawConnection(port: port)
                broken.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 100\r\n\r\nhalf")
                broken.reset()
            }
            try await SlowPeerTests.settles(mesh) { $0.open == 0 && $0.upstream <= 10 }
        }
    }

    @Test func `a redirect answers a request with a body and takes none of it`() async throws {
        let backend = TestBackend.echo()
        let rule =
            "{filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: shop.example, statusCode: 301}}]}"
        try await Shop.serve(backend, more: [Shop.proxy(""), Shop.route(rule)]) { port, _ in
            let client = try RawConnection(port: port)
            let plain = client.call("GET /a?b=c HTTP/1.1\r\nHost: orders\r\n\r\n")
            #expect((plain.status, plain.field("location")) == (301, "https://shop.example/a?b=c"))
            spawn {
                client.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4000000\r\n\r\n")
                client.send([UInt8](repeating: UInt8(ascii: "x"), count: 4_000_000))
            }
            let response = client.response()
            #expect((response.status, response.field("connection")) == (301, "close"))
            let rest = client.receiveToEnd().text
            #expect(rest.isEmpty)
            #expect(backend.connectionCount == 0)
        }
    }

    @Test func `response headers are modified, framing never`() async throws {
        let backend = TestBackend.fixed(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Old: 1\r\nX-Same: 1\r\nX-Heddle-Reason: forged\r\nKeep-Alive: timeout=5\r\n\r\nok"
        )
        let rule =
            "{filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Same, value: '2'}], "
            + "add: [{name: X-New, value: n}], remove: [x-old]}}], backendRefs: [{name: orders}]}"
        try await Shop.serve(backend, more: [Shop.proxy(""), Shop.route(rule)]) { port, _ in
            let client = try RawConnection(port: port)
            let response = client.call(Self.get)
            #expect(response.body == "ok")
            #expect((response.field("x-same"), response.field("x-new"), response.field("x-old")) == ("2", "n", nil))
            #expect((response.field("x-heddle-reason"), response.field("keep-alive")) == (nil, nil))
            let again = client.call(Self.get)
            #expect(again.body == "ok")
        }
    }

    @Test func `weights say how often a backend is chosen`() async throws {
        let backend = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
        let other = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb")
        let none = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc")
        let rule = "{backendRefs: [{name: orders, weight: 1}, {name: other, weight: 3}, {name: none, weight: 0}]}"
        try await Shop.serve(
            backend,
            more: [
                Shop.proxy(""), Shop.service("other", at: [other.port]), Shop.service("none", at: [none.port]),
                Shop.route(rule),
            ]
        ) { port, _ in
            let client = try RawConnection(port: port)
            for _ in 0..<400 { _ = client.call(Self.get) }
            // Six standard deviations either way.
            #expect((48...152).contains(backend.requests.count))
            #expect(backend.requests.count + other.requests.count == 400)
            #expect(none.connectionCount == 0)
        }
    }
}
