package import Diagnostics
import Synchronization

/// Who serves a set without what the host stands in the way of.
package protocol HostDependent: Sendable {
    /// What is held back, and why; empty: nothing.
    var heldBack: [Diagnostic] { get }
    /// Tries it again. Not while a change is prepared or committed.
    func retry() async
}

/// Has what is held back tried again, after each change anew. Last among the participants, so that the others have
/// committed.
package final class HeldBackRetries<Snapshot: Sendable>: SnapshotParticipant {
    /// Does something while no change is prepared or committed.
    package typealias BetweenChanges = @Sendable (@escaping @Sendable () async -> Void) async -> Void

    private struct State {
        var task: Task<Void, Never>?
        var isStopped = false
        var betweenChanges: BetweenChanges?
    }

    private let dependents: [any HostDependent]
    private let sleep: @Sendable (Duration) async throws -> Void
    private let state = Mutex(State())

    package init(
        _ dependents: [any HostDependent],
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.dependents = dependents
        self.sleep = sleep
    }

    /// The reconciler's `betweenChanges`, before its first change: it has this as a participant, and so is made later.
    package func attach(_ betweenChanges: @escaping BetweenChanges) {
        state.withLock { $0.betweenChanges = betweenChanges }
    }

    /// What is held back now.
    package var heldBack: [Diagnostic] { dependents.flatMap(\.heldBack) }

    package func prepare(
        _ snapshot: Snapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange { Change(retries: self) }

    /// It makes nothing.
    package func rehearse(_ snapshot: Snapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] { [] }

    private struct Change: PreparedChange {
        let retries: HeldBackRetries

        func commit() async { retries.start() }
        func abandon() async {}
    }

    private func start() {
        state.withLock { state in
            state.task?.cancel()
            state.task = nil
            guard !state.isStopped, let betweenChanges = state.betweenChanges, !heldBack.isEmpty else { return }
            state.task = Task { await self.run(betweenChanges) }
        }
    }

    private func run(_ betweenChanges: BetweenChanges) async {
        var times = RetryTimes()
        while !heldBack.isEmpty {
            guard (try? await sleep(times.next())) != nil else { return }
            await betweenChanges {
                guard !Task.isCancelled else { return }
                for dependent in self.dependents where !dependent.heldBack.isEmpty { await dependent.retry() }
            }
        }
    }

    /// Tries nothing any more, and waits for what is being tried.
    package func stop() async {
        let task = state.withLock { state in
            state.isStopped = true
            return state.task
        }
        task?.cancel()
        await task?.value
    }
}
