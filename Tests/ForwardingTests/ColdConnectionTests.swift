import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// Calls to a workload of HTTP/2 that has not said yet how many streams it takes.
struct ColdConnectionTests {
    private typealias FrameType = HTTP2Peer.FrameType

    private static let refusedStream: UInt32 = 7
    private static let enhanceYourCalm: UInt32 = 11
    private static let burst = 6

    private static func request(_ method: String, length: Int? = nil) -> HTTP2Peer.Fields {
        [(":method", method), (":scheme", "http"), (":authority", "chat"), (":path", "/a")]
            + (length.map { [("content-length", "\($0)")] } ?? [])
    }

    private static func maxStreams(_ limit: UInt32) -> [(id: UInt8, value: UInt32)] {
        [(id: 3, value: limit), (id: 4, value: 1 << 20)]
    }

    /// What a workload saw of the calls that came.
    private final class Seen: Sendable {
        private let state = Mutex((ahead: [Int](), refused: 0))

        /// On each connection, streams that were begun before its SETTINGS were acknowledged.
        var ahead: [Int] { state.withLock { $0.ahead } }
        /// Streams above the limit.
        var refused: Int { state.withLock { $0.refused } }

        func began() -> Int {
            state.withLock {
                $0.ahead.append(0)
                return $0.ahead.count - 1
            }
        }
        func wentAhead(_ connection: Int) { state.withLock { $0.ahead[connection] += 1 } }
        func refuse() { state.withLock { $0.refused += 1 } }
    }

    /// A workload that says how many streams it takes when it has seen some, and answers each call with the length of its body.
    /// - Parameters:
    ///   - code: What it resets streams with that are above the limit.
    ///   - quorums: On each connection, streams that it must have seen before; of those without a number 1.
    ///   - awaitsConnections: It answers when so many have come: no call is over before the others are under way.
    ///   - leavesFirst: Its first connection takes no more than one call.
    private static func workload(
        limit: UInt32, code: UInt32 = refusedStream, quorums: [Int] = [], awaitsConnections: Int = 1,
        leavesFirst: Bool = false, _ seen: Seen
    ) -> TestBackend {
        TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection, settings: nil) else { return }
            let number = seen.began()
            // Its first frame has to be SETTINGS.
            peer.acknowledges = false
            var bodies: [UInt32: Int] = [:]
            var isKnown = false
            var early: [HTTP2Peer.Frame] = []
            let quorum = number < quorums.count ? quorums[number] : 1
            func handle(_ frame: HTTP2Peer.Frame) {
                switch frame.type {
                case FrameType.headers:
                    guard bodies.count < limit else {
                        seen.refuse()
                        peer.send(FrameType.reset, stream: frame.stream, HTTP2Peer.bytes(code))
                        return
                    }
                    bodies[frame.stream] = 0
                case FrameType.data where bodies[frame.stream] != nil:
                    bodies[frame.stream]! += frame.payload.count
                    if !frame.payload.isEmpty {
                        peer.send(FrameType.windowUpdate, HTTP2Peer.bytes(UInt32(frame.payload.count)))
                    }
                default: return
                }
                guard frame.endsStream, let count = bodies[frame.stream] else { return }
                Poll.until { backend.connectionCount >= awaitsConnections }
                if leavesFirst, number == 0 {
                    peer.send(FrameType.goAway, HTTP2Peer.bytes(frame.stream) + HTTP2Peer.bytes(0))
                }
                peer.sendHead([(":status", "200")], stream: frame.stream, ends: false)
                peer.send(FrameType.data, flags: 1, stream: frame.stream, Array("\(count)".utf8))
                bodies[frame.stream] = nil
            }
            while let frame = peer.receive() {
                if frame.type == FrameType.headers, peer.settingsAcknowledgements == 0 { seen.wentAhead(number) }
                guard !isKnown else {
                    handle(frame)
                    continue
                }
                early.append(frame)
                guard early.count(where: { $0.type == FrameType.headers }) == quorum else { continue }
                isKnown = true
                peer.send(settings: Self.maxStreams(limit))
                peer.send(FrameType.settings, flags: 1)
                peer.acknowledges = true
                early.forEach(handle)
            }
        }
    }

    private static func serve(
        _ backend: TestBackend, _ proxy: String = "", _ body: (_ port: UInt16, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        let more = [Shop.proxy(proxy), Shop.service("chat", speaking: "HTTP2", at: backend.port)]
        try await Shop.serve(.echo(), more: more, body)
    }

    /// Calls that come in one piece, so that they all wait for the same connection.
    private static func callAtOnce(
        port: UInt16, _ method: String, count: Int = burst, body: Int = 0
    ) throws -> [HTTP2Peer.Answer] {
        let peer = HTTP2Peer(calling: try RawConnection(port: port))
        let calls = (0..<count).map { _ in
            peer.begin(request(method, length: body > 0 ? body : nil), ends: body == 0)
        }
        for call in calls where body > 0 {
            for start in stride(from: 0, to: body, by: 10_000) {
                let count = min(10_000, body - start)
                peer.send(
                    FrameType.data, flags: start + count == body ? 1 : 0, stream: call,
                    [UInt8](repeating: 1, count: count))
            }
        }
        var answers: [UInt32: HTTP2Peer.Answer] = [:]
        var left = Set(calls)
        while !left.isEmpty, let frame = peer.receive() {
            if frame.type == FrameType.headers {
                answers[frame.stream, default: .init()].take(peer.fields(frame))
            }
            if frame.type == FrameType.data {
                answers[frame.stream, default: .init()].body += String(decoding: frame.payload, as: UTF8.self)
            }
            if frame.type == FrameType.reset { answers[frame.stream, default: .init()].reset = frame.code }
            if frame.endsStream || frame.type == FrameType.reset { left.remove(frame.stream) }
        }
        #expect(left.isEmpty, "calls without an end")
        return calls.map { answers[$0] ?? .init() }
    }

    @Test func `one stream goes out before a workload has said how many it takes, and the others after`() async throws {
        let seen = Seen()
        let backend = Self.workload(limit: 100, seen)
        try await Self.serve(backend) { port, _ in
            let answers = try Self.callAtOnce(port: port, "POST")
            #expect(answers.allSatisfy { $0.status == 200 })
            #expect(seen.ahead == [1] && seen.refused == 0 && backend.connectionCount == 1)
        }
    }

    @Test(arguments: [refusedStream, enhanceYourCalm], [10, 100_000])
    func `what a workload does not take goes to it on other connections, with all of its body`(
        code: UInt32, body: Int
    ) async throws {
        let seen = Seen()
        let backend = Self.workload(limit: 1, code: code, awaitsConnections: Self.burst, seen)
        try await Self.serve(backend) { port, _ in
            let answers = try Self.callAtOnce(port: port, "POST", body: body)
            #expect(answers.map(\.status) == Array(repeating: 200, count: Self.burst))
            #expect(answers.map(\.body) == Array(repeating: "\(body)", count: Self.burst))
            #expect(seen.refused == 0 && seen.ahead == Array(repeating: 1, count: Self.burst))
        }
    }

    @Test func `the next connection is given at once what the last one said it takes`() async throws {
        let seen = Seen()
        let backend = Self.workload(limit: 3, quorums: [1, 3], leavesFirst: true, seen)
        try await Self.serve(backend) { port, _ in
            let first = try Self.callAtOnce(port: port, "POST", count: 1)
            let answers = try Self.callAtOnce(port: port, "POST", count: 3)
            #expect((first + answers).map(\.status) == [200, 200, 200, 200])
            #expect(seen.ahead == [1, 3] && seen.refused == 0)
        }
    }

    @Test func `what was sent ahead of SETTINGS and is too much goes out again, and nothing else that is`() async throws
    {
        let backend = TestBackend { connection, backend in
            guard let peer = HTTP2Peer(serving: connection) else { return }
            while let frame = peer.receive() {
                guard frame.endsStream else { continue }
                backend.note("call")
                if backend.requests.count == 2 {
                    peer.sendHead([(":status", "200")], stream: frame.stream, ends: true)
                } else {
                    peer.send(FrameType.reset, stream: frame.stream, HTTP2Peer.bytes(Self.enhanceYourCalm))
                }
            }
        }
        try await Self.serve(backend) { port, _ in
            let first = try Self.callAtOnce(port: port, "POST", count: 1, body: 2)
            #expect(first[0].status == 200 && backend.requests.count == 2)
            let second = try Self.callAtOnce(port: port, "POST", count: 1, body: 2)
            #expect(second[0].status == 502 && backend.requests.count == 3)
        }
    }

    @Test func `calls that wait for a workload to say what it takes are told when it leaves`() async throws {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection, settings: nil) else { return }
            peer.acknowledges = false
            _ = peer.receive()
        }
        try await Self.serve(backend) { port, mesh in
            let statuses = try Self.callAtOnce(port: port, "POST").map(\.status)
            // One that a workload may have seen, the first on each connection, is not sent again, though nobody answered it.
            let seen = backend.connectionCount
            #expect(seen > 0)
            #expect(statuses.sorted() == Array(repeating: 502, count: seen) + Array(repeating: 503, count: 6 - seen))
        }
    }

    @Test func `a workload that never says what it takes holds up no call but the first`() async throws {
        let backend = TestBackend { connection, _ in while !connection.receive().isEmpty {} }
        try await Self.serve(backend, "timeouts: {connect: 200ms, response: 400ms}") { port, mesh in
            let answers = try Self.callAtOnce(port: port, "POST")
            #expect(answers.map(\.status) == [504] + Array(repeating: 503, count: Self.burst - 1))
            try await SlowPeerTests.settles(mesh) { $0.upstream == 0 }
        }
    }

    @Test func `a connection whose endpoint takes no streams is not kept`() async throws {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection, settings: Self.maxStreams(0)) else { return }
            while let frame = peer.receive() {
                guard frame.type == FrameType.headers else { continue }
                peer.send(FrameType.reset, stream: frame.stream, HTTP2Peer.bytes(Self.refusedStream))
            }
        }
        let more = [Shop.service("chat", speaking: "HTTP2", at: backend.port)]
        try await Shop.serve(.echo(), more: more) { port, mesh in
            for _ in 0..<3 {
                let answer = try RawConnection(port: port).call("GET /a HTTP/1.1\r\nHost: chat\r\n\r\n")
                #expect([502, 503].contains(answer.status))
            }
            #expect(await Poll.until { await mesh.dataPlane.report().counters.upstream == 0 })
        }
    }
}
