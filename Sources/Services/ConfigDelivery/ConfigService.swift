import Authorization
import ConfigFormats
import ConfigValues
import HTTPSemantics
import Manifests
import SPIFFE
package import ServiceContracts

/// `config.mesh`: what workloads read of their configs, and watch.
package final class ConfigService: LocalService {
    private let board: ConfigBoard
    private let hub: WatchHub

    package init(_ board: ConfigBoard, _ hub: WatchHub) {
        self.board = board
        self.hub = hub
    }

    package func begin(_ call: LocalCall) -> any LocalSession {
        do throws(Problem) {
            let request = try ConfigRequest(call.request)
            switch request.target {
            case .watch: return try ConfigWatch.begin(call, request, board, hub)
            case .values(let path): return try ConfigReading.begin(call, request, path, board, hub)
            }
        } catch {
            call.answer(error.answer(), body: error.body, by: nil)
            return AnsweredSession()
        }
    }
}

/// One document, now or when it is another one than the reader knows.
final class ConfigReading: LocalSession, WatchHub.Watcher {
    private let call: LocalCall
    private let request: ConfigRequest
    private let path: ConfigPath
    private let board: ConfigBoard
    private let hub: WatchHub
    let deadline: ContinuousClock.Instant?

    private init(_ call: LocalCall, _ request: ConfigRequest, _ path: ConfigPath, _ board: ConfigBoard, _ hub: WatchHub)
    {
        self.call = call
        self.request = request
        self.path = path
        self.board = board
        self.hub = hub
        deadline = request.patience.map { .now + $0 }
    }

    static func begin(
        _ call: LocalCall, _ request: ConfigRequest, _ path: ConfigPath, _ board: ConfigBoard, _ hub: WatchHub
    ) throws(Problem) -> any LocalSession {
        let reading = ConfigReading(call, request, path, board, hub)
        guard request.patience != nil, !request.knownTags.isEmpty else {
            reading.answer(waits: false)
            return AnsweredSession()
        }
        // What changes from here on wakes it: nothing between the look and the waiting is missed.
        guard hub.add(reading, of: request.config, for: call.request.caller.id.description) else {
            throw .tooManyWatches
        }
        call.staysOpen()
        reading.answer(waits: true)
        return reading
    }

    var watchedCall: LocalCall { call }

    func woken() { answer(waits: true) }
    func rulesChanged() { answer(waits: true) }
    func nodeStops() { answer(waits: false) }
    func callerGone() { hub.remove(self) }

    private func answer(waits: Bool) {
        let judge = call.judge()
        let verdict = judge.verdict(.get, ReaderView.resourcePath(path), of: ResourceIdentity(.config, request.config))
        do throws(Problem) {
            let document = try board.document(request, at: path, by: judge)
            let isKnown = request.knownTags.contains(document.tag) || request.knownTags.contains("*")
            if isKnown, waits, let deadline, .now < deadline { return }
            var answer = LocalAnswer(status: isKnown ? 304 : 200, verdict: verdict.isAllowed ? verdict : nil)
            answer.add("etag", "\"\(document.tag)\"")
            answer.add("cache-control", "private, no-cache")
            answer.add("vary", "accept")
            if !isKnown { answer.add("content-type", request.format.mediaType) }
            call.answer(answer, body: isKnown ? [] : document.bytes, by: judge)
        } catch {
            call.answer(error.answer(verdict: verdict.isAllowed ? nil : verdict), body: error.body, by: judge)
        }
        hub.remove(self)
    }
}

extension ConfigFormat {
    var mediaType: String {
        switch self {
        case .json: "application/json"
        case .yaml: "application/yaml"
        case .toml: "application/toml"
        case .dotenv: "text/plain; charset=utf-8"
        }
    }
}
