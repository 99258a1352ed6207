import Authorization
import CallOutcomes
import HTTPSemantics
package import Manifests
package import ServiceContracts
import Synchronization
package import TestSupport

/// A service that does what its caller's path asks for, and notes what it is told.
package final class EchoService: LocalService {
    package static let config = ResourceKind("Config")

    private struct State {
        var notes: [String] = []
        var watchers: [ObjectIdentifier: WatchSession] = [:]
        var begun = 0
    }

    private let state = Mutex(State())
    /// Those at `/v1/blocked` wait here, and hold a thread of the service meanwhile.
    package let gate = Gate()

    package init() {}

    /// What it was told, in order.
    package var notes: [String] { state.withLock { $0.notes } }
    package var begun: Int { state.withLock { $0.begun } }
    package var watcherCount: Int { state.withLock { $0.watchers.count } }

    func note(_ text: String) { state.withLock { $0.notes.append(text) } }
    fileprivate func add(_ watch: WatchSession) { state.withLock { $0.watchers[ObjectIdentifier(watch)] = watch } }
    fileprivate func remove(_ watch: WatchSession) {
        _ = state.withLock { $0.watchers.removeValue(forKey: ObjectIdentifier(watch)) }
    }

    /// Every watch has something new.
    package func push() { for watch in state.withLock({ Array($0.watchers.values) }) { watch.call.wake() } }

    package func begin(_ call: LocalCall) -> any LocalSession {
        state.withLock { $0.begun += 1 }
        let segments = call.request.pathSegments() ?? []
        switch segments.dropFirst().first {
        case "plain":
            call.answer(Self.text(200), body: Array("hello \(caller(call))".utf8), by: nil)
        case "size":
            call.answer(Self.text(200), body: Self.bytes(Int(segments[2]) ?? 0), by: nil)
        case "early": call.answer(Self.text(413), body: Array("too much".utf8), by: nil)
        case "nothing": call.answer(LocalAnswer(status: 204), by: nil)
        case "fails": call.fail(.upstreamFailed)
        case "malformed":
            var answer = LocalAnswer(status: 200)
            answer.add("location", "/a\r\nx-evil: 1")
            call.answer(answer, by: nil)
        case "forgotten": break
        case "never": return NeverSession(call: call, service: self)
        case "blocked":
            gate.pass()
            call.answer(Self.text(200), body: Array("passed".utf8), by: nil)
        case "broken":
            call.begin(Self.text(200), by: nil)
            _ = call.send(Array("begin".utf8), by: nil)
            call.fail(.upstreamFailed)
        case "stream": return StreamSession(call, Int(segments[2]) ?? 0, self)
        case "echo": return EchoSession(call, self)
        case "watch", "wait":
            let watch = WatchSession(call, self, isWatch: segments[1] == "watch", below: Array(segments.dropFirst(2)))
            add(watch)
            watch.start()
            return watch
        case "values": answerValues(call, Array(segments.dropFirst(2)))
        // By what is judged before something happens.
        case "late": answerValues(call, Array(segments.dropFirst(2))) { gate.pass() }
        default: call.answer(LocalAnswer(status: 404, reason: .noRoute), by: nil)
        }
        return AnsweredSession()
    }

    private func caller(_ call: LocalCall) -> String {
        call.request.caller.serviceAccountName.map { "\($0.namespace)/\($0.name)" } ?? ""
    }

    private func answerValues(_ call: LocalCall, _ keys: [String], meanwhile: () -> Void = {}) {
        let judge = call.judge()
        let verdict = judge.verdict(.get, Self.path(keys), of: Self.app)
        meanwhile()
        guard verdict.isAllowed else {
            call.answer(LocalAnswer(status: 403, reason: .denied, verdict: verdict), by: judge)
            return
        }
        var answer = LocalAnswer(status: 200, verdict: verdict)
        answer.add("cache-control", "private")
        call.answer(answer, body: Array(keys.joined(separator: "|").utf8), by: judge)
    }

    static func path(_ keys: [String]) -> ResourcePath {
        var path = ResourcePath(below: "/values")
        for key in keys { path.append(key) }
        return path
    }

    /// `shop/app`.
    package static let app = ResourceIdentity(config, ResourceName(namespace: "shop", name: "app"))

    static func text(_ status: UInt16) -> LocalAnswer {
        var answer = LocalAnswer(status: status)
        answer.add("content-type", "text/plain")
        return answer
    }

    /// What tells one place of it from another.
    package static func bytes(_ count: Int) -> [UInt8] {
        let block = (0..<min(count, 65_536)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += block.prefix(count - bytes.count) }
        return bytes
    }
}

/// Answers nothing.
private final class NeverSession: LocalSession {
    private let call: LocalCall
    private let service: EchoService

    init(call: LocalCall, service: EchoService) {
        self.call = call
        self.service = service
    }

    func requestEnded() { service.note("whole") }
    func rulesChanged() { service.note("rules") }
    func nodeStops() { service.note("stops") }
    func callerGone() { service.note("gone") }
}

/// Sends many bytes, as the caller takes them.
private final class StreamSession: LocalSession {
    private let call: LocalCall
    private let service: EchoService
    private let bytes: [UInt8]
    private let sent = Mutex(0)

    init(_ call: LocalCall, _ count: Int, _ service: EchoService) {
        self.call = call
        self.service = service
        bytes = EchoService.bytes(count)
        call.begin(EchoService.text(200), by: nil)
        callerTakesMore()
    }

    func callerTakesMore() {
        let isWhole = sent.withLock { sent in
            while sent < bytes.count {
                let end = min(sent + 10_000, bytes.count)
                guard case .taken = call.send(Array(bytes[sent..<end]), by: nil) else { return false }
                sent = end
            }
            return true
        }
        if isWhole { call.end() }
    }

    func rulesChanged() {}
    func nodeStops() {}
    func callerGone() { service.note("gone") }
}

/// Sends back what comes, and takes no more than its caller does.
private final class EchoSession: LocalSession {
    private let call: LocalCall
    private let service: EchoService
    private let state = Mutex((left: [UInt8](), isWhole: false))

    init(_ call: LocalCall, _ service: EchoService) {
        self.call = call
        self.service = service
        call.begin(EchoService.text(200), by: nil)
    }

    func received(_ bytes: [UInt8]) {
        state.withLock { $0.left += bytes }
        callerTakesMore()
    }

    func requestEnded() {
        state.withLock { $0.isWhole = true }
        callerTakesMore()
    }

    func callerTakesMore() {
        let left = state.withLock { state in
            if !state.left.isEmpty, case .taken = call.send(state.left, by: nil) { state.left = [] }
            return (isEmpty: state.left.isEmpty, isWhole: state.isWhole)
        }
        if left.isEmpty { call.resumeBody() } else { call.holdBody() }
        if left.isEmpty, left.isWhole { call.end() }
    }

    func rulesChanged() {}
    func nodeStops() {}
    func callerGone() { service.note("gone") }
}

/// Waits for a push, and says one thing each time, or once; only what its caller may have.
private final class WatchSession: LocalSession {
    let call: LocalCall
    private let service: EchoService
    private let isWatch: Bool
    private let keys: [String]
    private let pushes = Mutex(0)

    init(_ call: LocalCall, _ service: EchoService, isWatch: Bool, below keys: [String]) {
        self.call = call
        self.service = service
        self.isWatch = isWatch
        self.keys = keys
    }

    func start() {
        call.staysOpen()
        let judge = call.judge()
        guard isAllowed(judge) else { return refuse(judge) }
        if isWatch {
            call.begin(EchoService.text(200), by: judge)
            _ = call.send(Array("first;".utf8), by: judge)
        }
    }

    private func isAllowed(_ judge: Judge) -> Bool {
        keys.isEmpty || judge.allows(.get, EchoService.path(keys), of: EchoService.app)
    }

    private func refuse(_ judge: Judge) {
        service.remove(self)
        call.answer(LocalAnswer(status: 403, reason: .denied), by: judge)
    }

    func woken() {
        let judge = call.judge()
        guard isAllowed(judge) else { return rulesChanged() }
        guard isWatch else {
            service.remove(self)
            call.answer(EchoService.text(200), body: Array("pushed".utf8), by: judge)
            return
        }
        let number = pushes.withLock { pushes in
            pushes += 1
            return pushes
        }
        _ = call.send(Array("\(number);".utf8), by: judge)
    }

    func rulesChanged() {
        service.note("rules")
        let judge = call.judge()
        guard !isAllowed(judge) else { return }
        guard isWatch else { return refuse(judge) }
        service.remove(self)
        call.end()
    }

    func nodeStops() {
        service.note("stops")
        service.remove(self)
        if isWatch { call.end() } else { call.answer(LocalAnswer(status: 503), by: nil) }
    }

    func callerGone() {
        service.note("gone")
        service.remove(self)
    }
}
