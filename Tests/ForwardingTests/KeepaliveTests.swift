import EventLoops
import Manifests
import TestSupport
import Testing

@testable import Forwarding

/// When a silent peer is asked for a sign of life.
struct KeepaliveTests {
    private static let patience = Keepalive.Patience(silence: 1_000, grace: 100, delivery: 300)
    /// Nothing is under way.
    private static func step(
        _ keepalive: inout Keepalive, hasStreams: Bool = true, at now: DeadlineWheel.Time
    ) -> Keepalive.Step {
        let reader = ReaderProgress()
        return keepalive.step(hasStreams: hasStreams, patience, at: now, outputEnd: 0, progress: reader.last)
    }

    @Test func `one that is silent is asked once, and given up when it does not answer`() {
        var keepalive = Keepalive(at: 5_000)
        let steps = [5_999, 6_000, 6_001, 6_099, 6_100].map {
            Self.step(&keepalive, at: $0)
        }
        #expect(steps == [.wait, .ask, .wait, .wait, .giveUp])
    }

    @Test func `any byte is an answer, and the silence begins anew`() {
        var keepalive = Keepalive(at: 0)
        let asked = Self.step(&keepalive, at: 1_000)
        keepalive.heard(at: 1_099)
        let steps = [1_100, 2_098, 2_099].map {
            Self.step(&keepalive, at: $0)
        }
        #expect(asked == .ask && steps == [.wait, .wait, .ask])
    }

    /// - Parameter looks: When it is asked, and how many bytes are acknowledged then.
    /// - Returns: What it says each time, with 1,000 bytes before the question.
    private static func steps(_ looks: [(at: DeadlineWheel.Time, acknowledged: UInt64)]) -> [Keepalive.Step] {
        var keepalive = Keepalive(at: 0)
        var reader = ReaderProgress()
        return looks.map { look in
            // Other bytes, after the question, go into the socket all the time.
            reader.took(at: look.at)
            reader.look(written: 2_000, unacknowledged: 2_000 - Int(look.acknowledged), at: look.at)
            return keepalive.step(
                hasStreams: true, patience, at: look.at, outputEnd: 1_000, progress: reader.last)
        }
    }

    @Test func `a question that has not been heard waits for what stands before it, as long as that goes on`() {
        let steps = Self.steps([(1_000, 200), (1_299, 200), (1_300, 300), (1_600, 999), (1_899, 999), (1_900, 999)])
        #expect(steps == [.ask, .wait, .wait, .wait, .wait, .giveUp])
    }

    @Test func `one that has been heard is answered soon, whatever else is acknowledged`() {
        let steps = Self.steps([(1_000, 200), (1_300, 1_020), (1_399, 1_030), (1_400, 1_040)])
        #expect(steps == [.ask, .wait, .wait, .giveUp])
        #expect(Self.steps([(1_000, 1_000), (1_099, 1_020), (1_100, 1_040)]) == [.ask, .wait, .giveUp])
    }

    @Test func `one without streams is asked nothing, but owes the answer to what it was asked`() {
        var keepalive = Keepalive(at: 0)
        let idle = Self.step(&keepalive, hasStreams: false, at: 10_000)
        let asked = Self.step(&keepalive, at: 10_000)
        let late = Self.step(&keepalive, hasStreams: false, at: 10_100)
        #expect(idle == .wait && asked == .ask && late == .giveUp)
        #expect(Keepalive(at: 0).due(hasStreams: false, Self.patience) == nil)
    }

    @Test func `a workload that works in silence is asked after the time that the mesh says`() async throws {
        let backend = TestBackend { connection, _ in
            guard let peer = HTTP2Peer(serving: connection), let call = peer.receive() else { return }
            peer.onPing = { [unowned peer] in peer.sendHead([(":status", "200")], stream: call.stream, ends: true) }
            while peer.receive() != nil {}
        }
        let more = [
            Shop.proxy("timeouts: {keepalive: 100ms}"), Shop.service("talk", speaking: "GRPC", at: backend.port),
        ]
        try await Shop.serve(.echo(), more: more) { port, _ in
            let answer = try RawConnection(port: port).call("GET /a HTTP/1.1\r\nHost: talk\r\n\r\n")
            #expect(answer.status == 200)
        }
    }

    @Test func `workloads are asked as seldom as servers of gRPC allow, unless the mesh says otherwise`() {
        #expect(ProxyTimeouts().keepalive > .seconds(300))
        let patience = Keepalive.Patience.ofEndpoints(
            silence: MillisecondTimeouts(ProxyTimeouts()).keepalive, delivery: 60_000)
        #expect(patience.silence == 330_000 && patience.grace == 20_000)
    }

    @Test func `it is due exactly when it has something to say`() {
        var keepalive = Keepalive(at: 7)
        for _ in 0..<2 {
            guard let due = keepalive.due(hasStreams: true, Self.patience) else {
                Issue.record("nothing is due")
                return
            }
            let early = Self.step(&keepalive, at: due - 1)
            let onTime = Self.step(&keepalive, at: due)
            #expect(early == .wait && onTime != .wait)
        }
    }
}
