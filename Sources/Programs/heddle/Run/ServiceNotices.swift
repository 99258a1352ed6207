import Diagnostics
import Logging
import Reconciliation
import Synchronization
import SystemInterfaces

/// What the service manager is told of the mesh, if one has started it: that it serves, reads again, ends, and lives.
final class ServiceNotices: Sendable {
    private let manager: ServiceManager?
    private let log: Logger
    private let state = Mutex(State())

    private struct State {
        var isReady = false
        /// Somebody has asked for a reading, and nothing has come of it yet.
        var isReloading = false
    }

    /// From the end of the drain to that of the process, at most.
    private static let lastSteps = Duration.seconds(15)

    init(_ manager: ServiceManager?, log: Logger) {
        self.manager = manager
        self.log = log
    }

    /// A set serves.
    func ready() {
        state.withLock { $0.isReady = true }
        tell { manager throws(SystemCallError) in try manager.tell(.ready) }
    }

    /// The folder is read again, as somebody asked for it.
    func reloading() {
        let isTold = state.withLock { state in
            guard state.isReady else { return false }
            state.isReloading = true
            return true
        }
        guard isTold else { return }
        tell { manager throws(SystemCallError) in try manager.tell(.reloading(at: ServiceManager.monotonicTime)) }
    }

    /// Nothing new is taken any more, and what is in flight is answered within a time.
    func stopping(drain: Duration) {
        tell { manager throws(SystemCallError) in try manager.tell(.stopping(within: drain + Self.lastSteps)) }
    }

    /// Whatever comes of a reading is what it was asked for.
    /// - Parameter heldBack: What the host stands in the way of now.
    func report(_ event: ReconcilerEvent, heldBack: Int) {
        guard manager != nil, let status = Self.status(of: event, heldBack: heldBack) else { return }
        let isOver = state.withLock { state in
            defer { state.isReloading = false }
            return state.isReloading
        }
        tell { manager throws(SystemCallError) in
            if isOver { try manager.tell(.status(status), .ready) } else { try manager.tell(.status(status)) }
        }
    }

    /// - Returns: `nil`: it says nothing of the set.
    private static func status(of event: ReconcilerEvent, heldBack: Int) -> String? {
        func serving(_ served: ServedGeneration) -> String {
            "serving generation \(served.generation.number), \(served.resourceCount) resources"
                + (heldBack == 0 ? "" : ", but for what is held back (\(heldBack)): see heddle status")
        }
        func refused(_ attempt: RefusedAttempt) -> String {
            "what lies in the folder is refused (\(attempt.diagnostics.count { $0.severity == .error }) errors), "
                + "and what was served before goes on: see heddle status"
        }
        let pending = "what lies in the folder waits to be confirmed: see heddle status"
        return switch event {
        case .served(let served), .mended(let served): serving(served)
        case .refused(let attempt): refused(attempt)
        case .pending: pending
        case .readAgain(let status):
            status.refused.map(refused) ?? (status.pending == nil ? status.serving.map(serving) : pending)
        case .watching, .interruption, .stateProblem, .stateMended: nil
        }
    }

    /// Gives signs of life twice as often as they are asked for, until the task is cancelled.
    /// - Parameter living: Comes back only if all that must go on does.
    func giveSigns(ofLife living: @Sendable () async -> Void) async {
        guard let manager, let watchdog = manager.watchdog else { return }
        while (try? await Task.sleep(for: watchdog / 2)) != nil {
            await living()
            tell { manager throws(SystemCallError) in try manager.tell(.alive) }
        }
    }

    private func tell(_ speak: (ServiceManager) throws(SystemCallError) -> Void) {
        guard let manager else { return }
        do throws(SystemCallError) { try speak(manager) } catch {
            log.warning("the service manager could not be told how the mesh fares", metadata: ["why": "\(error)"])
        }
    }
}
