import CallPlanning
import Foundation
import Glibc
import Manifests
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// At a workload's own listener the kernel says who calls, and selectors say whether that is the workload.
struct AttestedCallerTests {
    /// The processes of these tests are all this one.
    private static var own: String { "[{unix: {uid: \(getuid())}}]" }
    private static let others = "[{unix: {uid: 4000000000}}]"

    private static var ownPath: String {
        get throws { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }
    }

    @Test(arguments: ["uid", "path", "digest", "group"])
    func `a process that its workload's selectors match calls as the workload`(by what: String) async throws {
        let selectors =
            switch what {
            case "path": "[{unix: {uid: \(getuid()), path: '\(try Self.ownPath)'}}]"
            case "digest":
                "[{unix: {uid: \(getuid()), sha256: '\(try OpenSSLCommand().run("dgst", "-sha256", "-r", Self.ownPath).output.prefix(64))'}}]"
            case "group": "[{unix: {uid: \(getuid()), gid: \(getegid())}}]"
            default: Self.own
            }
        let world = try await AttestedWorld(selectors)
        let connection = try RawConnection(port: world.port)
        for _ in 0..<2 {
            let response = world.call(connection)
            #expect(response.status == 200)
            #expect(response.body.contains("x-heddle-caller: spiffe://mesh.local/ns/shop/sa/web\r\n"))
        }
        let bytes = try RawConnection(port: world.tcp)
        bytes.send("hello")
        #expect(bytes.receive(count: 5) == Array("hello".utf8))
        await world.mesh.stop()
    }

    @Test(arguments: [
        others, "[{unix: {uid: \(getuid()), path: /usr/bin/other}}]", "[{unix: {uid: \(getuid()), gid: 4000000000}}]",
        "[{systemd: {unit: other.service}}]",
        "[{unix: {uid: \(getuid()), sha256: '\(String(repeating: "00", count: 32))'}}]",
    ])
    func `one that they do not match is refused, counted, and told of once`(selectors: String) async throws {
        let told = Mutex<[String]>([])
        let world = try await AttestedWorld(
            selectors,
            EventSink { event in
                if case .notAttested(let listener, _, let found, let why) = event {
                    told.withLock { $0.append("\(listener): \(found): \(why)") }
                }
            })
        let connection = try RawConnection(port: world.port)
        for _ in 0..<2 {
            let response = world.call(connection)
            #expect((response.status, response.field("x-heddle-reason")) == (403, "not-attested"))
        }
        #expect(world.backend.requests.isEmpty)
        #expect(await world.mesh.dataPlane.report().counters.notAttested == 1)
        #expect(told.withLock { $0.count } == 1)
        #expect(told.withLock { $0[0].hasPrefix("Workload shop/web-1: uid \(getuid())") }, "\(told.withLock { $0 })")
        await world.mesh.stop()
    }

    @Test func `a connection of TCP that is nobody's is reset`() async throws {
        let world = try await AttestedWorld(Self.others)
        let connection = try RawConnection(port: world.tcp)
        connection.send("hello")
        #expect(connection.receive(count: 1).isEmpty)
        #expect(connection.isEnded)
        #expect(world.ledger.connectionCount == 0)
        await world.mesh.stop()
    }

    @Test func `over HTTP/2 it is the same, and gRPC hears that it is not known`() async throws {
        let world = try await AttestedWorld(Self.others)
        let peer = HTTP2Peer(calling: try RawConnection(port: world.port))
        let plain = peer.begin(
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "orders")], ends: true)
        let answer = peer.answer(on: plain)
        #expect(answer.status == 403)
        let grpc = peer.begin(
            [
                (":method", "POST"), (":scheme", "http"), (":path", "/s/m"), (":authority", "orders"),
                ("content-type", "application/grpc"), ("te", "trailers"),
            ], ends: true)
        #expect(peer.answer(on: grpc).grpcStatus == 16)
        try await world.serve(Self.own)
        let allowed = peer.begin(
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "orders")], ends: true)
        #expect(peer.answer(on: allowed).status == 200)
        await world.mesh.stop()
    }

    // MARK: Who is told why

    @Test(arguments: ["HTTP/1.1", "HTTP/2", "TCP"])
    func `why a process is refused is kept and logged, and told to no caller`(speech: String) async throws {
        let log = TestLog()
        let world = try await AttestedWorld(Self.others, accessLog: log.sink)
        switch speech {
        case "HTTP/1.1":
            let response = world.call(try RawConnection(port: world.port))
            #expect(response.status == 403)
            #expect(!"\(response)".contains("4000000000") && !"\(response)".contains("uid"), "\(response)")
        case "HTTP/2":
            let peer = HTTP2Peer(calling: try RawConnection(port: world.port))
            let stream = peer.begin(
                [(":method", "GET"), (":scheme", "http"), (":path", "/a"), (":authority", "orders")], ends: true)
            #expect(peer.answer(on: stream).status == 403)
        default:
            let connection = try RawConnection(port: world.tcp)
            connection.send("hello")
            #expect(connection.receive(count: 1).isEmpty)
        }
        let line = try #require(await log.lines().first)
        #expect(line.field("reason") == "not-attested")
        #expect(line.field("process")?.hasPrefix("uid \(getuid())") == true, "\(line)")
        #expect(line.field("why") == "shop/web-1: selectors[0] says uid 4000000000", "\(line)")
        let records = await world.mesh.dataPlane.decisionRecords()
        #expect(records.map(\.id) == [line.field("request_id")].compactMap(\.self))
        let record = try #require(records.first)
        #expect((record.isAllowed, record.caller, record.service, record.rule) == (false, nil, nil, nil))
        #expect(record.path == (speech == "TCP" ? "" : "/a"))
        #expect(record.processRefusal?.listener == line.field("listener"))
        #expect(record.processRefusal?.found == line.field("process"))
        #expect(record.processRefusal?.why == line.field("why"))
        await world.mesh.stop()
    }

    @Test func `each call of a connection is kept by its own ID, with what its generation says`() async throws {
        let world = try await AttestedWorld(Self.others)
        let connection = try RawConnection(port: world.port)
        let first = world.call(connection)
        let second = world.call(connection)
        try await world.serve("[{unix: {uid: 3999999999}}]")
        let third = world.call(connection)
        let records = await world.mesh.dataPlane.decisionRecords()
        #expect(records.map(\.id) == [first, second, third].compactMap { $0.field("x-request-id") })
        #expect(
            records.map { $0.processRefusal?.why }
                == [4_000_000_000, 4_000_000_000, 3_999_999_999 as UInt32].map {
                    "shop/web-1: selectors[0] says uid \($0)"
                })
        await world.mesh.stop()
    }

    @Test func `a call that ends because its process is the workload no more is told of, and what it was`() async throws
    {
        let log = TestLog()
        let world = try await AttestedWorld(Self.own, backend: .beginning(), accessLog: log.sink)
        let connection = try RawConnection(port: world.port)
        connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        _ = connection.receive(through: "begin")
        try await world.serve(Self.others)
        #expect(connection.receive(count: 1).isEmpty)
        #expect(connection.isEnded)
        let line = try #require(await log.lines().first)
        #expect(line.field("why") == "shop/web-1: selectors[0] says uid 4000000000", "\(line)")
        let record = try #require(await world.mesh.dataPlane.decisionRecords().first)
        #expect(record.caller == "spiffe://mesh.local/ns/shop/sa/web")
        #expect(record.service?.description == "shop/orders")
        await world.mesh.stop()
    }

    @Test func `a process that is nobody puts out nothing that rules have refused, whatever it calls itself`()
        async throws
    {
        let open = TestPort.free()
        let world = try await AttestedWorld(Self.others, rules: Self.openCaller(at: open))
        let denied = try RawConnection.call(
            port: open, "GET /a HTTP/1.1\r\nHost: orders\r\nx-request-id: mine\r\n\r\n")
        #expect(denied.status == 403)
        let connection = try RawConnection(port: world.port)
        for number in 0..<DecisionLog.capacity {
            let id = number % 2 == 0 ? "mine" : "\(number)"
            connection.send("GET /a HTTP/1.1\r\nHost: orders\r\nx-request-id: \(id)\r\n\r\n")
            #expect(connection.response().status == 403)
        }
        let records = await world.mesh.dataPlane.decisionRecords()
        #expect(records.count == DecisionLog.strangerCapacity + 1)
        #expect(records.last { $0.id == "mine" }?.processRefusal == nil)
        await world.mesh.stop()
    }

    /// A workload without selectors, whose calls no rule allows.
    private static func openCaller(at port: UInt16) -> String {
        manifest("Workload", "other-1", "{serviceAccount: other, outbound: {listen: \"127.0.0.1:\(port)\"}}")
    }

    @Test func `each generation's selectors are asked about connections that are there`() async throws {
        let world = try await AttestedWorld(Self.own)
        let connection = try RawConnection(port: world.port)
        let bytes = try RawConnection(port: world.tcp)
        bytes.send("hello")
        #expect(bytes.receive(count: 5) == Array("hello".utf8))
        #expect(world.call(connection).status == 200)
        // What has to be found out first is found out, and no call is lost by it.
        try await world.serve("[{unix: {uid: \(getuid()), path: '\(try Self.ownPath)'}}]")
        #expect(world.call(connection).status == 200)
        bytes.send("again")
        #expect(bytes.receive(count: 5) == Array("again".utf8))
        try await world.serve("[{unix: {uid: \(getuid()), path: /usr/bin/other}}]")
        #expect(world.call(connection).status == 403)
        #expect(bytes.receive(count: 1).isEmpty)
        #expect(bytes.isEnded)
        try await world.serve(Self.own)
        #expect(world.call(connection).status == 200)
        await world.mesh.stop()
    }

    @Test func `a stream that is under way ends when its process is the workload no more`() async throws {
        let world = try await AttestedWorld(Self.own, backend: .beginning())
        let connection = try RawConnection(port: world.port)
        connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        _ = connection.receive(through: "begin")
        try await world.serve(Self.others)
        #expect(connection.receive(count: 1).isEmpty)
        #expect(connection.isEnded)
        await world.mesh.stop()
    }

    @Test func `a listener that asked nobody asks when a generation has selectors`() async throws {
        let world = try await AttestedWorld(nil)
        let connection = try RawConnection(port: world.port)
        #expect(world.call(connection).status == 200)
        try await world.serve(Self.others)
        #expect(world.call(connection).status == 403)
        try await world.serve(nil)
        #expect(world.call(connection).status == 200)
        await world.mesh.stop()
    }

    @Test(arguments: [own, others])
    func `a stream of a listener that asked nobody is asked for when a generation has selectors`(
        selectors: String
    ) async throws {
        let world = try await AttestedWorld(nil)
        let bytes = try RawConnection(port: world.tcp)
        bytes.send("hello")
        #expect(bytes.receive(count: 5) == Array("hello".utf8))
        try await world.serve(selectors)
        bytes.send("again")
        #expect(bytes.receive(count: 5) == (selectors == Self.own ? Array("again".utf8) : []))
        #expect(await world.mesh.dataPlane.report().counters.notAttested == (selectors == Self.own ? 0 : 1))
        await world.mesh.stop()
    }

    // MARK: One listener for a host

    private static func host(_ selectors: [(String, String)], listen: UInt16, orders: UInt16) -> String {
        let workloads = selectors.map { name, selectors in
            """
            ---
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: \(name), namespace: \(name)}
            spec: {serviceAccount: \(name), node: here, selectors: \(selectors)}

            """
        }
        return """
            apiVersion: heddle/v1
            kind: Node
            metadata: {name: here}
            spec: {address: "127.0.0.1:\(TestPort.free())", outbound: {listen: "127.0.0.1:\(listen)"}}
            ---
            \(manifest("Service", "orders", "{protocol: HTTP}"))
            ---
            \(manifest("Workload", "orders-1", "{service: orders, node: here, address: \"127.0.0.1:\(orders)\"}"))
            ---
            \(Shop.allowAll)
            \(workloads.joined())
            """
    }

    @Test func `at a host's listener a process is the one workload that it matches, with that one's namespace`()
        async throws
    {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(
            Self.host([("web", Self.others), ("shop", Self.own)], listen: port, orders: backend.port), node: "here")
        let connection = try RawConnection(port: port)
        // By its short name, which only those of its namespace call it.
        connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        let response = connection.response()
        #expect(response.status == 200)
        #expect(response.body.contains("x-heddle-caller: spiffe://mesh.local/ns/shop/sa/shop\r\n"))
        // Another workload by the next generation; a call under way is not its.
        try await mesh.serve(Self.host([("web", Self.own), ("shop", Self.others)], listen: port, orders: backend.port))
        connection.send("GET /a HTTP/1.1\r\nHost: orders.shop\r\n\r\n")
        #expect(connection.response().body.contains("x-heddle-caller: spiffe://mesh.local/ns/web/sa/web\r\n"))
        connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(connection.response().status == 404)
        await mesh.stop()
    }

    /// Whatever is left of the candidates: a call goes on as nobody else.
    @Test func `a stream made as one workload ends when its process is another`() async throws {
        let backend = TestBackend.beginning()
        let port = TestPort.free()
        let mesh = try await TestMesh(Self.host([("web", Self.own)], listen: port, orders: backend.port), node: "here")
        let connection = try RawConnection(port: port)
        connection.send("GET /a HTTP/1.1\r\nHost: orders.shop\r\n\r\n")
        _ = connection.receive(through: "begin")
        try await mesh.serve(Self.host([("shop", Self.own)], listen: port, orders: backend.port))
        #expect(connection.receive(count: 1).isEmpty)
        #expect(connection.isEnded)
        await mesh.stop()
    }

    @Test func `a process that two workloads of a host match is neither`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let told = Mutex<[String]>([])
        let mesh = try await TestMesh(
            Self.host([("web", Self.own), ("shop", Self.own)], listen: port, orders: backend.port), node: "here",
            events: EventSink { event in
                if case .notAttested(let listener, _, let found, let why) = event {
                    told.withLock { $0.append("\(listener): \(found): \(why)") }
                }
            })
        let connection = try RawConnection(port: port)
        connection.send("GET /a HTTP/1.1\r\nHost: orders.shop\r\n\r\n")
        let response = connection.response()
        #expect((response.status, response.field("x-heddle-reason")) == (403, "not-attested"))
        #expect(
            told.withLock { $0 } == [
                "Node here: uid \(getuid()): it is shop/shop and web/web, and must be one of them"
            ])
        await mesh.stop()
    }

    @Test func `a caller that has gone before it was seen is nobody`() async throws {
        let world = try await AttestedWorld(Self.own)
        let (busy, gone) = (Gate(), Gate())
        async let held: Void = world.mesh.dataPlane.onEveryWorker { _ in
            busy.open()
            gone.pass()
        }
        await busy.passed()
        do {
            let connection = try RawConnection(port: world.port)
            connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        }
        gone.open()
        await held
        #expect(await world.mesh.comesToRest())
        #expect(world.backend.requests.isEmpty)
        #expect(await world.mesh.dataPlane.report().counters.notAttested == 1)
        await world.mesh.stop()
    }
}
