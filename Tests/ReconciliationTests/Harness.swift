import Diagnostics
import Synchronization
import TestSupport
import Testing

@testable import Reconciliation

typealias Values = [String: String]

/// A reconciler over a folder, and someone who notes every snapshot it commits and every attempt it refuses.
final class Harness: Sendable {
    let folder: TestFolder
    let reconciler: Reconciler<FakeManifests>
    let keeper: LastGoodKeeper
    let recorder = Recorder()
    private let events: AsyncStream<ReconcilerEvent>
    private let noted = Mutex<[ReconcilerEvent]>([])

    init(
        _ folder: TestFolder = TestFolder(), manifests: FakeManifests = FakeManifests(),
        edit: (inout Reconciler<FakeManifests>.Settings) -> Void = { _ in }
    ) throws {
        self.folder = folder
        var settings = Reconciler<FakeManifests>.Settings(folder: folder.path, stateFolder: folder.heldState)
        // Wider than in use, so that a busy machine that runs a shell's commands slowly changes nothing.
        settings.watcher.times.quiet = .milliseconds(20)
        settings.watcher.times.quietAfterRename = .milliseconds(20)
        settings.watcher.times.vanishing = .milliseconds(300)
        settings.watcher.times.wait = .seconds(2)
        settings.watcher.times.confirmation = .milliseconds(200)
        edit(&settings)
        let (stream, continuation) = AsyncStream.makeStream(of: ReconcilerEvent.self)
        events = stream
        settings.onEvent = { continuation.yield($0) }
        keeper = settings.keeper
        reconciler = try Reconciler(settings, manifests: manifests, participants: [recorder])
    }

    /// Starts, runs the body beside `run`, and stops.
    func serve(_ body: (Harness) async throws -> Void) async throws {
        let outcome = await reconciler.start()
        if case .refused(let diagnostics) = outcome { Issue.record("\(diagnostics)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [reconciler] in await reconciler.run() }
            do { try await body(self) } catch {
                await reconciler.stop()
                throw error
            }
            await reconciler.stop()
        }
    }

    /// The next event, of whatever kind.
    func nextEvent() async -> ReconcilerEvent? {
        for await event in events { return event }
        return nil
    }

    /// The next event that is no refusal with this code alone. While somebody clears away what is refused, it may be refused
    /// once more, with less of it.
    func nextEvent(butRefusalsOf code: Diagnostic.Code?) async -> ReconcilerEvent? {
        while let event = await nextEvent() {
            guard let code, case .refused(let attempt) = event, attempt.diagnostics.map(\.code) == [code] else {
                return event
            }
        }
        return nil
    }

    /// What serves next. Anything else that happens before fails the test.
    func nextServed(
        butRefusalsOf code: Diagnostic.Code? = nil, _ location: SourceLocation = #_sourceLocation
    ) async -> Values {
        let event = await nextEvent(butRefusalsOf: code)
        guard case .served = event else {
            Issue.record("\(String(describing: event))", sourceLocation: location)
            return [:]
        }
        return recorder.takeFirst()
    }

    func nextRefused(_ location: SourceLocation = #_sourceLocation) async -> [Diagnostic] {
        let event = await nextEvent()
        guard case .refused(let attempt) = event else {
            Issue.record("\(String(describing: event))", sourceLocation: location)
            return []
        }
        return attempt.diagnostics
    }

    /// The folder holds what serves again.
    func nextMended(
        butRefusalsOf code: Diagnostic.Code? = nil, _ location: SourceLocation = #_sourceLocation
    ) async {
        let event = await nextEvent(butRefusalsOf: code)
        guard case .mended = event else {
            Issue.record("\(String(describing: event))", sourceLocation: location)
            return
        }
    }

    func nextPending(_ location: SourceLocation = #_sourceLocation) async -> PendingConfirmation? {
        let event = await nextEvent()
        guard case .pending(let pending) = event else {
            Issue.record("\(String(describing: event))", sourceLocation: location)
            return nil
        }
        return pending
    }

    /// Makes sure that nothing else is on its way: the very next thing that happens is a change made here.
    func expectNothingElse(_ location: SourceLocation = #_sourceLocation) async {
        // Longer than a file that vanished is waited for.
        await Pause.inWhichNothingMayHappen(.milliseconds(350))
        folder.service("sentinel", "1", in: "zz-sentinel.yaml")
        let served = await nextServed(butRefusalsOf: nil, location)
        #expect(served["sentinel"] == "1", sourceLocation: location)
    }
}

/// Notes what was committed, and rejects on demand.
final class Recorder: SnapshotParticipant {
    private struct State {
        var committed: [Values] = []
        var committedCount = 0
        var preparedCount = 0
        var abandonedCount = 0
        var rejectedCount = 0
        var rejection: Rejection?
    }

    private let state = Mutex(State())

    private struct Change: PreparedChange {
        let recorder: Recorder
        let values: Values

        func commit() async {
            recorder.state.withLock {
                $0.committed.append(values)
                $0.committedCount += 1
            }
        }

        func abandon() async { recorder.state.withLock { $0.abandonedCount += 1 } }
    }

    func prepare(_ snapshot: Values, generation: Generation) async throws(Rejection) -> any PreparedChange {
        try rejectOnDemand()
        state.withLock { $0.preparedCount += 1 }
        return Change(recorder: self, values: snapshot)
    }

    func rehearse(_ snapshot: Values, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        try rejectOnDemand()
        return []
    }

    private func rejectOnDemand() throws(Rejection) {
        let rejection = state.withLock { state in
            if state.rejection != nil { state.rejectedCount += 1 }
            return state.rejection
        }
        if let rejection { throw rejection }
    }

    func takeFirst() -> Values { state.withLock { $0.committed.isEmpty ? [:] : $0.committed.removeFirst() } }
    var committedCount: Int { state.withLock { $0.committedCount } }
    var preparedCount: Int { state.withLock { $0.preparedCount } }
    var abandonedCount: Int { state.withLock { $0.abandonedCount } }
    var rejectedCount: Int { state.withLock { $0.rejectedCount } }
    func reject(_ rejection: Rejection?) { state.withLock { $0.rejection = rejection } }
}
