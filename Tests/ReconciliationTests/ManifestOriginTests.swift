import Diagnostics
import Synchronization
import Testing

@testable import Reconciliation

/// Sets that come whole, and not from a folder.
private final class FakeOrigin: ManifestOrigin, SetReplacing {
    private struct State {
        var files: [ManifestSource] = []
        var problems: [Diagnostic] = []
        var refusal: Rejection?
        var objection: Diagnostic?
        var sequence: UInt64 = 0
        var version: Int64 = 0
        var isStopped = false
    }

    let readings: AsyncStream<FolderReading>
    private let publisher: AsyncStream<FolderReading>.Continuation
    private let state = Mutex(State())

    init(_ files: [String: String]) {
        (readings, publisher) = AsyncStream.makeStream(of: FolderReading.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.files = Self.sources(files) }
    }

    static func sources(_ files: [String: String]) -> [ManifestSource] {
        files.sorted { $0.key < $1.key }.map { ManifestSource(path: $0.key, bytes: Array($0.value.utf8)) }
    }

    var texts: [String: String] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: state.files.map { ($0.path, String(decoding: $0.bytes, as: UTF8.self)) })
        }
    }

    func put(_ files: [String: String], problems: [Diagnostic] = []) {
        state.withLock { state in
            state.files = Self.sources(files)
            state.problems = problems
            state.version += 1
        }
        rescan(after: .zero)
    }

    func refuse(_ rejection: Rejection?) { state.withLock { $0.refusal = rejection } }
    func object(_ objection: Diagnostic) { state.withLock { $0.objection = objection } }

    private func reading() -> FolderReading {
        state.withLock { state in
            state.sequence += 1
            return FolderReading(
                sequence: state.sequence, files: state.files, problems: state.problems, watchedFilesRevision: 0,
                firstEventAt: .now, mode: .inotify, version: state.version)
        }
    }

    var replacing: (any SetReplacing)? { self }
    func readNow(after edited: EditedFiles?) async -> FolderReading? {
        state.withLock(\.isStopped) ? nil : reading()
    }
    func rescan(after delay: Duration) {
        // Later is never too early here.
        if delay == .zero { publisher.yield(reading()) }
    }
    func watch(files paths: Set<String>) async {}
    func objection(toKept files: [ManifestSource]) async -> Diagnostic? { state.withLock(\.objection) }
    func stop() {
        state.withLock { $0.isStopped = true }
        publisher.finish()
    }

    func replace(_ reading: FolderReading, with files: [ManifestSource]) async throws(Rejection) {
        try await rehearse(reading, with: files)
        state.withLock { state in
            state.files = files
            state.version += 1
        }
    }

    func rehearse(_ reading: FolderReading, with files: [ManifestSource]) async throws(Rejection) {
        let refusal = state.withLock { state in
            state.refusal
                ?? (state.version == reading.version
                    ? nil : Rejection([FakeOrigin.problem("another version than was read")]))
        }
        if let refusal { throw refusal }
    }

    static func problem(_ found: String) -> Diagnostic {
        Diagnostic(FakeManifests.wrong, at: .place("elsewhere"), found: found, expected: "none", remedy: "wait")
    }
}

@Suite struct `Sets from elsewhere` {
    private let a = FakeManifests.document("a", "1")

    private func serving(_ origin: FakeOrigin, _ body: (Harness) async throws -> Void) async throws {
        let harness = try Harness { $0.origin = origin }
        try await harness.serve { harness in
            #expect(await harness.nextServed() == ["a": "1"])
            try await body(harness)
        }
    }

    private func applied(_ name: String, _ value: String) -> [AppliedFile] {
        [AppliedFile(path: "given.yaml", bytes: Array(FakeManifests.document(name, value).utf8))]
    }

    @Test func `are followed`() async throws {
        let origin = FakeOrigin(["a.yaml": a])
        try await serving(origin) { harness in
            origin.put(["a.yaml": FakeManifests.document("a", "2")])
            #expect(await harness.nextServed() == ["a": "2"])
            origin.put(["a.yaml": "service: a\n"])
            #expect(await harness.nextRefused().count == 1)
            origin.put(["a.yaml": FakeManifests.document("a", "2")])
            await harness.nextMended()
        }
    }

    @Test func `that cannot be read leave what serves`() async throws {
        let origin = FakeOrigin(["a.yaml": a])
        try await serving(origin) { harness in
            origin.put(["a.yaml": a], problems: [FakeOrigin.problem("nobody who answers")])
            #expect(await harness.nextRefused().map(\.found) == ["nobody who answers"])
            #expect(await harness.reconciler.status.serving?.resourceCount == 1)
            origin.put(["a.yaml": a])
            await harness.nextMended()
        }
    }

    @Test func `that are empty wait until somebody confirms it, and nothing is written for it`() async throws {
        let origin = FakeOrigin(["a.yaml": a])
        try await serving(origin) { harness in
            origin.put([:])
            #expect(await harness.nextPending()?.reason == .empty)
            origin.refuse(Rejection([FakeOrigin.problem("a write that nobody asked for")]))
            guard case .served(let served, _, _) = await harness.reconciler.confirmEmpty() else {
                Issue.record("not served")
                return
            }
            #expect(served.resourceCount == 0)
        }
    }

    @Test func `are replaced by an edit as a whole`() async throws {
        let origin = FakeOrigin(["a.yaml": a])
        try await serving(origin) { harness in
            guard case .served = await harness.reconciler.apply(applied("b", "1")) else {
                Issue.record("not served")
                return
            }
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            #expect(origin.texts == ["a.yaml": a, "given.yaml": FakeManifests.document("b", "1")])
            // Nothing of it came into the folder that is not asked.
            #expect(harness.folder.text("given.yaml") == nil)
        }
    }

    @Test func `that refuse an edit stay as they are, and so does what serves`() async throws {
        let origin = FakeOrigin(["a.yaml": a])
        try await serving(origin) { harness in
            origin.refuse(Rejection([FakeOrigin.problem("no signature")]))
            for isDry in [true, false] {
                guard case .refused(let problems) = await harness.reconciler.apply(applied("b", "1"), dryRun: isDry)
                else {
                    Issue.record("not refused")
                    return
                }
                #expect(problems.map(\.found) == ["no signature"])
            }
            #expect(origin.texts == ["a.yaml": a])
            #expect(await harness.reconciler.status.serving?.resourceCount == 1)
        }
    }

    @Test func `that were kept serve again, if nothing is said against it`() async throws {
        let folder = TestFolder()
        let first = try Harness(folder) { $0.origin = FakeOrigin(["a.yaml": self.a]) }
        try await first.serve { harness in #expect(await harness.nextServed() == ["a": "1"]) }

        func start(_ origin: FakeOrigin) async throws -> StartOutcome {
            origin.put([:], problems: [FakeOrigin.problem("nobody who answers")])
            let harness = try Harness(folder) { $0.origin = origin }
            defer { origin.stop() }
            return await harness.reconciler.start()
        }
        guard case .servingLastGood(let served, _) = try await start(FakeOrigin([:])) else {
            Issue.record("not served")
            return
        }
        #expect(served.resourceCount == 1)
        let objecting = FakeOrigin([:])
        objecting.object(FakeOrigin.problem("not signed"))
        guard case .refused(let problems) = try await start(objecting) else {
            Issue.record("not refused")
            return
        }
        #expect(problems.map(\.found) == ["nobody who answers", "not signed"])
    }
}
