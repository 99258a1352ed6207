import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// What becomes of callers and calls where descriptors are short: a mesh whose only worker has eight of them.
@Suite struct `Where there is no room` {
    private static let fields: HTTP2Peer.Fields = [
        (":method", "GET"), (":scheme", "http"), (":authority", "orders"), (":path", "/a"),
    ]
    private static var toElsewhere: HTTP2Peer.Fields { fields.map { $0.0 == ":authority" ? ($0.0, "elsewhere") : $0 } }
    private static let callers = 4
    /// Beside one caller.
    private static let endpoints = 7

    private static let elsewhere = """
        ---
        \(manifest("Service", "elsewhere", "{protocol: PROTOCOL}"))
        ---
        \(manifest("Workload", "elsewhere-1", "{service: elsewhere, address: \"127.0.0.1:PORT\"}"))
        """

    /// Whoever connects there waits, as the kernel's queue for it is full.
    private final class UnansweredPort: Sendable {
        let port = TestPort.free()
        private let listening: CInt
        private let inQueue: RawConnection

        init() throws {
            listening = TestPort.listen(at: port, backlog: 0)
            inQueue = try RawConnection(port: port)
        }

        deinit { close(listening) }
    }

    /// What a worker tells of shortages: whose listener, and what.
    private final class Told: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }

        var sink: EventSink {
            EventSink { [self] event in
                let line: String? =
                    switch event {
                    case .madeRoom(let closed, let listener): "\(listener ?? "nobody"): \(closed) closed"
                    case .acceptingPaused(let listener): "\(listener): waits"
                    case .callFoundNoRoom(let listener, let endpoint): "\(listener): none to \(endpoint)"
                    case .handshakeRefused, .upstreamHandshakeFailed, .upstreamConnectionRefused, .notAttested,
                        .peerExpired, .policyMatched, .policyMatches:
                        nil
                    }
                if let line { lines.withLock { $0.append(line) } }
            }
        }
    }

    private static func mesh(
        _ backend: TestBackend, elsewhere other: TestBackend, speaking: String = "HTTP", tells told: Told = Told()
    ) async throws -> (TestMesh, UInt16) {
        let port = TestPort.free()
        let manifests =
            Shop.manifests(outbound: port, orders: backend.port) + "\n"
            + elsewhere.replacing("PORT", with: "\(other.port)").replacing("PROTOCOL", with: speaking)
        return (try await TestMesh(manifests, descriptors: 0, events: told.sink), port)
    }

    @Test
    func `a call fails that finds no descriptor for its endpoint, the others go on, and kept connections give way`()
        async throws
    {
        let mayAnswer = Gate()
        let backend = TestBackend { connection, backend in
            while connection.receive(through: "\r\n\r\n").hasSuffix("\r\n\r\n") {
                mayAnswer.pass()
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let other = TestBackend.echo()
        let told = Told()
        let (mesh, port) = try await Self.mesh(backend, elsewhere: other, tells: told)
        let peer = HTTP2Peer(calling: try RawConnection(port: port))
        for _ in 0..<Self.endpoints { _ = peer.begin(Self.fields, ends: true) }
        let refused = peer.call(Self.fields)
        #expect(refused.status == 503)
        #expect(refused.fields.contains { $0 == ("x-heddle-reason", "overloaded") }, "\(refused.fields)")

        mayAnswer.open()
        var statuses: [String] = []
        var ended = 0
        while ended < Self.endpoints, let frame = peer.receive() {
            if frame.type == HTTP2Peer.FrameType.headers {
                statuses += peer.fields(frame).filter { $0.0 == ":status" }.map(\.1)
            }
            if frame.endsStream { ended += 1 }
        }
        #expect(statuses == Array(repeating: "200", count: Self.endpoints))

        // All descriptors are kept for orders now; one of them is for who needs it.
        let far = peer.call(Self.toElsewhere)
        #expect(far.status == 200)
        let counters = await mesh.dataPlane.report().counters
        #expect(counters.madeRoom == ["caller": 0, "endpoint": 1])
        #expect(counters.lastShortage > 0)
        // Who looks into it begins with whose calls they are, and where they were to go.
        let listener = "Workload shop/web-1"
        #expect(told.all == ["\(listener): none to 127.0.0.1:\(backend.port)", "\(listener): 1 closed"])
        await mesh.stop()
    }

    @Test func `calls that wait for streams fail where no descriptor is left for another connection`() async throws {
        let allWait = Gate()
        let mayAnswer = Gate()
        let other = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection, settings: nil) else { return }
            allWait.pass()
            peer.send(settings: [(id: 3, value: 1)])
            while let frame = peer.receive() {
                guard frame.endsStream else { continue }
                mayAnswer.pass()
                peer.sendHead([(":status", "200")], stream: frame.stream, ends: true)
            }
        }
        let (mesh, port) = try await Self.mesh(.echo(), elsewhere: other, speaking: "HTTP2")
        let peer = HTTP2Peer(calling: try RawConnection(port: port))
        for _ in 0..<Self.endpoints + 2 { _ = peer.begin(Self.toElsewhere, ends: true) }
        peer.connection.waitUntilDelivered()
        #expect(await mesh.comesToRest())
        allWait.open()

        var statuses: [String] = []
        while statuses.count < Self.endpoints + 2, let frame = peer.receive() {
            guard frame.type == HTTP2Peer.FrameType.headers else { continue }
            let fields = peer.fields(frame)
            statuses += fields.filter { $0.0 == ":status" }.map(\.1)
            guard statuses.last == "503" else { continue }
            #expect(fields.contains { $0 == ("x-heddle-reason", "overloaded") }, "\(fields)")
            if statuses.count == 2 { mayAnswer.open() }
        }
        #expect(statuses == ["503", "503"] + Array(repeating: "200", count: Self.endpoints))
        await mesh.stop()
    }

    @Test func `a caller whose connection is being made gives way to nobody, however little it says`() async throws {
        // Its queue is full: who connects then waits.
        let hanging = try UnansweredPort()
        let backend = TestBackend.echo()
        let tcp = TestPort.free()
        let port = TestPort.free()
        let listen = "listen: \"127.0.0.1:\(port)\""
        let manifests =
            Shop.manifests(outbound: port, orders: backend.port).replacing(
                listen, with: listen + ", tcp: [{service: elsewhere, listen: \"127.0.0.1:\(tcp)\"}]") + "\n"
            + Self.elsewhere.replacing("PORT", with: "\(hanging.port)").replacing("PROTOCOL", with: "TCP")
            + "\n---\n" + Shop.proxy("timeouts: {connect: 600s}")
        let mesh = try await TestMesh(manifests, descriptors: 0)
        // The first to come, and silent like the others.
        let waiting = try RawConnection(port: tcp)
        #expect(await Poll.until { await mesh.dataPlane.report().counters.open == 1 })
        var silent: [RawConnection] = []
        for _ in 1..<Self.callers { silent.append(try RawConnection(port: port)) }
        await Pause.inWhichNothingMayHappen(.milliseconds(QuietTime.longest + 200))
        let late = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(late.status == 200)
        let silenced = silent[0].receiveAll()
        #expect(silenced.isEmpty && silent[0].isEnded)
        #expect(!waiting.hasInput)
        await mesh.stop()
    }

    @Test func `a listener whose callers wait for room is told of by its name`() async throws {
        let backend = TestBackend.echo()
        let told = Told()
        let (mesh, port) = try await Self.mesh(backend, elsewhere: backend, tells: told)
        // Nobody has been quiet for long enough to give way.
        var silent: [RawConnection] = []
        for _ in 0...Self.callers { silent.append(try RawConnection(port: port)) }
        #expect(await Poll.until { told.all.contains("Workload shop/web-1: waits") }, "\(told.all)")
        await mesh.stop()
    }

    @Test func `who has asked for nothing for longest gives way to who comes, in the words of HTTP/2`() async throws {
        let backend = TestBackend.echo()
        let (mesh, port) = try await Self.mesh(backend, elsewhere: backend)
        let peer = HTTP2Peer(calling: try RawConnection(port: port))
        let first = peer.call(Self.fields)
        #expect(first.status == 200)
        var silent: [RawConnection] = []
        for _ in 1..<Self.callers { silent.append(try RawConnection(port: port)) }
        // Who has just come is not quiet yet.
        await Pause.inWhichNothingMayHappen(.milliseconds(QuietTime.longest + 200))
        let late = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(late.status == 200)
        let goodbye = peer.receive()
        #expect(goodbye?.type == HTTP2Peer.FrameType.goAway && goodbye?.code == 0)
        #expect(peer.receive() == nil && peer.connection.isEnded)
        // One was enough.
        let answer = silent[0].call("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(answer.status == 200)
        let counters = await mesh.dataPlane.report().counters
        #expect(counters.madeRoom == ["caller": 1, "endpoint": 0])
        await mesh.stop()
    }

    @Test func `the longer somebody waits, the less silence is borne with`() {
        let times: [UInt64] = [0, 499, 500, 1_000, 1_500, 1_000_000]
        #expect(times.map { QuietTime.milliseconds(waiting: $0) } == [2_000, 2_000, 1_000, 500, 500, 500])
    }

    @Test func `who comes behind many that say nothing has its turn`() async throws {
        let backend = TestBackend.echo()
        let (mesh, port) = try await Self.mesh(backend, elsewhere: backend)
        var silent: [RawConnection] = []
        // More than there is room for, eight times over.
        for _ in 0..<Self.callers * 8 { silent.append(try RawConnection(port: port)) }
        let late = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(late.status == 200)
        // All that came before have been let in, and have given way.
        let counters = await mesh.dataPlane.report().counters
        #expect(counters.accepted == UInt64(Self.callers * 8 + 1))
        await mesh.stop()
    }
}
