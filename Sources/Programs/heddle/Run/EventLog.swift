import Authorization
import Diagnostics
import EventLoops
import Forwarding
import Logging
import Manifests
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
        /// Each has lines of its own where strangers at one must not hide those at another.
        var listener: String?
        /// The same of a policy, and of what it would make of calls.
        var policy: PolicyMatch?
    }

    private struct State {
        var repetitions = RepetitionLimit<Kind>()
        var access = LossTelling()
        var own = LossTelling()
    }

    private let state = Mutex(State())
    private let output: ProcessOutput
    private let log: Logger

    /// After which what was not told is summed up.
    private static let window = Duration.seconds(10)

    init(_ output: ProcessOutput, log: Logger) {
        self.output = output
        self.log = log
    }

    /// - Parameter warning: What of it is not as it could be.
    func started(_ workload: ResourceName, pid: Int32, user: UInt32, warning: String?) {
        var metadata: Logger.Metadata = ["workload": "\(workload)", "pid": "\(pid)", "user": "\(user)"]
        metadata["warning"] = warning.map { "\($0)" }
        tell(
            Kind(level: warning == nil ? .info : .warning, message: "a program is a workload now"), metadata)
    }

    /// - Parameter why: All of it, though the caller may know less.
    func notStarted(_ workload: ResourceName, pid: Int32, user: UInt32, why: String) {
        // By reason, so that one typed wrong again and again keeps nobody from hearing of the others.
        tell(
            Kind(level: .warning, message: "a program was not started as a workload", reason: why),
            ["workload": "\(Self.shown("\(workload)"))", "pid": "\(pid)", "user": "\(user)"])
    }

    /// From a worker's thread: waits for nothing.
    func post(_ event: DataPlaneEvent) {
        switch event {
        case .handshakeRefused(let listener, let peer, let failure):
            var metadata: Logger.Metadata = ["listener": "\(listener)", "peer": "\(peer)"]
            if case .unknownServerName(let asked) = failure { metadata["server_name"] = "\(Self.shown(asked))" }
            tell(Kind(level: .info, message: "handshake refused", reason: failure.reason), metadata)
        case .upstreamHandshakeFailed(let endpoint, let service, let reason):
            tell(
                Kind(level: .warning, message: "handshake with another node failed", reason: reason),
                ["endpoint": "\(endpoint)", "service": "\(service)"])
        case .upstreamConnectionRefused(let endpoint, let service, let reason):
            tell(
                Kind(level: .warning, message: "another node ended a connection that was in use", reason: reason),
                ["endpoint": "\(endpoint)", "service": "\(service)"])
        case .madeRoom(let closed, let listener):
            var metadata: Logger.Metadata = ["closed": "\(closed)"]
            if let listener { metadata["listener"] = "\(listener)" }
            tell(
                Kind(level: .warning, message: "no room for another connection: others without a call were closed"),
                metadata)
        case .acceptingPaused(let listener):
            tell(
                Kind(level: .warning, message: "no room for another connection: callers wait"),
                ["listener": "\(listener)"])
        case .callFoundNoRoom(let listener, let endpoint):
            tell(
                Kind(level: .warning, message: "no room for another connection: a call fails"),
                ["listener": "\(listener)", "endpoint": "\(endpoint)"])
        case .notAttested(let listener, let peer, let found, let why):
            tell(
                Kind(
                    level: .warning, message: "a process was refused: it is no workload whose calls are taken there",
                    listener: listener),
                [
                    "peer": "\(peer)", "found": "\(Self.shown(found))", "why": "\(Self.shown(why))",
                ])
        case .peerExpired(let peer):
            tell(
                Kind(
                    level: .warning,
                    message:
                        "a connection between nodes was cut: the other side's certificate is over, and it showed no other"
                ), ["peer": "\(peer)"])
        case .policyMatched(let match, let call): tell(Self.kind(match), Self.metadata(call))
        case .policyMatches(let match, let untold):
            state.withLock { $0.repetitions.leaveOut(Self.kind(match), Int(clamping: untold)) }
        }
    }

    private static func kind(_ match: PolicyMatch) -> Kind {
        Kind(
            level: .info,
            message: match.verdict.isChange
                ? "a policy in Shadow would change what becomes of a call" : "an AUDIT policy matches a call",
            policy: match)
    }

    /// Whatever a caller chose comes escaped.
    private static func metadata(_ call: ObservedCall) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["service": "\(call.service)", "caller": "\(call.caller ?? "none")"]
        for (name, text) in [
            ("method", call.method), ("host", call.host), ("path", call.path), ("request_id", call.requestID),
        ] where !text.isEmpty {
            metadata[name] = "\"\(text)\""
        }
        return metadata
    }

    /// What a stranger asked for, which may be any bytes: in quotes, and nothing that would end them or the line.
    private static func shown(_ name: String?) -> String {
        guard let name else { return "none" }
        return "\"\(name.unicodeScalars.map { $0.escaped(asASCII: true) }.joined())\""
    }

    private func tell(_ kind: Kind, _ metadata: Logger.Metadata) {
        guard state.withLock({ $0.repetitions.admits(kind) }) else { return }
        write(kind, kind.message, metadata)
    }

    private func write(_ kind: Kind, _ message: String, _ metadata: Logger.Metadata) {
        var metadata = metadata
        if let reason = kind.reason { metadata["reason"] = "\(reason)" }
        if let listener = kind.listener { metadata["listener"] = "\(listener)" }
        if let match = kind.policy {
            metadata["policy"] = "\(match.policy)"
            metadata["action"] = "\"\(match.effect)\""
            metadata["verdict"] = "\(match.verdict.name)"
            if !match.hasIdentity { metadata["caller"] = "none" }
        }
        log.log(level: kind.level, "\(message)", metadata: metadata)
    }

    /// Until the task is cancelled.
    func run() async {
        while (try? await Task.sleep(for: Self.window)) != nil { endWindow() }
        endWindow(isLast: true)
    }

    private func endWindow(isLast: Bool = false) {
        // What is said while nobody reads would be lost, too.
        if output.log.isIdle {
            tellLosses(of: output.access, "access log", \.access, isLast)
            tellLosses(of: output.log, "log", \.own, isLast)
        }
        for (kind, count) in state.withLock({ $0.repetitions.endWindow() }) {
            write(kind, "\(kind.message): and \(count) more in the last 10 s", [:])
        }
    }

    private func tellLosses(
        of sink: LineSink, _ name: String, _ telling: WritableKeyPath<State, LossTelling>, _ isLast: Bool
    ) {
        let stall = sink.stall
        let word = state.withLock {
            $0[keyPath: telling].windowEnds(
                lost: stall?.count ?? 0, isOver: stall?.isOver ?? false, isLast: isLast)
        }
        switch word {
        case .nothing: return
        case .goesOn:
            guard let stall else { return }
            log.warning("lines of the \(name) are lost", metadata: Self.metadata(stall, "since"))
        case .over:
            guard let stall = sink.takeStall() else { return }
            var metadata = Self.metadata(stall, "from")
            metadata["to"] = "\(stall.to)"
            log.warning("lines of the \(name) were lost", metadata: metadata)
        }
    }

    private static func metadata(_ stall: LineSink.Stall, _ beginning: String) -> Logger.Metadata {
        let reason = stall.errno == 0 ? "nobody read them" : FailedCall.reason(stall.errno)
        return ["lines": "\(stall.count)", beginning: "\(stall.from)", "reason": "\(reason)"]
    }
}
