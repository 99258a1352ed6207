import ConfigFormats
import Diagnostics
import HTTPTransfers
import Manifests
import ServiceContracts
import Synchronization

/// A document behind a URL, asked for again and again; what has not changed is not sent again (`If-None-Match`).
final class HTTPBackend: ConfigSourceBackend {
    struct Settings: Sendable {
        var url: String
        var format: ConfigFormat
        var names = DotenvNames()
        var interval: Duration
        var trust = TransferRequest.Trust()
        /// Read anew for each request: name and value; an error in words.
        var fields: @Sendable () -> Result<[(name: String, value: String)], TransferFailure> = { .success([]) }
    }

    private struct State {
        var tag: String?
        var isAway = false
        var failures = 0
        var isStopped = false
        var transfer: Transfer?
    }

    /// Of a document, in bytes: as large as any config's text. Default: 8 MiB.
    private static let byteLimit = 8 << 20
    /// After a failure it is asked for sooner than its interval says. Default: 1 s, doubled up to the interval.
    private static let firstPause = Duration.seconds(1)

    private let settings: Settings
    private let source: SourceLabel
    private let loop: TransferLoop
    private let state = Mutex(State())

    init(_ settings: Settings, _ source: SourceLabel, on loop: TransferLoop) {
        self.settings = settings
        self.source = source
        self.loop = loop
    }

    func start(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void) {
        loop.perform(after: .zero) { [self] in ask(tell) }
    }

    func stop() {
        let transfer = state.withLock { state in
            state.isStopped = true
            return state.transfer
        }
        transfer?.cancel()
    }

    private func ask(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void) {
        let (tag, isStopped) = state.withLock { ($0.isAway ? nil : $0.tag, $0.isStopped) }
        guard !isStopped else { return }
        var request = TransferRequest(settings.url)
        request.trust = settings.trust
        switch settings.fields() {
        case .success(let fields): request.fields = fields
        case .failure(let failure): return took(.failed(failure), tell)
        }
        request.fields.append(("accept", Self.mediaType(settings.format)))
        if let tag { request.fields.append(("if-none-match", tag)) }
        // Of an answer that is no document nothing is kept.
        let receiver = WholeAnswer(limit: Self.byteLimit, status: 200) { [self] outcome in took(outcome, tell) }
        let transfer = loop.start(request, for: receiver)
        state.withLock { $0.transfer = transfer }
    }

    private func took(_ outcome: WholeAnswer.Outcome, _ tell: @escaping @Sendable (ConfigSourceNews) -> Void) {
        var tag: String?
        let news: ConfigSourceNews
        switch outcome {
        case .failed(let failure): news = away(failure.description)
        case .tooLarge: news = away("more than \(Self.byteLimit >> 20) MiB")
        case .answer(let head, let bytes) where head.status == 200:
            tag = head["etag"]
            news = source.document(bytes, settings.format, settings.names, from: settings.url, version: tag)
        case .answer(let head, _): news = head.status == 304 ? .unchanged : away("status \(head.status)")
        }
        let pause = state.withLock { state -> Duration? in
            guard !state.isStopped else { return nil }
            switch news {
            case .unchanged: state.failures = 0
            case .tree: (state.tag, state.isAway, state.failures) = (tag, false, 0)
            case .failure:
                state.isAway = true
                state.failures += 1
            }
            guard state.failures > 0 else { return settings.interval }
            return min(settings.interval, Self.firstPause * (1 << min(state.failures - 1, 16)))
        }
        guard let pause else { return }
        tell(news)
        loop.perform(after: pause) { [self] in ask(tell) }
    }

    private func away(_ reason: String) -> ConfigSourceNews {
        source.away(
            settings.url, reason, expected: "a document",
            remedy: "mend that, or correct the url; it is asked again by itself")
    }

    private static func mediaType(_ format: ConfigFormat) -> String {
        switch format {
        case .json: "application/json"
        case .yaml: "application/yaml"
        case .toml: "application/toml"
        case .dotenv: "text/plain"
        }
    }
}
