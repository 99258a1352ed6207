import Diagnostics
import Glibc
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import Reconciliation

/// `apply` and `delete`, and what the folder does meanwhile.
extension `The reconciler` {
    func file(_ text: String) -> AppliedFile { AppliedFile(path: "given.yaml", bytes: Array(text.utf8)) }

    @Test func `several resources are applied as one change`() async throws {
        try await serving { harness in
            let text = FakeManifests.document("a", "2") + "---\n" + FakeManifests.document("new", "1")
            let outcome = await harness.reconciler.apply([file(text)])
            guard case .served(let served, let changes, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(served.generation.number == 2)
            #expect(changes.map(\.action) == [.updated, .created])
            #expect(changes.map(\.path) == ["a.yaml", "shop-service-new.yaml"])
            #expect(await harness.nextServed() == ["a": "2", "b": "1", "new": "1"])
            #expect(harness.folder.text("shop-service-new.yaml") == FakeManifests.document("new", "1"))
            await harness.expectNothingElse()
        }
    }

    @Test func `what would be wrong is not written`() async throws {
        try await serving { harness in
            let outcome = await harness.reconciler.apply([file("service: a\n")])
            guard case .refused(let diagnostics) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(diagnostics.map(\.position.file) == ["given.yaml"])

            harness.recorder.reject(Rejection(diagnostics))
            _ = await harness.reconciler.apply([file(FakeManifests.document("a", "2"))])
            harness.recorder.reject(nil)
            #expect(harness.folder.text("a.yaml") == FakeManifests.document("a", "1"))
            await harness.expectNothingElse()
        }
    }

    @Test func `a dry run writes nothing, and the same again changes nothing`() async throws {
        try await serving { harness in
            let dry = await harness.reconciler.apply([file(FakeManifests.document("a", "2"))], dryRun: true)
            guard case .dryRun(let changes, _) = dry else {
                Issue.record("\(dry)")
                return
            }
            #expect(changes.map(\.action) == [.updated])
            let same = await harness.reconciler.apply([file(FakeManifests.document("a", "1"))])
            guard case .unchanged(let unchanged) = same else {
                Issue.record("\(same)")
                return
            }
            #expect(unchanged.map(\.action) == [.unchanged])
            await harness.expectNothingElse()
        }
    }

    @Test func `a dry run has nothing prepared, and is refused what a participant would reject`() async throws {
        try await serving { harness in
            let before = harness.recorder.preparedCount
            let change = file(FakeManifests.document("a", "2"))
            guard case .dryRun = await harness.reconciler.apply([change], dryRun: true) else {
                Issue.record("a dry run is refused")
                return
            }
            let taken = Diagnostic(
                FakeManifests.wrong, at: .manifestsFolder, found: "it", expected: "another", remedy: "choose another")
            harness.recorder.reject(Rejection([taken]))
            guard case .refused(let told) = await harness.reconciler.apply([change], dryRun: true) else {
                Issue.record("a dry run is not refused")
                return
            }
            harness.recorder.reject(nil)
            #expect(told.map(\.code) == [taken.code])
            #expect(harness.recorder.preparedCount == before)
            #expect(harness.recorder.abandonedCount == 0)
        }
    }

    @Test func `an apply mends a folder that is wrong`() async throws {
        try await serving { harness in
            harness.folder.replace("c.yaml", FakeManifests.document("a", "1"))
            _ = await harness.nextRefused()
            let outcome = await harness.reconciler.delete(.service("a"))
            guard case .served = outcome else {
                Issue.record("\(outcome)")
                return
            }
            // The set is the one that serves already, from another file.
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            #expect(harness.folder.text("a.yaml") == nil)
            await harness.expectNothingElse()
        }
    }

    @Test func `what is done between changes sees none of them half done`() async throws {
        try await serving { harness in
            let (folder, recorder) = (harness.folder, harness.recorder)
            await harness.reconciler.betweenChanges {
                folder.service("a", "2")
                // Longer than it takes until it would be read.
                await Pause.inWhichNothingMayHappen(.milliseconds(200))
                #expect(recorder.takeFirst().isEmpty)
            }
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
        }
    }

    @Test func `the last resource is deleted only when that is confirmed`() async throws {
        try await serving(count: 1) { harness in
            guard case .refused(let diagnostics) = await harness.reconciler.delete(.service("a")) else {
                Issue.record("deleted")
                return
            }
            #expect(diagnostics.map(\.code) == [.wouldEmpty])
            guard case .served = await harness.reconciler.delete(.service("a"), prune: true) else {
                Issue.record("not deleted")
                return
            }
            #expect(harness.folder.text("a.yaml") == nil)
            guard case .refused(let unknown) = await harness.reconciler.delete(.service("a")) else {
                Issue.record("deleted again")
                return
            }
            #expect(unknown.map(\.code) == [.unknownResource])
        }
    }

    @Test func `the folder's changes are taken up while an apply is worked out, and both count`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.service("b", "1")
        let recorder = Mutex<Recorder?>(nil)
        let isFirst = Atomic(true)
        var manifests = FakeManifests()
        manifests.onDecode = { path in
            guard path == "given.yaml", isFirst.exchange(false, ordering: .relaxed) else { return }
            folder.service("b", "2")
            // Until it serves: this thread works on the apply all the while.
            Poll.until { recorder.withLock { $0?.committedCount ?? 0 } >= 2 }
        }
        let harness = try Harness(folder, manifests: manifests)
        recorder.withLock { $0 = harness.recorder }
        try await harness.serve { harness in
            _ = await harness.nextServed()
            let outcome = await harness.reconciler.apply([file(FakeManifests.document("a", "2"))])
            guard case .served(let served, _, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(served.generation.number == 3)
            #expect(await harness.nextServed() == ["a": "1", "b": "2"])
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
        }
    }

    @Test func `an apply that is being worked out holds up neither status nor the end`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        let hasBegun = Atomic(false)
        let mayEnd = Gate()
        var manifests = FakeManifests()
        manifests.onDecode = { path in
            guard path == "given.yaml" else { return }
            hasBegun.store(true, ordering: .releasing)
            mayEnd.pass()
        }
        let harness = try Harness(folder, manifests: manifests)
        try await harness.serve { harness in
            _ = await harness.nextServed()
            async let outcome = harness.reconciler.apply([file(FakeManifests.document("a", "2"))])
            await Poll.until { hasBegun.load(ordering: .acquiring) }
            #expect(await harness.reconciler.status.serving?.generation.number == 1)
            await harness.reconciler.stop()
            mayEnd.open()
            guard case .refused(let diagnostics) = await outcome else {
                Issue.record("applied")
                return
            }
            #expect(diagnostics.map(\.code.rawValue) == ["change.not-running"])
            #expect(folder.text("a.yaml") == FakeManifests.document("a", "1"))
        }
    }

    @Test(arguments: [true, false])
    func `what was read while a change was written is not taken up after it, whether all ends meanwhile or not`(
        ends: Bool
    ) async throws {
        let (isHalfDone, mayGoOn) = (Gate(), Gate())
        let renames = Atomic(0)
        let pausing: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
            settings.writer = FileWriter { call, _ in
                // The record's own comes first, then those of the manifests.
                guard call == "rename", renames.add(1, ordering: .relaxed).newValue == 3 else { return }
                isHalfDone.open()
                mayGoOn.pass()
            }
        }
        let folder = TestFolder()
        for name in ["a", "b"] { folder.service(name, "1") }
        let harness = try Harness(folder, edit: pausing)
        let both = FakeManifests.document("a", "2") + "---\n" + FakeManifests.document("b", "2")
        try await harness.serve { harness in
            _ = await harness.nextServed()
            async let outcome = harness.reconciler.apply([file(both)])
            await isHalfDone.passed()
            // Half of the change is read, and waits for its turn.
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            if ends {
                await harness.reconciler.stop()
                await Pause.inWhichNothingMayHappen(.milliseconds(100))
            }
            mayGoOn.open()
            guard case .served(let served, _, _) = await outcome else {
                Issue.record("\(await outcome)")
                return
            }
            #expect(served.generation.number == 2)
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
            if !ends { await harness.expectNothingElse() }
        }
        #expect(harness.recorder.committedCount == (ends ? 2 : 3))
        let kept = try LastGoodStore(stateFolder: folder.heldState).load()
        #expect(kept?.generation.number == (ends ? 2 : 3))
        #expect(kept?.files.prefix(2).map(\.bytes) == ["a", "b"].map { Array(FakeManifests.document($0, "2").utf8) })
    }

    @Test func `nothing of the folder is taken up any more once the end has begun`() async throws {
        let (hasBegun, mayGoOn) = (Gate(), Gate())
        let folder = TestFolder()
        folder.service("a", "1")
        let isSecond = Atomic(0)
        var manifests = FakeManifests()
        manifests.onDecode = { _ in
            guard isSecond.add(1, ordering: .relaxed).newValue == 2 else { return }
            hasBegun.open()
            mayGoOn.pass()
        }
        let harness = try Harness(folder, manifests: manifests)
        try await harness.serve { harness in
            _ = await harness.nextServed()
            folder.service("a", "2")
            await hasBegun.passed()
            await harness.reconciler.stop()
            mayGoOn.open()
        }
        #expect(harness.recorder.committedCount == 1)
        #expect(try LastGoodStore(stateFolder: folder.heldState).load()?.generation.number == 1)
    }

    @Test func `where no event tells, a change of its own is not taken back for the sake of a second look`()
        async throws
    {
        let polling: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
            settings.watcher.remoteFilesystem = { _ in "NFS" }
            settings.watcher.times.polling = .milliseconds(50)
        }
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder, edit: polling).serve { harness in
            _ = await harness.nextEvent()
            _ = await harness.nextServed()
            for number in 2...4 {
                guard case .served = await harness.reconciler.apply([file(FakeManifests.document("a", "\(number)"))])
                else {
                    Issue.record("not applied")
                    return
                }
                #expect(await harness.nextServed() == ["a": "\(number)"])
            }
            await harness.expectNothingElse()
            #expect(await harness.reconciler.status.serving?.generation.number == 5)
        }
    }
}
