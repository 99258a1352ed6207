import Diagnostics
import Logging
import Reconciliation
import Synchronization
import SystemInterfaces

/// What the service manager is told of the mesh, if one has started it: that it serves, reads again, ends, and lives. Nothing waits
/// until it is told but the end of the process.
final class ServiceNotices: Sendable {
    private let messenger: ServiceMessenger?
    private let signInterval: Duration?
    private let state = Mutex(State())

    private struct State {
        var isReady = false
        /// Somebody has asked for a reading, and nothing has come of it yet.
        var isReloading = false
    }

    /// From the end of the drain to that of the process, at most.
    private static let lastSteps = Duration.seconds(15)

    init(_ manager: ServiceManager?, log: Logger) {
        signInterval = manager?.signInterval
        messenger = manager.map { manager in
            ServiceMessenger(manager) { error in
                guard let error else { return log.info("the service manager is told again how the mesh fares") }
                log.warning("the service manager cannot be told how the mesh fares", metadata: ["why": "\(error)"])
            }
        }
    }

    /// Waits until all is told, for a second at most.
    func flush() async { await messenger?.flush() }

    /// A set serves.
    func ready() {
        state.withLock { state in
            state.isReady = true
            messenger?.tell(.ready)
        }
    }

    /// The folder is read again, as somebody asked for it.
    func reloading() {
        // Told under the lock: what comes of it is told after it.
        state.withLock { state in
            guard state.isReady else { return }
            state.isReloading = true
            messenger?.tell(.reloading(at: ServiceManager.monotonicTime))
        }
    }

    /// Nothing new is taken any more, and what is in flight is answered within a time.
    func stopping(drain: Duration) { messenger?.tell(.stopping(within: drain + Self.lastSteps)) }

    /// Whatever comes of a reading is what it was asked for.
    /// - Parameter heldBack: What the host stands in the way of now.
    func report(_ event: ReconcilerEvent, heldBack: Int) {
        guard let messenger, let status = Self.status(of: event, heldBack: heldBack) else { return }
        state.withLock { state in
            if state.isReloading { messenger.tell(.status(status), .ready) } else { messenger.tell(.status(status)) }
            state.isReloading = false
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

    /// Gives signs of life twice as often as they are asked for, within reason, until the task is cancelled.
    /// - Parameter living: Comes back only if all that must go on does.
    func giveSigns(ofLife living: @Sendable () async -> Void) async {
        guard let messenger, let signInterval else { return }
        while (try? await Task.sleep(for: signInterval)) != nil {
            await living()
            messenger.tell(.alive)
        }
    }
}
