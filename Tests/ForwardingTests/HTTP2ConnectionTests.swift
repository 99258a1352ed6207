import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// What a connection of HTTP/2 does about another side that stalls.
struct HTTP2ConnectionTests {
    private typealias FrameType = HTTP2Peer.FrameType

    private static let get: HTTP2Peer.Fields = [
        (":method", "GET"), (":scheme", "http"), (":authority", "orders"), (":path", "/a"),
    ]
    private static let enhanceYourCalm: UInt32 = 0xb
    private static let settingsTimeout: UInt32 = 0x4

    /// What a caller does that never comes to the end of a head.
    enum Stall: String, CaseIterable, CustomTestStringConvertible {
        case preface = "a preface that stops"
        case frameHeader = "a frame's header that stops"
        case headers = "HEADERS without END_HEADERS, and nothing after it"
        case continuations = "CONTINUATION frames that trickle in"
        case payload = "HEADERS whose bytes trickle in"
        case trailers = "trailers that stop"

        var testDescription: String { rawValue }

        func run(_ peer: HTTP2Peer) {
            let block = HTTP2Peer.encode(HTTP2ConnectionTests.get)
            switch self {
            case .preface: break
            case .frameHeader: peer.connection.send([0, 0, 5])
            case .headers: peer.send(FrameType.headers, flags: 1, stream: 1, block)
            case .continuations:
                peer.send(FrameType.headers, flags: 1, stream: 1)
                for index in 0..<15 {
                    Pause.ofSlowPeer(.milliseconds(60))
                    peer.send(FrameType.continuation, stream: 1, [block[index]])
                }
            case .payload:
                peer.connection.send([0, 0, UInt8(block.count), 1, 5, 0, 0, 0, 1])
                for byte in block.dropLast() {
                    Pause.ofSlowPeer(.milliseconds(20))
                    peer.connection.send([byte])
                }
            case .trailers:
                peer.sendHead(
                    HTTP2ConnectionTests.get.map { $0.0 == ":method" ? ($0.0, "POST") : $0 }, stream: 1, ends: false)
                peer.send(FrameType.headers, flags: 1, stream: 1, [0])
            }
        }
    }

    @Test(arguments: Stall.allCases)
    func `a head that is not whole in time ends the connection, as 408 does over HTTP/1.1`(stall: Stall) async throws {
        let backend = TestBackend.echo()
        try await Shop.serve(backend, more: [Shop.proxy("timeouts: {requestHead: 300ms}")]) { port, mesh in
            let connection = try RawConnection(port: port)
            if stall == .preface {
                connection.send(Array(HTTP2Peer.preface.dropLast(4)))
                // Its settings come first, then GOAWAY's header.
                let bytes = connection.receiveAll()
                #expect(connection.isEnded && bytes.utf8.contains(FrameType.goAway))
            } else {
                let peer = HTTP2Peer(calling: connection)
                stall.run(peer)
                peer.acknowledges = false
                let answer = peer.answer(on: 1)
                #expect(answer.isClosed && answer.status == 0 && answer.goAway == Self.enhanceYourCalm, "\(answer)")
            }
            #expect(await mesh.dataPlane.report().counters.refused == [408: 1])
            if stall != .trailers { #expect(backend.requests.isEmpty) }
        }
    }

    @Test func `other streams keep no connection alive whose head has stalled`() async throws {
        try await Shop.serve(.echo(), more: [Shop.proxy("timeouts: {requestHead: 300ms}")]) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let post = peer.begin([(":method", "POST")] + Self.get.dropFirst(), ends: false)
            peer.send(FrameType.headers, flags: 1, stream: post + 2, HTTP2Peer.encode(Self.get))
            peer.acknowledges = false
            let answer = peer.answer(on: post)
            #expect(answer.isClosed && answer.goAway == Self.enhanceYourCalm, "\(answer)")
        }
    }

    @Test func `bodies, idle connections and heads one after the other take longer than a head may`() async throws {
        try await Shop.serve(.echo(), more: [Shop.proxy("timeouts: {requestHead: 1s}")]) { port, mesh in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let post = peer.begin([(":method", "POST")] + Self.get.dropFirst() + [("content-length", "8")], ends: false)
            // One frame, whose bytes come in pieces.
            peer.connection.send([0, 0, 8, FrameType.data, 1, 0, 0, 0, UInt8(post)])
            for byte in "trickles".utf8 {
                Pause.ofSlowPeer(.milliseconds(150))
                peer.connection.send([byte])
            }
            let answer = peer.answer(on: post)
            #expect(answer.status == 200 && answer.body.hasSuffix("trickles"), "\(answer)")

            Pause.ofSlowPeer(.milliseconds(1200))
            // Each piece has the end of a block and the beginning of the next.
            let block = HTTP2Peer.encode(Self.get)
            let half = block.count / 2
            for index in 0..<10 {
                let id = UInt8(2 * index + 3)
                let begin = [0, 0, UInt8(half), FrameType.headers, 1, 0, 0, 0, id] + block[..<half]
                let end =
                    [0, 0, UInt8(block.count - half), FrameType.continuation, 4, 0, 0, 0, id - 2] + block[half...]
                peer.connection.send((index == 0 ? [] : Array(end)) + begin)
                Pause.ofSlowPeer(.milliseconds(120))
            }
            #expect(await mesh.dataPlane.report().counters.refused.isEmpty)
        }
    }

    @Test func `a workload whose answer's head never ends is given up, with its connection`() async throws {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                guard frame.type == FrameType.headers else { continue }
                // To one that has all the time it wants; the others wait for the rest of this head, too.
                peer.send(FrameType.headers, stream: frame.stream, HTTP2Peer.encode([(":status", "200")]))
                for _ in 0..<15 {
                    Pause.ofSlowPeer(.milliseconds(100))
                    peer.send(FrameType.continuation, stream: frame.stream)
                }
            }
        }
        let more = [
            Shop.proxy("timeouts: {response: 300ms}"), Shop.service("talk", speaking: "GRPC", at: backend.port),
        ]
        try await Shop.serve(backend, more: more) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let answer = peer.call([
                (":method", "POST"), (":scheme", "http"), (":authority", "talk"), (":path", "/a/b"),
                ("content-type", "application/grpc"),
            ])
            #expect(answer.grpcStatus == 14)
        }
    }

    @Test func `a caller that never acknowledges SETTINGS is told so, with streams and without`() async throws {
        try await Shop.serve(.echo(), more: [Shop.proxy("timeouts: {stream: 400ms}")]) { port, _ in
            for hasStream in [false, true] {
                let peer = HTTP2Peer(calling: try RawConnection(port: port))
                peer.acknowledges = false
                if hasStream { _ = peer.begin([(":method", "POST")] + Self.get.dropFirst(), ends: false) }
                let answer = peer.answer(on: 1)
                #expect(answer.isClosed && answer.goAway == Self.settingsTimeout)
            }
        }
    }

    @Test func `one that acknowledges them late is served`() async throws {
        try await Shop.serve(.echo(), more: [Shop.proxy("timeouts: {stream: 2s}")]) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            peer.acknowledges = false
            let first = peer.call(Self.get)
            peer.send(FrameType.settings, flags: 1)
            Pause.ofSlowPeer(.milliseconds(2500))
            let second = peer.call(Self.get)
            #expect(first.status == 200 && second.status == 200)
        }
    }

    @Test func `a workload that never acknowledges SETTINGS is left`() async throws {
        let codes = Mutex<[UInt32]>([])
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            peer.acknowledges = false
            while let frame = peer.receive() {
                if frame.type == FrameType.headers {
                    peer.sendHead([(":status", "200")], stream: frame.stream, ends: true)
                }
                if frame.type == FrameType.goAway { codes.withLock { $0.append(frame.code) } }
            }
        }
        let more = [
            Shop.proxy("timeouts: {stream: 400ms}"), Shop.service("talk", speaking: "HTTP2", at: backend.port),
        ]
        try await Shop.serve(.echo(), more: more) { port, mesh in
            let client = try RawConnection(port: port)
            let response = client.call("GET /a HTTP/1.1\r\nHost: talk\r\n\r\n")
            #expect(response.status == 200)
            try await SlowPeerTests.settles(mesh) { $0.upstream == 0 }
            await Poll.until { codes.withLock { !$0.isEmpty } }
            #expect(codes.withLock { $0 } == [Self.settingsTimeout])
        }
    }

    @Test(arguments: [Door.http2, .hopHTTP1, .hopHTTP2, .hopGRPC], ["bytes", "fields"])
    func `a head over its limits costs its own call alone`(door: Door, what: String) async throws {
        let world = try await PolicyWorld(door, rule: PolicyTable.policy("ALLOW", "{}"))
        // One that another node would refuse for the few bytes that the first one adds, and one that the first refuses.
        for (excess, isTaken) in [(0, true), (1_000, false)] {
            let half = String(repeating: "a", count: (door.dialect == .http1 ? 32_700 : 32_500) + excess)
            let count = (door.dialect == .http1 ? 98 : 97) + excess / 100
            let fields = what == "bytes" ? [("x", half), ("y", half)] : (0..<count).map { ("x-\($0)", "1") }
            let method = door.dialect == .grpc ? "POST" : "GET"
            let call = PolicyCase.Call.request(method: method, path: "/a", host: "orders", fields: fields)
            if door.dialect == .http1 {
                let other = try world.connect()
                other.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 4\r\n\r\nab")
                let response = try world.connect().call(call.http1!)
                other.send("cd")
                let rest = other.response()
                #expect(response.status == (isTaken ? 200 : 431) && rest.status == 200)
            } else {
                let peer = HTTP2Peer(calling: try world.connect())
                let small = PolicyCase.Call.request(method: "POST", path: "/b", host: "orders")
                let other = peer.begin(small.http2(door.dialect)!.fields, ends: false)
                let answer = peer.call(call.http2(door.dialect)!.fields)
                peer.send(FrameType.data, flags: 1, stream: other)
                let rest = peer.answer(on: other)
                let isRefused = door.dialect == .grpc ? answer.grpcStatus == 8 : answer.status == 431
                #expect(isTaken ? answer.status == 200 && !isRefused : isRefused, "\(answer.status)")
                #expect(rest.status == 200 && rest.goAway == nil, "\(rest)")
            }
        }
        await world.stop()
    }

    /// A call that no service takes, with a body that is still to come.
    private static func refused(bodyByteCount: Int?) -> HTTP2Peer.Fields {
        let call = get.map { $0.0 == ":method" ? ($0.0, "POST") : $0.0 == ":authority" ? ($0.0, "nobody") : $0 }
        return call + (bodyByteCount.map { [("content-length", "\($0)")] } ?? [])
    }

    @Test(arguments: [nil, 5, 65_536, 65_537])
    func `a body that does not come after the answer is wanted no more`(byteCount: Int?) async throws {
        try await Shop.serve(.echo()) { port, _ in
            let peer = HTTP2Peer(calling: try RawConnection(port: port))
            let stream = peer.begin(Self.refused(bodyByteCount: byteCount), ends: false)
            #expect(peer.answer(on: stream).status == 404)
            let frame = peer.receive()
            #expect(frame?.type == FrameType.reset && frame?.stream == stream && frame?.code == 0)
        }
    }

    @Test func `a workload's head over its limits costs its own call alone, on its connection and between nodes`()
        async throws
    {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            var waiting: UInt32?
            while let frame = peer.receive() {
                guard frame.type == FrameType.headers else { continue }
                guard let first = waiting else {
                    waiting = frame.stream
                    continue
                }
                let half = String(repeating: "a", count: 33_000)
                let fat = [(":status", "200"), ("x", half), ("y", half)]
                peer.sendHead(fat, stream: frame.stream, ends: true)
                peer.sendHead([(":status", "200"), ("grpc-status", "0")], stream: first, ends: true)
            }
        }
        let world = try await PolicyWorld(.hopGRPC, rule: PolicyTable.policy("ALLOW", "{}"), backend: backend)
        let peer = HTTP2Peer(calling: try world.connect())
        let call = PolicyCase.Call.request(method: "POST", path: "/a", host: "orders").http2(.grpc)!.fields
        let (first, second) = (peer.begin(call, ends: true), peer.begin(call, ends: true))
        let answers = peer.answers(on: [first, second])
        #expect(answers.map(\.grpcStatus) == [0, 14], "\(answers)")
        await world.stop()
    }
}
