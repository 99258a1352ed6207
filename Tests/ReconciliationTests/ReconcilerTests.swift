import Diagnostics
import Glibc
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import Reconciliation

@Suite(.timeLimit(.minutes(2)), .serialized)
struct `The reconciler` {
    func serving(
        count: Int = 2, edit: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { _ in },
        _ body: (Harness) async throws -> Void
    ) async throws {
        let folder = TestFolder()
        for name in "abcdefghijklmnopqrstuvwxyz".prefix(count) { folder.service(String(name), "1") }
        let harness = try Harness(folder, edit: edit)
        try await harness.serve { harness in
            #expect(await harness.nextServed().count == count)
            try await body(harness)
        }
    }

    @Test func `keeps the last good set while a file is wrong, and says what is wrong`() async throws {
        try await serving { harness in
            harness.folder.replace("a.yaml", "service: a\n")
            let diagnostics = await harness.nextRefused()
            #expect(diagnostics.map(\.position.file) == ["a.yaml"])
            let status = await harness.reconciler.status
            #expect(status.serving?.generation.number == 1)
            #expect(status.refused?.diagnostics == diagnostics)

            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
            #expect(await harness.reconciler.status.refused == nil)
            #expect(await harness.reconciler.status.serving?.generation.number == 2)
        }
    }

    @Test func `refuses what is no file without waiting for it`() async throws {
        try await serving { harness in
            harness.folder.run("mkfifo c.yaml")
            #expect(await harness.nextRefused().map(\.code) == [.notAFile])
            harness.folder.run("rm c.yaml && ln -s c.yaml c.yaml")
            #expect(await harness.nextRefused().map(\.code) == [.brokenLink])
            harness.folder.run("rm c.yaml && truncate -s 5M c.yaml")
            #expect(await harness.nextRefused().map(\.code) == [.fileTooLarge])
            harness.folder.run("rm c.yaml")
            await harness.nextMended()
            await harness.expectNothingElse()
        }
    }

    @Test func `refuses a file that cannot be read`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.run("chmod 755 .. .")
        _ = folder.heldState  // which is not what this is about
        try await Nobody.run { try Harness(folder) }.serve { harness in
            #expect(await harness.nextServed() == ["a": "1"])
            harness.folder.run("chmod 000 a.yaml")
            #expect(await harness.nextRefused().map(\.code) == [.folderUnreadable])
            harness.folder.run("chmod 644 a.yaml")
            await harness.nextMended()
            await harness.expectNothingElse()
        }
    }

    @Test func `an emptied folder waits until it is confirmed`() async throws {
        try await serving { harness in
            harness.folder.run("rm *.yaml")
            #expect(await harness.nextPending()?.reason == .empty)
            #expect(await harness.reconciler.status.serving?.resourceCount == 2)
            guard case .dryRun = await harness.reconciler.confirmEmpty(dryRun: true) else {
                Issue.record("a dry run is refused")
                return
            }
            #expect(await harness.reconciler.status.serving?.resourceCount == 2)
            let outcome = await harness.reconciler.confirmEmpty()
            guard case .served(let served, _, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(served.resourceCount == 0)
            #expect(await harness.reconciler.status.pending == nil)
        }
    }

    @Test func `a set that lost more than half waits for a second reading`() async throws {
        try await serving(count: 5) { harness in
            harness.folder.run("rm a.yaml b.yaml c.yaml")
            let pending = await harness.nextPending()
            #expect(pending?.reason == .halfLost)
            #expect(pending?.resourceCount == 2)
            #expect(await harness.nextServed() == ["d": "1", "e": "1"])
        }
    }

    @Test func `a set that comes back while it is doubted goes on`() async throws {
        try await serving(count: 5) { harness in
            harness.folder.run("mkdir ../away && mv a.yaml b.yaml c.yaml ../away")
            #expect(await harness.nextPending() != nil)
            harness.folder.run("mv ../away/* .")
            await harness.nextMended()
            await harness.expectNothingElse()
            #expect(await harness.reconciler.status.pending == nil)
        }
    }

    @Test func `who has the folder read again is told what is refused still, and when nothing has changed`()
        async throws
    {
        try await serving { harness in
            func again() async -> ReconcilerStatus? {
                await harness.reconciler.rescan()
                guard case .readAgain(let status) = await harness.nextEvent() else { return nil }
                return status
            }
            let whole = await again()
            #expect(whole?.serving != nil && whole?.refused == nil)
            harness.folder.replace("c.yaml", FakeManifests.document("a", "1"))
            let refused = await harness.nextRefused()
            for _ in 0..<2 {
                let status = await again()
                #expect(status?.refused?.diagnostics == refused)
            }
            harness.folder.run("rm c.yaml")
            await harness.nextMended()
            await harness.expectNothingElse()
        }
    }

    @Test func `a rejection abandons what was prepared, and is tried again`() async throws {
        try await serving { harness in
            let taken = Diagnostic(
                FakeManifests.wrong, at: SourcePosition(file: "a.yaml", line: 2, column: 1),
                found: "a port that is taken",
                expected: "a free one", remedy: "choose another")
            harness.recorder.reject(Rejection([taken]))
            harness.folder.service("a", "2")
            #expect(await harness.nextRefused() == [taken])
            harness.recorder.reject(nil)
            await harness.reconciler.rescan()
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
        }
    }

    @Test func `what was rejected is tried again by itself`() async throws {
        let harness = try Harness { $0.watcher.times.retry = .milliseconds(20) }
        harness.folder.service("a", "1")
        try await harness.serve { harness in
            _ = await harness.nextServed()
            let taken = Diagnostic(
                FakeManifests.wrong, at: SourcePosition(file: "a.yaml", line: 2, column: 1),
                found: "a port that is taken", expected: "a free one", remedy: "choose another")
            harness.recorder.reject(Rejection([taken]))
            harness.folder.service("a", "2")
            #expect(await harness.nextRefused() == [taken])
            // Once or several times more, without a word.
            let earlier = harness.recorder.rejectedCount
            #expect(await Poll.until { harness.recorder.rejectedCount > earlier })
            harness.recorder.reject(nil)
            #expect(await harness.nextServed() == ["a": "2"])
        }
    }

    @Test func `at first start nothing serves if the folder is wrong`() async throws {
        let folder = TestFolder()
        folder.replace("a.yaml", "service: a\n")
        let harness = try Harness(folder)
        guard case .refused(let diagnostics) = await harness.reconciler.start() else {
            Issue.record("served")
            return
        }
        #expect(diagnostics.map(\.position.file) == ["a.yaml"])
        await harness.reconciler.stop()
    }

    @Test func `the watch limit makes it poll, and say so`() async throws {
        let edit = { (settings: inout Reconciler<FakeManifests>.Settings) in
            settings.watcher.watchLimit = 1
            settings.watcher.times.polling = .milliseconds(50)
        }
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder, edit: edit).serve { harness in
            let event = await harness.nextEvent()
            #expect(event == .watching(.polling(every: .milliseconds(50), because: .watchLimit)))
            #expect(await harness.nextServed() == ["a": "1"])
            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2"])
            let status = await harness.reconciler.status
            #expect(status.watching == .polling(every: .milliseconds(50), because: .watchLimit))
        }
    }

    @Test func `a remote filesystem is polled`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        let harness = try Harness(folder) { settings in
            settings.watcher.remoteFilesystem = { _ in "NFS" }
            settings.watcher.times.polling = .milliseconds(50)
        }
        try await harness.serve { harness in
            _ = await harness.nextEvent()
            #expect(await harness.nextServed() == ["a": "1"])
            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2"])
            let status = await harness.reconciler.status
            #expect(status.watching == .polling(every: .milliseconds(50), because: .remoteFilesystem("NFS")))
        }
    }

    @Test func `a new certificate makes a new generation of the same hash`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.run("printf one > ../tls.pem")
        let harness = try Harness(folder, manifests: FakeManifests(keyFiles: ["../tls.pem"]))
        try await harness.serve { harness in
            #expect(await harness.nextServed() == ["a": "1"])
            let hash = await harness.reconciler.status.serving?.generation.hash
            harness.folder.run("printf two > ../tls.new && mv ../tls.new ../tls.pem")
            #expect(await harness.nextServed() == ["a": "1"])
            let serving = await harness.reconciler.status.serving
            #expect(serving?.generation.number == 2)
            #expect(serving?.generation.hash == hash)
            // Who may read it is part of what it is, though no byte is another.
            harness.folder.run("chmod 640 ../tls.pem")
            #expect(await harness.nextServed() == ["a": "1"])
            #expect(await harness.reconciler.status.serving?.generation.number == 3)
            await harness.expectNothingElse()
        }
    }
}
