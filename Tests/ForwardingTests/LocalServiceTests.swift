import CallPlanning
import ServiceContracts
import ServiceFixtures
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// What Heddle answers for itself, over real sockets.
struct LocalServiceTests {
    private static func serve(
        _ rules: String = InnerWorld.all, proxy: String = "", threads: Int = 2,
        waiting: Int = ServiceExecutor.waitingLimit, _ body: (InnerWorld) async throws -> Void
    ) async throws {
        let world = try await InnerWorld(rules, proxy: proxy, threads: threads, waiting: waiting)
        try await body(world)
        #expect(await world.stop())
    }

    // MARK: Whole answers

    @Test(arguments: LocalDialect.allCases)
    func `a call is answered, and its connection goes on`(dialect: LocalDialect) async throws {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            for _ in 0..<3 {
                caller.get("/v1/plain")
                #expect(caller.status == 200 && caller.text == "hello shop/web" && caller.isWhole)
                #expect(caller.fields["content-length"] == "14" && caller.fields["content-type"] == "text/plain")
                #expect(caller.fields["date"] != nil)
                caller.get("/v1/nothing")
                #expect(caller.status == 204 && caller.body.isEmpty)
            }
        }
    }

    @Test(arguments: ["config.mesh", "config.mesh:8080", "config.mesh.", "CONFIG.Mesh"])
    func `it is called by its name, however that is written`(host: String) async throws {
        try await Self.serve { world in
            let answer = try RawConnection.call(
                port: world.port, "GET /v1/plain HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(answer.status == 200)
            let absolute = try RawConnection.call(
                port: world.port, "GET http://\(host)/v1/plain HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(absolute.status == 200)
        }
    }

    @Test(arguments: ["config", "config.mesh.mesh", "store.mesh", "mesh", "configxmesh"])
    func `no other name leads there`(host: String) async throws {
        try await Self.serve { world in
            let answer = try RawConnection.call(port: world.port, "GET /v1/plain HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(answer.status == 404 && answer.field("x-heddle-reason") == "no-route")
        }
    }

    @Test func `where nothing answers for it there is no such host`() async throws {
        try await Shop.serve(.echo()) { port, _ in
            let answer = try RawConnection.call(port: port, "GET /v1/plain HTTP/1.1\r\nHost: config.mesh\r\n\r\n")
            #expect(answer.status == 404)
        }
    }

    @Test(arguments: LocalDialect.allCases, ["/v1/size/3000001", "/v1/stream/3000001", "/v1/size/0", "/v1/stream/0"])
    func `an answer of any length is whole`(dialect: LocalDialect, path: String) async throws {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            caller.get(path)
            #expect(caller.isWhole && caller.body == EchoService.bytes(path.hasSuffix("0") ? 0 : 3_000_001))
            #expect((caller.fields["content-length"] != nil) == path.contains("size"))
            caller.get("/v1/plain")
            #expect(caller.status == 200)
        }
    }

    @Test(arguments: LocalDialect.allCases, ["/v1/size/1000", "/v1/stream/300000", "/v1/watch"])
    func `a HEAD has no body, and ends`(dialect: LocalDialect, path: String) async throws {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            if caller.peer != nil {
                caller.ask("HEAD", path)
                caller.hear()
                #expect(caller.isWhole && caller.body.isEmpty)
            } else {
                caller.connection.send("HEAD \(path) HTTP/1.1\r\nHost: config.mesh\r\n\r\n")
                let head = caller.connection.receive(through: "\r\n\r\n")
                #expect(
                    Response(head: head, body: "").field("content-length") == (path.contains("size") ? "1000" : nil))
            }
            caller.get("/v1/plain")
            #expect(caller.status == 200 && caller.text == "hello shop/web")
        }
    }

    @Test(arguments: LocalDialect.allCases, [("fails", 502), ("malformed", 502), ("forgotten", 502), ("x", 404)])
    func `a call that is not answered fails, and says why`(dialect: LocalDialect, way: (String, Int)) async throws {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            caller.get("/v1/\(way.0)")
            #expect(caller.status == way.1)
            #expect(caller.fields["x-heddle-reason"] == (way.1 == 404 ? "no-route" : "upstream-failed"))
            caller.get("/v1/plain")
            #expect(caller.status == 200)
        }
    }

    @Test(arguments: LocalDialect.allCases)
    func `an answer that breaks off does not look whole`(dialect: LocalDialect) async throws {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            caller.get("/v1/broken")
            // Nothing may have been passed on yet: then it is an answer of Heddle's.
            #expect(caller.isCut && caller.status == 200 || caller.isWhole && caller.status == 502, "\(caller.status)")
        }
    }

    // MARK: Bodies both ways

    @Test(arguments: LocalDialect.allCases, [1, 64 * 1024, 3_000_000])
    func `what goes up comes down`(dialect: LocalDialect, count: Int) async throws {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            let bytes = EchoService.bytes(count)
            caller.ask("POST", "/v1/echo", hasBody: true)
            Self.upload(bytes, caller)
            caller.hear()
            #expect(caller.status == 200 && caller.body == bytes && caller.isWhole)
            caller.get("/v1/plain")
            #expect(caller.status == 200)
        }
    }

    /// Says it piece by piece, and hears of each before the next: no window is ever in the way.
    private static func upload(_ bytes: [UInt8], _ caller: InnerCaller) {
        for start in stride(from: 0, to: bytes.count, by: 16_384) {
            let end = min(start + 16_384, bytes.count)
            caller.say(Array(bytes[start..<end]))
            caller.hear { $0.body.count >= end }
        }
        caller.finish()
    }

    @Test func `an echo to a caller that reads slowly is whole, and never more than a little of it waits here`()
        async throws
    {
        try await Self.serve { world in
            let caller = try RawConnection(port: world.port)
            let (piece, count) = (BackpressureTests.piece, 20)
            let isRead = Mutex<Bool?>(nil)
            spawn {
                caller.send(
                    "POST /v1/echo HTTP/1.1\r\nHost: config.mesh\r\nContent-Length: \(piece.count * count)\r\n\r\n")
                for _ in 0..<count { caller.send(piece) }
            }
            spawn {
                _ = caller.receive(through: "\r\n\r\n")
                var body: [UInt8] = []
                while true {
                    let size = Int(caller.receive(through: "\r\n").dropLast(1), radix: 16) ?? 0
                    if size == 0 { break }
                    body += caller.receive(count: size)
                    _ = caller.receive(through: "\r\n")
                    if body.count % 7 == 0 { Pause.ofSlowPeer(.milliseconds(1)) }
                }
                let isWhole = body == [[UInt8]](repeating: piece, count: count).flatMap { $0 }
                isRead.withLock { $0 = isWhole }
            }
            var most = 0
            await Poll.until {
                most = max(most, await world.mesh.dataPlane.report().counters.queuedBytes)
                return isRead.withLock { $0 } != nil
            }
            #expect(isRead.withLock { $0 } == true)
            // Of both ways.
            #expect(most <= 2 * BackpressureTests.bound)
        }
    }

    @Test(arguments: LocalDialect.allCases)
    func `a caller that takes nothing holds its service back, which goes on when it does`(dialect: LocalDialect)
        async throws
    {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            caller.ask("GET", "/v1/stream/12000000")
            caller.hear { $0.status != 0 }
            await Pause.inWhichNothingMayHappen(.milliseconds(100))
            // HTTP/2 has a queue for the stream, and one for its connection.
            let bound = BackpressureTests.bound * (dialect == .http1 ? 1 : 2)
            #expect(await world.mesh.dataPlane.report().counters.queuedBytes <= bound)
            caller.hear()
            #expect(caller.isWhole && caller.body == EchoService.bytes(12_000_000))
        }
    }

    @Test(arguments: LocalDialect.allCases)
    func `an answer that comes before the request is whole is heard`(dialect: LocalDialect) async throws {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            caller.ask("POST", "/v1/early", hasBody: true)
            caller.say([1, 2, 3])
            caller.hear()
            #expect(caller.status == 413 && caller.text == "too much" && caller.isWhole)
        }
    }

    @Test func `a caller that waits to be told to go on is told`() async throws {
        try await Self.serve { world in
            let caller = try RawConnection(port: world.port)
            caller.send(
                "POST /v1/echo HTTP/1.1\r\nHost: config.mesh\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            #expect(caller.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
            caller.send("hello")
            let answer = caller.response()
            #expect(answer.status == 200 && answer.body == "hello")
        }
    }

    @Test func `requests that come at once are answered one after the other`() async throws {
        try await Self.serve { world in
            let caller = try RawConnection(port: world.port)
            let paths = ["/v1/plain", "/v1/size/100000", "/v1/stream/100000", "/v1/nothing", "/v1/plain"]
            caller.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: config.mesh\r\n\r\n" }.joined())
            for path in paths {
                let answer = caller.response()
                #expect(answer.status == (path == "/v1/nothing" ? 204 : 200))
                if path.hasSuffix("100000") { #expect(answer.body.utf8.count >= 100_000) }
            }
        }
    }

    // MARK: Who goes, and what takes long

    @Test(arguments: LocalDialect.allCases, ["/v1/never", "/v1/watch", "/v1/wait", "/v1/stream/30000000"])
    func `a service is told that its caller has gone`(dialect: LocalDialect, path: String) async throws {
        try await Self.serve { world in
            let caller = try InnerCaller(dialect, port: world.port)
            caller.ask("GET", path)
            await Poll.until { world.service.begun == 1 }
            if path == "/v1/watch" { caller.hear { $0.text == "first;" } }
            caller.leave()
            await Poll.until { world.service.notes.contains("gone") }
            #expect(world.service.notes.filter { $0 == "gone" } == ["gone"])
        }
    }

    @Test(arguments: LocalDialect.allCases)
    func `a service that does not answer is late`(dialect: LocalDialect) async throws {
        try await Self.serve(proxy: "timeouts: {response: 100ms}") { world in
            let caller = try InnerCaller(dialect, port: world.port)
            caller.get("/v1/never")
            #expect(caller.status == 504 && caller.fields["x-heddle-reason"] == "timeout")
            await Poll.until { world.service.notes.contains("gone") }
        }
    }

    @Test(arguments: LocalDialect.allCases, ["/v1/watch", "/v1/wait"])
    func `what waits for something to happen is not late`(dialect: LocalDialect, path: String) async throws {
        try await Self.serve(proxy: "timeouts: {response: 50ms, stream: 50ms, requestBody: 50ms}") { world in
            let caller = try InnerCaller(dialect, port: world.port)
            // Its settings are acknowledged with it.
            caller.get("/v1/plain")
            caller.ask("GET", path)
            await Poll.until { world.service.watcherCount == 1 }
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            world.service.push()
            if path == "/v1/wait" {
                caller.hear()
                #expect(caller.status == 200 && caller.text == "pushed")
            } else {
                caller.hear { $0.text == "first;1;" }
                #expect(caller.text == "first;1;")
                caller.leave()
            }
        }
    }

    @Test func `a caller that stops in the middle of its request is late`() async throws {
        try await Self.serve(proxy: "timeouts: {requestBody: 100ms}") { world in
            let caller = try InnerCaller(.http1, port: world.port)
            caller.ask("POST", "/v1/never", hasBody: true)
            caller.say([1])
            caller.hear()
            #expect(caller.status == 408)
        }
    }

    @Test func `too many that wait for a service are told so, and no other call is`() async throws {
        try await Self.serve(threads: 1, waiting: 2) { world in
            let callers = try (0..<3).map { _ in try InnerCaller(.http1, port: world.port) }
            callers[0].ask("GET", "/v1/blocked")
            await Poll.until { world.service.begun == 1 }
            for caller in callers.dropFirst() { caller.ask("GET", "/v1/plain") }
            await Poll.until { world.executor.waitingCount == 2 }
            let refused = try InnerCaller(.http1, port: world.port)
            refused.get("/v1/plain")
            #expect(refused.status == 503 && refused.fields["x-heddle-reason"] == "overloaded")
            world.service.gate.open()
            for caller in callers {
                caller.hear()
                #expect(caller.status == 200)
            }
            refused.get("/v1/plain")
            #expect(refused.status == 200)
        }
    }

    @Test func `a service that blocks holds up no worker`() async throws {
        try await Self.serve { world in
            let blocked = try InnerCaller(.http1, port: world.port)
            blocked.ask("GET", "/v1/blocked")
            await Poll.until { world.service.begun == 1 }
            let answer = try RawConnection.call(port: world.port, "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")
            #expect(answer.status == 404)
            world.service.gate.open()
            blocked.hear()
            #expect(blocked.text == "passed")
        }
    }

    @Test func `many streams of one connection are each answered with what is theirs`() async throws {
        try await Self.serve { world in
            let peer = HTTP2Peer(calling: try RawConnection(port: world.port))
            let streams = (0..<90).map { index in
                peer.begin(
                    [
                        (":method", "GET"), (":scheme", "http"), (":authority", "config.mesh"),
                        (":path", index % 3 == 0 ? "/v1/plain" : index % 3 == 1 ? "/v1/size/\(index)" : "/v1/x"),
                    ], ends: true)
            }
            for (index, answer) in peer.answers(on: streams).enumerated() {
                switch index % 3 {
                case 0: #expect(answer.status == 200 && answer.body == "hello shop/web")
                case 1: #expect(answer.status == 200 && answer.fields.contains { $0 == ("content-length", "\(index)") })
                default: #expect(answer.status == 404)
                }
            }
        }
    }

    @Test func `many watches all hear what there is to hear`() async throws {
        try await Self.serve { world in
            let callers = try (0..<100).map { index in
                let caller = try InnerCaller(index % 2 == 0 ? .http1 : .http2, port: world.port)
                caller.ask("GET", "/v1/watch")
                return caller
            }
            for caller in callers { caller.hear { $0.text == "first;" } }
            world.service.push()
            for caller in callers {
                caller.hear { $0.text == "first;1;" }
                #expect(caller.text == "first;1;")
                caller.leave()
            }
        }
    }

    // MARK: What is none of theirs

    @Test func `gRPC, WebSockets and tunnels are refused in their callers' words`() async throws {
        try await Self.serve { world in
            let peer = HTTP2Peer(calling: try RawConnection(port: world.port))
            let grpc = peer.call([
                (":method", "POST"), (":scheme", "http"), (":authority", "config.mesh"), (":path", "/a.B/C"),
                ("content-type", "application/grpc"), ("te", "trailers"),
            ])
            #expect(grpc.status == 200 && grpc.grpcStatus == 12)
            let socket = try RawConnection.call(
                port: world.port,
                PolicyCase.Call.webSocket(path: "/v1/watch").http1!
                    .replacing("Host: orders", with: "Host: config.mesh"))
            #expect(socket.status == 501)
            let tunnel = try RawConnection.call(
                port: world.port, "CONNECT config.mesh:80 HTTP/1.1\r\nHost: config.mesh:80\r\n\r\n")
            #expect(tunnel.status == 501)
            #expect(world.service.begun == 0)
        }
    }

    @Test func `no gateway leads there`() async throws {
        let port = TestPort.free()
        let host = ServiceHost(EchoService(), name: "echo", threadCount: 1)
        let mesh = try await TestMesh(
            """
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: edge, namespace: shop}
            spec: {listeners: [{name: http, address: 127.0.0.1, port: \(port), protocol: HTTP}]}
            """, inner: [.config: host])
        let answer = try RawConnection.call(port: port, "GET /v1/plain HTTP/1.1\r\nHost: config.mesh\r\n\r\n")
        #expect(answer.status == 404)
        await mesh.stop()
    }
}
