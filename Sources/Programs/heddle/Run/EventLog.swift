import Diagnostics
import EventLoops
import Forwarding
import Logging
import Synchronization
import Telemetry
import TransportSecurity

/// Takes what workers have to tell to the log, and what was lost of the log itself. What strangers can cause is told a few
/// times, and then summed up.
final class EventLog: Sendable {
    private struct Kind: Hashable {
        let level: Logger.Level
        let message: String
        /// `nil`: the message says it.
        var reason: String?
    }

    /// Lines of one stream that are lost, as far as they were told.
    private struct Told {
        var count: UInt64 = 0
        /// Windows since.
        var age = EventLog.windowsBetween
    }

    private struct State {
        var repetitions = RepetitionLimit<Kind>()
        var access = Told()
        var own = Told()
    }

    private let state = Mutex(State())
    private let output: ProcessOutput
    private let log: Logger

    /// After which what was not told is summed up.
    private static let window = Duration.seconds(10)
    /// Lost lines are told once a minute at most.
    private static let windowsBetween = 6

    init(_ output: ProcessOutput, log: Logger) {
        self.output = output
        self.log = log
    }

    var accessLog: LineSink { output.access }

    /// From a worker's thread: waits for nothing.
    func post(_ event: DataPlaneEvent) {
        switch event {
        case .handshakeRefused(let listener, let peer, let failure):
            var metadata: Logger.Metadata = ["listener": "\(listener)", "peer": "\(peer)"]
            if case .unknownServerName(let asked) = failure { metadata["server_name"] = "\(Self.shown(asked))" }
            tell(Kind(level: .info, message: "handshake refused", reason: failure.reason), metadata)
        case .upstreamHandshakeFailed(let endpoint, let reason):
            tell(
                Kind(level: .warning, message: "handshake with another node failed", reason: reason),
                ["endpoint": "\(endpoint)"])
        case .madeRoom(let closed):
            tell(
                Kind(level: .warning, message: "no room for another connection: others without a call were closed"),
                ["closed": "\(closed)"])
        case .acceptingPaused:
            tell(Kind(level: .warning, message: "no room for another connection: callers wait"), [:])
        case .callFoundNoRoom:
            tell(Kind(level: .warning, message: "no room for another connection: a call fails"), [:])
        case .peerExpired(let peer):
            tell(
                Kind(
                    level: .warning,
                    message:
                        "a connection between nodes was cut: the other side's certificate is over, and it showed no other"
                ), ["peer": "\(peer)"])
        }
    }

    private func tell(_ kind: Kind, _ metadata: Logger.Metadata) {
    /// What a stranger asked for, which may be any bytes: in quotes, and nothing that would end them or the line.
    private static func shown(_ name: String?) -> String {
        guard let name else { return "none" }
        return "\"\(name.unicodeScalars.map { $0.escaped(asASCII: true) }.joined())\""
    }

        guard state.withLock({ $0.repetitions.admits(kind) }) else { return }
        write(kind, kind.message, metadata)
    }

    private func write(_ kind: Kind, _ message: String, _ metadata: Logger.Metadata) {
        var metadata = metadata
        if let reason = kind.reason { metadata["reason"] = "\(reason)" }
        log.log(level: kind.level, "\(message)", metadata: metadata)
    }

    /// Until the task is cancelled.
    func run() async {
        while (try? await Task.sleep(for: Self.window)) != nil { endWindow() }
        endWindow()
    }

    private func endWindow() {
        // What is said while nobody reads would be lost, too.
        if output.log.isIdle {
            tellLosses(of: output.access.losses, "access log", \.access)
            tellLosses(of: output.log.losses, "log", \.own)
        }
        for (kind, count) in state.withLock({ $0.repetitions.endWindow() }) {
            write(kind, "\(kind.message): and \(count) more in the last 10 s", [:])
        }
    }

    private func tellLosses(of losses: LineSink.Losses, _ name: String, _ told: WritableKeyPath<State, Told>) {
        let count = state.withLock { state -> UInt64 in
            state[keyPath: told].age += 1
            guard losses.count > state[keyPath: told].count, state[keyPath: told].age >= Self.windowsBetween else {
                return 0
            }
            let count = losses.count - state[keyPath: told].count
            state[keyPath: told] = Told(count: losses.count, age: 0)
            return count
        }
        guard count > 0 else { return }
        let reason = losses.errno == 0 ? "nobody read them" : FailedCall.reason(losses.errno)
        log.warning("lines of the \(name) are lost", metadata: ["lines": "\(count)", "reason": "\(reason)"])
    }
}
