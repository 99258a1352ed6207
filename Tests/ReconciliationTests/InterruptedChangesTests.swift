import Diagnostics
import Glibc
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import Reconciliation

/// Changes that were cut off.
extension `The reconciler` {
    /// Two manifests, one of which has been changed by a change of both.
    private func halfChanged() throws -> TestFolder {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.service("b", "1")
        let edits = ["a", "b"].map { name in
            ManifestWriter.Edit(
                path: name + ".yaml", before: Array(FakeManifests.document(name, "1").utf8),
                after: Array(FakeManifests.document(name, "2").utf8))
        }
        // The record's own rename comes first.
        let calls = Calls()
        let other = TestFolder()
        other.service("a", "1")
        other.service("b", "1")
        try writer(other, calls.writer).write(edits)
        let cut = Calls(breakingOffAt: calls.places(of: "rename")[2])
        #expect(throws: ManifestWriter.Failure.self) { try writer(folder, cut.writer).write(edits) }
        #expect(folder.text("a.yaml") == FakeManifests.document("a", "2"))
        #expect(folder.text("b.yaml") == FakeManifests.document("b", "1"))
        return folder
    }

    /// Keeps what served before that change.
    private func keepBefore(in folder: TestFolder) throws {
        let lastGood = LastGoodSet(
            generation: Generation(number: 7, hash: ""), resourceCount: 2,
            files: ["a", "b"].map { name in
                ManifestSource(path: name + ".yaml", bytes: Array(FakeManifests.document(name, "1").utf8))
            })
        try LastGoodStore(stateFolder: folder.heldState).keep(lastGood)
    }

    private func writer(_ folder: TestFolder, _ files: FileWriter) -> ManifestWriter {
        ManifestWriter(
            folder: folder.path, journal: ChangeJournal(stateFolder: folder.heldState, writer: files), writer: files)
    }

    @Test func `half of a change that an earlier process left is never served`() async throws {
        let harness = try Harness(try halfChanged())
        try await harness.serve { harness in
            guard case .interruption(let warnings) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warnings.map(\.code) == [.takenBack])
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test func `half of a change in a folder that comes into sight after the start is never served`() async throws {
        let folder = try halfChanged()
        try keepBefore(in: folder)
        folder.run("mv ../mesh ../away")
        let harness = try Harness(folder) { $0.watcher.times.polling = .milliseconds(100) }
        try await harness.serve { harness in
            #expect(await harness.nextRefused().map(\.code) == [.folderMissing])
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            folder.run("mv away mesh")
            guard case .interruption(let warnings) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warnings.map(\.code) == [.takenBack])
            await harness.nextMended()
            #expect(folder.text("a.yaml") == FakeManifests.document("a", "1"))
            await harness.expectNothingElse()
        }
    }

    @Test(arguments: [".heddle-5-1.new", ".git/index.lock"])
    func `who is told to stop while it waits at start waits no longer`(waitsFor: String) async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.run("mkdir .git; touch \(waitsFor)")
        let harness = try Harness(folder) { $0.watcher.times.operation = .seconds(600) }
        async let outcome = harness.reconciler.start()
        await Pause.inWhichNothingMayHappen(.milliseconds(200))
        await harness.reconciler.stop()
        guard case .stopped = await outcome else {
            Issue.record("\(await outcome)")
            return
        }
        #expect(harness.recorder.committedCount == 0)
    }

    @Test func `half of a change that came here with a copy of its folder is never served`() async throws {
        let folder = try halfChanged()
        try keepBefore(in: folder)
        // The record that the state folder has is that of the folder it was copied from.
        folder.run("cp -a . ../copy")
        let harness = try Harness(folder) { settings in
            settings.folder = folder.base + "/copy"
            settings.watcher.folder = settings.folder
            settings.watcher.times.polling = .milliseconds(100)
        }
        try await harness.serve { harness in
            guard case .interruption(let warnings) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warnings.map(\.code) == [.interruptedElsewhere])
            #expect(await harness.nextRefused().map(\.code) == [.interrupted])
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            folder.run("cd ../copy; cp .heddle-*-1.new b.yaml; rm .heddle-*")
            #expect(await harness.nextServed(butRefusalsOf: .interrupted) == ["a": "2", "b": "2"])
        }
    }

    @Test func `half of a change that the disk does not let be taken back is not served, until it does`() async throws {
        // Both of two manifests; the record's own rename comes first.
        let text = FakeManifests.document("a", "2") + "---\n" + FakeManifests.document("b", "2")
        let whole = Calls()
        let counting: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { $0.writer = whole.writer }
        try await serving(edit: counting) { harness in
            _ = await harness.reconciler.apply([file(text)])
        }
        let calls = Calls(breakingOffAt: whole.places(of: "rename")[2], with: EROFS)
        let breaking: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
            settings.writer = calls.writer
            settings.watcher.times.polling = .milliseconds(100)
        }
        try await serving(edit: breaking) { harness in
            guard case .refused(let diagnostics) = await harness.reconciler.apply([file(text)]) else {
                Issue.record("applied")
                return
            }
            #expect(diagnostics.map(\.code.rawValue) == ["change.unwritable", "change.interrupted"])
            #expect(harness.folder.text("a.yaml") == FakeManifests.document("a", "2"))
            #expect(await harness.nextRefused().map(\.code.rawValue) == ["change.interrupted"])
            #expect(await harness.reconciler.status.serving?.generation.number == 1)

            calls.mend()
            guard case .interruption(let warnings) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warnings.map(\.code) == [.takenBack])
            #expect(harness.folder.text("a.yaml") == FakeManifests.document("a", "1"))
            await harness.nextMended()
            await harness.expectNothingElse()
        }
    }

    @Test func `where somebody edited half a change, the last good set serves until a person has decided`()
        async throws
    {
        let folder = try halfChanged()
        try keepBefore(in: folder)
        folder.service("a", "3")
        let harness = try Harness(folder) { $0.watcher.times.polling = .milliseconds(100) }
        try await harness.serve { harness in
            #expect(await harness.nextRefused().map(\.code.rawValue) == ["change.interrupted"])
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            guard case .refused = await harness.reconciler.apply([file(FakeManifests.document("b", "4"))]) else {
                Issue.record("applied")
                return
            }
            folder.run("rm ../state/changes/* .heddle-*")
            // They go one after the other, and what is left in between may be told.
            while let event = await harness.nextEvent() {
                if case .served = event { break }
            }
            #expect(harness.recorder.takeFirst() == ["a": "3", "b": "1"])
        }
    }

    // MARK: Of another node that shares the manifests

    /// Serves two manifests while another node changes both.
    /// - Parameters:
    ///   - step: What the other node comes to before it changes one of them, by how many are changed already.
    private func besideAnother(
        operation: Duration, step: @escaping @Sendable (Int) throws -> Void,
        _ body: (Harness, TestFolder) async throws -> Void
    ) async throws {
        let other = TestFolder()
        let fast: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
            settings.watcher.times.operation = operation
            settings.watcher.times.polling = .milliseconds(100)
        }
        try await serving(edit: fast) { harness in
            let edits = ["a", "b"].map { name in
                ManifestWriter.Edit(
                    path: name + ".yaml", before: Array(FakeManifests.document(name, "1").utf8),
                    after: Array(FakeManifests.document(name, "2").utf8))
            }
            let renames = Atomic(0)
            let files = FileWriter { call, _ throws(SystemCallError) in
                guard call == "rename" else { return }
                // The record's own comes first, then those of the manifests.
                let done = renames.add(1, ordering: .relaxed).newValue - 2
                do { if done >= 0 { try step(done) } } catch { throw SystemCallError(call, errno: EINTR) }
            }
            let writer = ManifestWriter(
                folder: harness.folder.path, journal: ChangeJournal(stateFolder: other.heldState, writer: files),
                writer: files)
            let thread = Task.detached { _ = try? writer.write(edits) }
            try await body(harness, other)
            await thread.value
        }
    }

    @Test func `half of a change of another node is never served, and all of it as soon as it is there`() async throws {
        let mayGoOn = Gate()
        let pausing: @Sendable (Int) throws -> Void = { if $0 == 1 { mayGoOn.pass() } }
        try await besideAnother(operation: .seconds(60), step: pausing) { harness, _ in
            await Poll.until { harness.folder.text("a.yaml") == FakeManifests.document("a", "2") }
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            // Whatever else happens, and whoever asks.
            harness.folder.service("c", "1")
            async let applied = harness.reconciler.apply([file(FakeManifests.document("d", "1"))])
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            #expect(harness.recorder.committedCount == 1)
            mayGoOn.open()
            guard case .served = await applied else {
                Issue.record("\(await applied)")
                return
            }
            var served = await harness.nextServed()
            if served["d"] == nil {
                #expect(served == ["a": "2", "b": "2", "c": "1"])
                served = await harness.nextServed()
            }
            #expect(served == ["a": "2", "b": "2", "c": "1", "d": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test func `a change of another node that was looked at before anything of it was done is waited for all the same`()
        async throws
    {
        let (mayBegin, mayGoOn) = (Gate(), Gate())
        let pausing: @Sendable (Int) throws -> Void = { ($0 == 0 ? mayBegin : mayGoOn).pass() }
        try await besideAnother(operation: .seconds(60), step: pausing) { harness, _ in
            await Poll.until { harness.names().contains { $0.hasSuffix("-1.new") } }
            await harness.reconciler.rescan()
            guard case .interruption(let warnings) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warnings.map(\.code) == [.leftBehind])
            guard case .readAgain = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            mayBegin.open()
            await Poll.until { harness.folder.text("a.yaml") == FakeManifests.document("a", "2") }
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            #expect(harness.recorder.committedCount == 1)
            mayGoOn.open()
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
        }
    }

    @Test func `a start waits for another node that is in the midst of a change`() async throws {
        let folder = TestFolder()
        folder.service("a", "2")
        folder.service("b", "1")
        folder.replace(".heddle-5-1.new", FakeManifests.document("b", "2"))
        let harness = try Harness(folder) { $0.watcher.times.operation = .seconds(60) }
        async let started = harness.reconciler.start()
        await Pause.inWhichNothingMayHappen(.milliseconds(200))
        #expect(harness.recorder.committedCount == 0)
        folder.run("mv .heddle-5-1.new b.yaml")
        guard case .serving = await started else {
            Issue.record("\(await started)")
            return
        }
        #expect(await harness.nextServed() == ["a": "2", "b": "2"])
    }

    @Test func `of many changes that left something behind a few are told, and how many more there are`() {
        let folder = TestFolder()
        for change in 0x10..<0x40 { folder.replace(".heddle-\(String(change, radix: 16))-0.new", "") }
        let found = InterruptedChanges(of: folder.path)
        #expect(found.problems.isEmpty && found.known.isEmpty)
        #expect(found.warnings.count == 11)
        #expect(found.warnings.last?.found == "what is left of 38 more changes")
    }

    @Test func `half of a change of another node that died is refused until that node has taken it back`() async throws
    {
        struct Killed: Error {}
        let dying: @Sendable (Int) throws -> Void = { if $0 >= 1 { throw Killed() } }
        try await besideAnother(operation: .milliseconds(200), step: dying) { harness, other in
            #expect(await harness.nextRefused().map(\.code.rawValue) == ["change.interrupted"])
            guard
                case .refused(let diagnostics) = await harness.reconciler.apply([file(FakeManifests.document("c", "1"))]
                )
            else {
                Issue.record("applied")
                return
            }
            #expect(diagnostics.map(\.code.rawValue) == ["change.interrupted"])
            #expect(await harness.reconciler.status.serving?.generation.number == 1)
            // It starts again.
            let settled = InterruptedChanges(of: harness.folder.path, in: ChangeJournal(stateFolder: other.heldState))
            #expect(settled.warnings.map(\.code) == [.takenBack])
            await harness.nextMended(butRefusalsOf: .interrupted)
            await harness.expectNothingElse()
        }
    }
}

extension Harness {
    /// What lies in the folder now.
    fileprivate func names() -> [String] {
        do throws(SystemCallError) { return try FileAccess.names(inFolder: folder.path).names } catch { return [] }
    }
}
