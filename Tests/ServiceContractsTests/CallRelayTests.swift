import CallOutcomes
import HTTPSemantics
import ServiceFixtures
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import ServiceContracts

/// A call between its two sides.
struct CallRelayTests {
    /// A service of its own, with threads that end when the test does.
    final class World: Sendable {
        let service = EchoService()
        let host: ServiceHost
        var executor: ServiceExecutor { host.executor }
        let rules = RulesInForce(.none(labels: LabelRegistry()))

        init(threads: Int = 2, waiting: Int = ServiceExecutor.waitingLimit) {
            host = ServiceHost(service, name: "echo", threadCount: threads, waitingLimit: waiting)
        }

        deinit { executor.stop() }

        func call(_ path: String, _ method: KnownMethod = .get, hasBody: Bool = false) -> InMemoryCaller {
            InMemoryCaller(method, path, hasBody: hasBody, of: host, rules: rules)
        }

        func started(_ path: String, _ method: KnownMethod = .get, hasBody: Bool = false) -> InMemoryCaller {
            let call = call(path, method, hasBody: hasBody)
            #expect(call.relay.start())
            return call
        }
    }

    @Test func `a call is answered by its service, which knows whose it is`() async {
        let answer = await World().started("/v1/plain").gather()
        #expect(answer.status == 200 && answer.text == "hello shop/web" && answer.isEnded)
        #expect(answer.fields == ["content-type": "text/plain"])
    }

    @Test(arguments: ["fails", "forgotten", "malformed"])
    func `a call that its service does not answer fails`(path: String) async {
        let answer = await World().started("/v1/\(path)").gather()
        #expect(answer.status == 0 && answer.failure == .upstreamFailed)
    }

    @Test func `what was said before a failure comes before it`() async {
        let answer = await World().started("/v1/broken").gather()
        #expect(answer.text == "begin" && answer.failure == .upstreamFailed && !answer.isEnded)
    }

    /// Hands its call out.
    private final class Handing: LocalService {
        let call = Mutex<LocalCall?>(nil)
        let session: Noting

        init(_ session: Noting = Noting()) { self.session = session }

        func begin(_ call: LocalCall) -> any LocalSession {
            self.call.withLock { $0 = call }
            return session
        }

        func taken() async -> LocalCall {
            var taken: LocalCall?
            await Poll.until {
                taken = call.withLock { $0 }
                return taken != nil
            }
            return taken!
        }
    }

    private final class Noting: LocalSession {
        private let all = Mutex<[String]>([])
        var notes: [String] { all.withLock { $0 } }

        func note(_ text: String) { all.withLock { $0.append(text) } }
        func received(_ bytes: [UInt8]) { note("\(bytes.count)") }
        func requestEnded() { note("whole") }
        func callerTakesMore() { note("more") }
        func rulesChanged() { note("rules") }
        func woken() { note("woken") }
        func nodeStops() { note("stops") }
        func callerGone() { note("gone") }
    }

    private func handed(
        hasBody: Bool = false, _ body: (LocalCall, InMemoryCaller, Noting) async -> Void
    ) async {
        let service = Handing()
        let host = ServiceHost(service, name: "handing", threadCount: 1)
        let caller = InMemoryCaller(
            .get, "/a", hasBody: hasBody, of: host, rules: RulesInForce(.none(labels: LabelRegistry())))
        #expect(caller.relay.start())
        await body(await service.taken(), caller, service.session)
        host.executor.stop()
    }

    @Test func `an answer ends once, and nothing is sent after its end`() async {
        await handed { call, caller, _ in
            #expect(call.answer(LocalAnswer(status: 200), body: [1], by: nil) == .taken)
            #expect(call.answer(LocalAnswer(status: 500), body: [2], by: nil) == .over)
            #expect(call.begin(LocalAnswer(status: 500), by: nil) == .over)
            #expect(call.send([3], by: nil) == .over)
            call.fail(.timeout)
            call.end()
            let answer = await caller.gather()
            #expect(answer.status == 200 && answer.body == [1] && answer.isEnded && answer.failure == nil)
            #expect(caller.relay.next() == nil)
        }
    }

    @Test func `an end without a head is a failure`() async {
        await handed { call, caller, _ in
            #expect(call.send([1], by: nil) == .over)
            call.end()
            #expect(await caller.gather().failure == .upstreamFailed)
        }
    }

    @Test func `who sends more than is taken is told to wait, and then to go on`() async {
        await handed { call, caller, session in
            call.begin(LocalAnswer(status: 200), by: nil)
            var sent = 0
            while case .taken = call.send([UInt8](repeating: 7, count: 1000), by: nil) { sent += 1000 }
            #expect(sent >= CallRelayState.highWatermark && sent < CallRelayState.highWatermark + 1000)
            #expect(call.isFull)
            let some = await caller.gather { $0.body.count >= sent - CallRelayState.lowWatermark - 5000 }
            #expect(some.body.count < sent)
            await Pause.inWhichNothingMayHappen(.milliseconds(20))
            #expect(session.notes == ["whole"])
            #expect(call.send([8], by: nil) == .taken)
            let rest = await caller.gather { $0.body.count >= sent + 1 - some.body.count }
            #expect(some.body.count + rest.body.count == sent + 1)
            await Poll.until { session.notes.count > 1 }
            #expect(session.notes == ["whole", "more"])
            call.end()
            #expect(await caller.gather().isEnded)
        }
    }

    @Test func `one large piece is taken whole, and passed on in small ones`() async {
        await handed { call, caller, _ in
            let bytes = EchoService.bytes(1_000_003)
            call.answer(LocalAnswer(status: 200), body: bytes, by: nil)
            _ = await caller.next()
            var got: [UInt8] = []
            while case .body(let piece)? = await caller.next() {
                #expect(piece.count <= 64 * 1024)
                got += piece
            }
            #expect(got == bytes)
        }
    }

    @Test func `the body of a request waits while its service is behind, and goes on`() async {
        await handed(hasBody: true) { call, caller, session in
            call.holdBody()
            caller.send([UInt8](repeating: 1, count: CallRelayState.highWatermark))
            #expect(caller.relay.isRequestCongested)
            caller.relay.requestEnded()
            await Pause.inWhichNothingMayHappen(.milliseconds(20))
            #expect(session.notes == [] && !caller.relay.takesRequestAgain())
            call.resumeBody()
            await Poll.until { session.notes.count == 2 }
            #expect(session.notes == ["\(CallRelayState.highWatermark)", "whole"])
            #expect(caller.relay.takesRequestAgain() && !caller.relay.takesRequestAgain())
            #expect(caller.relay.requestByteCount == 0 && caller.tellings == 1)
        }
    }

    @Test func `who has left is told of once, and hears nothing more`() async {
        await handed { call, caller, session in
            await Poll.until { session.notes == ["whole"] }
            caller.relay.leave()
            await Poll.until { session.notes.count == 2 }
            #expect(call.isOver && call.send([1], by: nil) == .over)
            call.wake()
            caller.relay.stop()
            caller.relay.leave()
            await Pause.inWhichNothingMayHappen(.milliseconds(20))
            #expect(session.notes == ["whole", "gone"])
        }
    }

    @Test func `a service that has ended its answer is told nothing more`() async {
        await handed { call, caller, session in
            await Poll.until { session.notes == ["whole"] }
            call.answer(LocalAnswer(status: 200), by: nil)
            call.wake()
            caller.relay.stop()
            caller.relay.leave()
            await Pause.inWhichNothingMayHappen(.milliseconds(20))
            #expect(session.notes == ["whole"])
        }
    }

    @Test func `what is said several times is told once`() async {
        let world = World(threads: 1)
        let blocked = world.started("/v1/blocked")
        await Poll.until { world.service.begun == 1 }
        let watch = world.started("/v1/watch")
        for _ in 0..<10 { watch.relay.stop() }
        world.service.gate.open()
        #expect(await watch.gather().text == "first;")
        #expect(await blocked.gather().text == "passed")
        #expect(world.service.notes == ["stops"])
    }

    @Test func `too many that wait are overloaded, and those that wait come to be answered`() async {
        let world = World(threads: 1, waiting: 3)
        let blocked = world.started("/v1/blocked")
        await Poll.until { world.service.begun == 1 }
        let waiting = (0..<3).map { _ in world.started("/v1/plain") }
        #expect(world.executor.waitingCount == 3)
        #expect(!world.call("/v1/plain").relay.start())
        world.service.gate.open()
        _ = await blocked.gather()
        for call in waiting { #expect(await call.gather().status == 200) }
        #expect(await world.started("/v1/plain").gather().status == 200)
    }

    @Test func `who leaves before it is begun is never begun`() async {
        let world = World(threads: 1)
        let blocked = world.started("/v1/blocked")
        await Poll.until { world.service.begun == 1 }
        let left = world.started("/v1/plain")
        left.relay.leave()
        world.service.gate.open()
        _ = await blocked.gather()
        #expect(await world.started("/v1/plain").gather().status == 200)
        #expect(world.service.begun == 2)
    }

    @Test func `several threads answer at once, and a service has no more of them than it is given`() async {
        let world = World(threads: 2)
        let blocked = [world.started("/v1/blocked"), world.started("/v1/blocked"), world.started("/v1/plain")]
        await Poll.until { world.service.begun == 2 }
        await Pause.inWhichNothingMayHappen(.milliseconds(20))
        #expect(world.service.begun == 2)
        world.service.gate.open()
        for call in blocked { #expect(await call.gather().isEnded) }
    }

    @Test(arguments: ["/v1/plain", "/v1/watch", "/v1/never", "/v1/stream/200000", "/v1/broken"])
    func `nothing of a call is left once it is over`(path: String) async {
        let world = World()
        weak var relay: CallRelay?
        do {
            let call = world.started(path)
            relay = call.relay
            await Poll.until { world.service.begun == 1 }
            call.relay.leave()
        }
        await Poll.until { relay == nil }
        #expect(relay == nil)
        #expect(world.service.watcherCount == 0)
    }

    @Test func `a service whose threads are gone takes no call, and keeps none`() async {
        let world = World()
        weak var relay: CallRelay?
        do {
            let call = world.started("/v1/never")
            relay = call.relay
            await Poll.until { world.service.notes == ["whole"] }
            world.executor.stop()
            #expect(!world.call("/v1/plain").relay.start())
            call.relay.leave()
        }
        await Poll.until { relay == nil }
        #expect(relay == nil)
    }

    @Test func `many calls from many threads are each answered with what is theirs`() async {
        let world = World(threads: 4)
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let call = world.call("/v1/echo", .post, hasBody: true)
                    guard call.relay.start() else { return false }
                    let bytes = [UInt8](repeating: UInt8(index), count: 3000)
                    for start in stride(from: 0, to: 3000, by: 500) { call.send(Array(bytes[start..<start + 500])) }
                    call.relay.requestEnded()
                    return await call.gather().body == bytes
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
