import Authorization
import ConfigValues
import HTTPSemantics
import Manifests
import SPIFFE
import ServiceContracts
import Synchronization

/// A config as server-sent events: the whole value first, then what has changed since the last one that this reader got (RFC 6902).
///
/// Readers that are slow are given the newest value when they are ready for one; what came in between they never see. An
/// event's id is the value's entity tag: who comes back with the one that is still so gets nothing until there is a change.
final class ConfigWatch: LocalSession, WatchHub.Watcher {
    private struct State {
        /// What the reader has.
        var last: ReaderDocument?
        /// Said by the reader to be what it has.
        var knownTag: String?
        var lastSentAt = ContinuousClock.now
        var isEnded = false
    }

    /// Between two signs of life on a stream that says nothing else. Default: 15 s.
    private static let pulse = Duration.seconds(15)

    private let call: LocalCall
    private let request: ConfigRequest
    private let board: ConfigBoard
    private let hub: WatchHub
    private let state: Mutex<State>

    private init(_ call: LocalCall, _ request: ConfigRequest, _ board: ConfigBoard, _ hub: WatchHub) {
        self.call = call
        self.request = request
        self.board = board
        self.hub = hub
        state = Mutex(State(knownTag: request.knownTags.first))
    }

    static func begin(
        _ call: LocalCall, _ request: ConfigRequest, _ board: ConfigBoard, _ hub: WatchHub
    ) throws(Problem) -> any LocalSession {
        let judge = call.judge()
        let resource = ResourceIdentity(.config, request.config)
        let verdict = judge.verdict(.get, ResourcePath(below: "/watch"), of: resource)
        guard verdict.isAllowed else {
            call.answer(Problem.forbidden.answer(verdict: verdict), body: Problem.forbidden.body, by: judge)
            return AnsweredSession()
        }
        // Who may watch may know that there is no value yet, whichever of its parts are to be seen.
        if let config = board.config(request.config), config.value == nil { throw .notReady }
        _ = try board.document(request, at: .root, by: judge)
        let watch = ConfigWatch(call, request, board, hub)
        guard hub.add(watch, of: request.config, for: call.request.caller.id.description) else { throw .tooManyWatches }
        call.staysOpen()
        var answer = LocalAnswer(status: 200, verdict: verdict)
        answer.add("content-type", "text/event-stream")
        answer.add("cache-control", "private, no-cache")
        call.begin(answer, by: judge)
        watch.send()
        return watch
    }

    var watchedCall: LocalCall { call }
    var deadline: ContinuousClock.Instant? { state.withLock { $0.lastSentAt + Self.pulse } }

    func woken() { send() }
    func callerTakesMore() { send() }
    func rulesChanged() { send() }
    func nodeStops() { end() }
    func callerGone() { hub.remove(self) }

    private func end() {
        state.withLock { $0.isEnded = true }
        call.end()
        hub.remove(self)
    }

    /// What is new to the reader, if it takes anything now.
    private func send() {
        guard !call.isFull else { return }
        let judge = call.judge()
        let resource = ResourceIdentity(.config, request.config)
        guard judge.allows(.get, ResourcePath(below: "/watch"), of: resource) else { return end() }
        let document: ReaderDocument
        do throws(Problem) { document = try board.document(request, at: .root, by: judge) } catch { return end() }
        let event = state.withLock { state in state.isEnded ? nil : Self.event(document, &state) }
        guard let event else { return }
        switch call.send(event, by: judge) {
        case .taken:
            state.withLock { state in
                (state.last, state.knownTag) = (document, document.tag)
                state.lastSentAt = .now
            }
        case .full: break
        case .over: hub.remove(self)
        }
    }

    private static func event(_ document: ReaderDocument, _ state: inout State) -> [UInt8]? {
        if state.knownTag == document.tag {
            // Who has it already is told of changes from here on.
            state.last = document
            return state.lastSentAt + pulse <= .now ? Array(":\n\n".utf8) : nil
        }
        guard let last = state.last else { return event("value", document.tag, document.bytes) }
        let patch = document.patch(from: last)
        // Where it says more than the value does, the value says it better.
        return patch.count < document.bytes.count
            ? event("patch", document.tag, patch) : event("value", document.tag, document.bytes)
    }

    private static func event(_ name: String, _ tag: String, _ data: [UInt8]) -> [UInt8] {
        Array("id: \(tag)\nevent: \(name)\ndata: ".utf8) + data + Array("\n\n".utf8)
    }
}
