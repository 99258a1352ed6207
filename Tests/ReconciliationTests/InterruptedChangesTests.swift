import Diagnostics
import Glibc
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
            guard case .interruption(let warning) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warning.code.rawValue == "change.taken-back")
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
            guard case .interruption(let warning) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warning.code == .takenBack)
            await harness.nextMended()
            #expect(folder.text("a.yaml") == FakeManifests.document("a", "1"))
            await harness.expectNothingElse()
        }
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
            guard case .interruption(let warning) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warning.code == .interruptedElsewhere)
            #expect(await harness.nextRefused().map(\.code) == [.interrupted])
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            folder.run("cd ../copy; cp .heddle-*-1.new b.yaml; rm .heddle-*")
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
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
            guard case .interruption(let warning) = await harness.nextEvent() else {
                Issue.record("nothing is said")
                return
            }
            #expect(warning.code.rawValue == "change.taken-back")
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
            #expect(await harness.nextServed() == ["a": "3", "b": "1"])
        }
    }
}
