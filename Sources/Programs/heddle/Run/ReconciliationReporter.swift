import Diagnostics
import Logging
import NodeServing
import Reconciliation
import Synchronization

/// Tells people, and the metrics, what became of each change of the folder.
final class ReconciliationReporter: Sendable {
    private let host: @Sendable () -> [Diagnostic]
    private let log: Logger
    private let state = Mutex(State())

    private struct State {
        var reloads = MetricsText.ReloadCounts()
        /// What was printed of the last change that was refused; empty once it is mended.
        var refused: [Diagnostic] = []
        /// Of the set that serves, with what is to be said of the host now.
        var standing = StandingWarnings()
    }

    /// - Parameter host: What is to be said of the host now; what it stands in the way of are errors.
    init(host: @escaping @Sendable () -> [Diagnostic], log: Logger) {
        self.host = host
        self.log = log
    }

    var counts: MetricsText.ReloadCounts { state.withLock { $0.reloads } }

    func report(_ event: ReconcilerEvent) {
        switch event {
        case .served(let served):
            let host = host()
            let (change, isMended) = state.withLock { state in
                state.reloads.served += 1
                let isMended = served.source == .folder && !state.refused.isEmpty
                if isMended { state.refused = [] }
                let warnings = served.warnings.filter { !HostState.isOfHost($0) } + host
                return (state.standing.replace(with: warnings), isMended)
            }
            tell(change)
            logServing(served, heldBack: host.count { $0.severity == .error }, isMended: isMended)
        case .refused(let attempt):
            let (isServing, new) = state.withLock { state in
                state.reloads.refused += 1
                state.refused = attempt.diagnostics
                return (state.reloads.served > 0, state.standing.withoutThose(in: attempt.diagnostics))
            }
            log.tell(new)
            logRefused(attempt, isServing ? "the change is refused" : nil)
        case .mended(let serving):
            state.withLock { $0.refused = [] }
            log.info(
                "the mistakes are mended: the folder holds what serves",
                metadata: ["generation": "\(serving.generation.number)"])
        case .readAgain(let status):
            let standing = tellStanding()
            if let refused = status.refused {
                log.tell(refused.diagnostics)
                logRefused(refused, "refused as before")
            } else if let pending = status.pending {
                report(.pending(pending))
            } else if let serving = status.serving {
                let missing = standing.count { $0.severity == .error }
                log.log(
                    level: missing == 0 ? .info : .error,
                    "read again: nothing has changed\(missing == 0 ? "" : ", and as much is held back")",
                    metadata: ["generation": "\(serving.generation.number)", "heldBack": "\(missing)"])
            }
        case .pending(let pending):
            switch pending.reason {
            case .empty:
                log.warning(
                    "the manifests have no resources any more: confirm with heddle apply --prune; the last set goes on")
            case .halfLost:
                log.warning(
                    "the manifests lost much at once: waiting for a second reading",
                    metadata: ["was": "\(pending.servedResourceCount)", "is": "\(pending.resourceCount)"])
            }
        case .watching(.inotify): log.info("the kernel announces changes of the folder")
        case .watching(.etcd): log.info("etcd announces changes of the manifests")
        case .watching(.polling(let interval, let reason)):
            log.warning("polling the folder every \(interval): \(reason.explanation)")
        case .interruption(let diagnostics):
            for diagnostic in diagnostics where !HostState.isOfHost(diagnostic) { log.tell(diagnostic) }
            if diagnostics.contains(where: HostState.isOfHost) { reportHost() }
        case .stateProblem, .stateMended: reportHost()
        }
    }

    /// The one line that says what a change came to, and so not less than it is: whoever reads nothing else has to see that a
    /// part is missing.
    private func logServing(_ served: ServedGeneration, heldBack missing: Int, isMended: Bool) {
        log.log(
            level: missing == 0 ? .info : .error,
            "\(isMended ? "the mistakes are mended; " : "")serving\(missing == 0 ? "" : ", but for what is held back")",
            metadata: [
                "generation": "\(served.generation.number)", "resources": "\(served.resourceCount)",
                "took": "\(served.duration)", "from": served.source == .folder ? "folder" : "last good set",
                "warnings": "\(served.warnings.count { $0.severity == .warning })", "heldBack": "\(missing)",
            ])
    }

    /// - Parameter what: `nil`: nothing serves.
    private func logRefused(_ attempt: RefusedAttempt, _ what: String?) {
        log.error(
            "\(what.map { "\($0); what was served before goes on" } ?? "nothing can be served yet")",
            metadata: ["errors": "\(attempt.diagnostics.count { $0.severity == .error })"])
    }

    /// The host may give by now what it did not, or no more what it did; and time has passed, in which certificates may have
    /// come near their end.
    func reportHost() {
        let host = host()
        tell(state.withLock { $0.standing.replace(HostState.isOfHost, with: host) })
    }

    /// All that stands now, whether it has been told or not.
    private func tellStanding() -> [Diagnostic] {
        let host = host()
        let (change, standing) = state.withLock { state in
            (state.standing.replace(HostState.isOfHost, with: host), state.standing.diagnostics)
        }
        tellOver(change)
        log.tell(standing)
        return standing
    }

    private func tell(_ change: StandingWarnings.Change) {
        log.tell(change.new)
        tellOver(change)
    }

    /// What was told of the host is told to be over. Of certificates' time only once all is well: what is said of one is another
    /// sentence as soon as it has ended.
    private func tellOver(_ change: StandingWarnings.Change) {
        for problem in change.over where HostState.isOfHost(problem) && problem.code != .certificateTime {
            log.info("no longer so", metadata: ["problem": "\(problem)"])
        }
        let areCertificatesMended =
            change.over.contains { $0.code == .certificateTime }
            && !state.withLock { $0.standing.diagnostics.contains { $0.code == .certificateTime } }
        if areCertificatesMended { log.info("every certificate is valid for long enough again") }
    }

    /// Why nothing is served, unless it has been printed already.
    func reportNotServing(_ diagnostics: [Diagnostic]) {
        if state.withLock({ $0.refused != diagnostics }) { log.tell(diagnostics) }
    }
}
