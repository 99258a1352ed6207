import Diagnostics
import Logging
import Reconciliation
import Synchronization

/// Tells people, and the metrics, what became of each change of the folder.
final class ReconciliationReporter: Sendable {
    private let log: Logger
    private let ofNow: @Sendable () -> [Diagnostic]
    private let state = Mutex(State())

    private struct State {
        var reloads = MetricsText.ReloadCounts()
        /// What was printed of the last change that was refused; empty once it is mended.
        var refused: [Diagnostic] = []
        /// Of the set that serves, with what is to be said of the host now.
        var standing = StandingWarnings()
    }

    /// - Parameter ofNow: What the host stands in the way of now, which are errors, and what else of it comes and goes while
    ///   the same set serves.
    init(log: Logger, ofNow: @escaping @Sendable () -> [Diagnostic]) {
        self.log = log
        self.ofNow = ofNow
    }

    private var heldBack: [Diagnostic] { ofNow().filter { $0.severity == .error } }

    /// Whether something is the host's and not the set's: it is told when it is over, too.
    private static func isOfHost(_ diagnostic: Diagnostic) -> Bool {
        diagnostic.severity == .error || ServingParticipant.codesOfNames.contains(diagnostic.code)
    }

    var counts: MetricsText.ReloadCounts { state.withLock { $0.reloads } }

    func report(_ event: ReconcilerEvent) {
        switch event {
        case .served(let served):
            let ofNow = ofNow()
            let (change, isMended) = state.withLock { state in
                state.reloads.served += 1
                let isMended = served.source == .folder && !state.refused.isEmpty
                if isMended { state.refused = [] }
                let warnings = served.warnings.filter { !Self.isOfHost($0) } + ofNow
                return (state.standing.replace(with: warnings), isMended)
            }
            tell(change)
            logServing(served, isMended: isMended)
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
            if let refused = status.refused {
                log.tell(refused.diagnostics)
                logRefused(refused, "refused as before")
            } else if let pending = status.pending {
                report(.pending(pending))
            } else if let serving = status.serving {
                reportHost(isTold: true)
                let standing = state.withLock { $0.standing.diagnostics }
                log.tell(standing)
                let missing = standing.filter { $0.severity == .error }
                log.log(
                    level: missing.isEmpty ? .info : .error,
                    "read again: nothing has changed\(missing.isEmpty ? "" : ", and as much is held back")",
                    metadata: ["generation": "\(serving.generation.number)", "heldBack": "\(missing.count)"])
            }
        case .pending(let pending):
            switch pending.reason {
            case .empty:
                log.warning(
                    "the folder has no resources any more: confirm with heddle apply --prune; the last set goes on")
            case .halfLost:
                log.warning(
                    "the folder lost much at once: waiting for a second reading",
                    metadata: ["was": "\(pending.servedResourceCount)", "is": "\(pending.resourceCount)"])
            }
        case .watching(.inotify): log.info("the kernel announces changes of the folder")
        case .watching(.polling(let interval, let reason)):
            log.warning("polling the folder every \(interval): \(reason.explanation)")
        case .stateProblem(let diagnostic): log.tell([diagnostic])
        case .stateMended: log.info("the last good set is kept again")
        }
    }

    /// The one line that says what a change came to, and so not less than it is: whoever reads nothing else has to see that a
    /// part is missing.
    private func logServing(_ served: ServedGeneration, isMended: Bool) {
        let missing = heldBack.count
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

    /// The host may give by now what it did not, or no more what it did.
    /// - Parameter isTold: Somebody else has told of it already.
    func reportHost(isTold: Bool = false) {
        let ofNow = ofNow()
        let change = state.withLock { $0.standing.replace(Self.isOfHost, with: ofNow) }
        if !isTold { tell(change) }
    }

    /// Time has passed, in which certificates may have come near their end or have been replaced.
    /// - Parameter warnings: What there is to say of them now.
    func reportCertificates(_ warnings: [Diagnostic]) {
        tell(state.withLock { $0.standing.replace({ $0.code == .certificateTime }, with: warnings) })
    }

    private func tell(_ change: StandingWarnings.Change) {
        log.tell(change.new)
        for problem in change.over where Self.isOfHost(problem) {
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
