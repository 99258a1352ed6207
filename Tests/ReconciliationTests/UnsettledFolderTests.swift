import Diagnostics
import Glibc
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import Reconciliation

/// Edits while others change the folder.
extension `The reconciler` {
    enum DryRun: CaseIterable {
        case apply, delete, nothing
    }

    @Test(arguments: DryRun.allCases)
    func `a dry run takes nothing up that has not settled`(dryRun: DryRun) async throws {
        let slow: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
            settings.watcher.times.quiet = .seconds(1)
        }
        try await serving(edit: slow) { harness in
            // The first of two files of one change.
            harness.folder.service("a", "2")
            harness.folder.service("n", "2")
            let outcome =
                switch dryRun {
                case .apply: await harness.reconciler.apply([file(FakeManifests.document("c", "1"))], dryRun: true)
                case .delete: await harness.reconciler.delete(.service("b"), dryRun: true)
                case .nothing: await harness.reconciler.apply([file(FakeManifests.document("b", "1"))], dryRun: true)
                }
            switch outcome {
            case .dryRun, .unchanged: break
            case .served, .refused: Issue.record("\(outcome)")
            }
            await Pause.inWhichNothingMayHappen(.milliseconds(100))
            #expect(harness.recorder.committedCount == 1)
            harness.folder.service("b", "2")
            #expect(await harness.nextServed() == ["a": "2", "b": "2", "n": "2"])
            await harness.expectNothingElse()
        }
    }

    @Test func `an edit waits for a command of git, and a dry run takes up nothing of it`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.service("b", "1")
        folder.run("mkdir .git")
        try await Harness(folder).serve { harness in
            _ = await harness.nextServed()
            folder.run("touch .git/index.lock")
            folder.run("printf 'service: a\\nvalue: 2\\nend\\n' > a.yaml")
            guard case .dryRun = await harness.reconciler.apply([file(FakeManifests.document("c", "1"))], dryRun: true)
            else {
                Issue.record("no dry run")
                return
            }
            async let outcome = harness.reconciler.apply([file(FakeManifests.document("c", "1"))])
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            #expect(harness.recorder.committedCount == 1)
            folder.run("printf 'service: b\\nvalue: 2\\nend\\n' > b.yaml; rm .git/index.lock")
            guard case .served = await outcome else {
                Issue.record("\(await outcome)")
                return
            }
            var served = await harness.nextServed()
            if served["c"] == nil {
                #expect(served == ["a": "2", "b": "2"])
                served = await harness.nextServed()
            }
            #expect(served == ["a": "2", "b": "2", "c": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test func `a file that is being written is not believed because an edit of it failed`() async throws {
        let folder = TestFolder()
        let (first, second) = (FakeManifests.document("a", "1"), "---\n" + FakeManifests.document("b", "1"))
        folder.replace("x.yaml", first + second)
        folder.service("c", "1")
        try await Harness(folder).serve { harness in
            _ = await harness.nextServed()
            let writer = SlowWriter(folder.path + "/x.yaml")
            writer.write(first)
            await Pause.inWhichNothingMayHappen(.milliseconds(100))
            guard
                case .refused(let diagnostics) = await harness.reconciler.apply([
                    file(FakeManifests.document("a", "2") + "---\n" + FakeManifests.document("c", "2"))
                ])
            else {
                Issue.record("applied")
                return
            }
            #expect(diagnostics.map(\.code.rawValue) == ["change.conflict"])
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            #expect(harness.recorder.committedCount == 1)
            writer.write("---\n" + FakeManifests.document("b", "3"))
            writer.close()
            #expect(await harness.nextServed() == ["a": "1", "b": "3", "c": "1"])
            await harness.expectNothingElse()
        }
    }

    /// Each look at the folder comes between two files of the change, as chance may have it.
    @Test func `where no event tells, nothing is taken up while a file may not be seen yet as it is`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.service("b", "1")
        let beforeLooks = Mutex<[String]>([])
        let polled: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
            settings.watcher.times.polling = .milliseconds(50)
            settings.watcher.remoteFilesystem = { _ in
                let name = beforeLooks.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                if let name { folder.service(name, "2") }
                return "NFS"
            }
        }
        try await Harness(folder, edit: polled).serve { harness in
            _ = await harness.nextEvent()
            _ = await harness.nextServed()
            beforeLooks.withLock { $0 = ["a", "b"] }
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
            await harness.expectNothingElse()
        }
    }

    @Test func `a polled file that is another at each look keeps nothing from being taken up for good`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.service("b", "1")
        let looks = Mutex<Int?>(nil)
        let polled: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
            settings.watcher.times.polling = .milliseconds(50)
            settings.watcher.remoteFilesystem = { _ in
                let count = looks.withLock { looks in
                    looks = looks.map { $0 + 1 }
                    return looks
                }
                if let count { folder.service("b", "\(count)") }
                return "NFS"
            }
        }
        try await Harness(folder, edit: polled).serve { harness in
            _ = await harness.nextEvent()
            _ = await harness.nextServed()
            looks.withLock { $0 = 1 }
            folder.service("a", "2")
            let served = await harness.nextServed()
            #expect(served["a"] == "2")
            #expect(served["b"] != "1")
        }
    }

    private static let impatient: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
        settings.watcher.times.writing = .milliseconds(300)
        settings.watcher.times.operation = .milliseconds(300)
    }

    @Test func `a file that no look finds whole is told, and heals at once`() async throws {
        try await serving(edit: Self.impatient) { harness in
            // More is read of it than the kernel says that it holds.
            harness.folder.run("ln -s /proc/version ../never && mv -T ../never a.yaml")
            let refused = await harness.nextRefused()
            #expect(refused.map(\.code) == [.folderUnreadable])
            #expect(refused.map(\.position.file) == ["a.yaml"])
            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test func `a start does not wait without end for a file that no look finds whole`() async throws {
        let folder = TestFolder()
        folder.service("b", "1")
        folder.run("ln -s /proc/version a.yaml")
        let harness = try Harness(folder, edit: Self.impatient)
        guard case .refused(let diagnostics) = await harness.reconciler.start() else {
            Issue.record("it serves")
            return
        }
        #expect(diagnostics.map(\.code) == [.folderUnreadable])
    }

    @Test func `a file that is made empty and written anew without pause is never taken for empty`() async throws {
        try await serving(edit: Self.impatient) { harness in
            let path = harness.folder.path + "/a.yaml"
            let bytes = Array(FakeManifests.document("a", "2").utf8)
            // On a thread of its own: between the two a task may wait for longer than it is believed to be writing, and the file is
            // empty then.
            let isOver = Atomic(false)
            let hasEnded = Gate()
            spawn {
                while !isOver.load(ordering: .relaxed) {
                    let descriptor = unsafe open(path, O_WRONLY | O_TRUNC)
                    _ = unsafe write(descriptor, bytes, bytes.count)
                    close(descriptor)
                }
                hasEnded.open()
            }
            // Whether a look finds it whole is a matter of chance.
            switch await harness.nextEvent() {
            case .served: #expect(harness.recorder.takeFirst() == ["a": "2", "b": "1"])
            case .refused(let attempt): #expect(attempt.diagnostics.map(\.code) == [.folderUnreadable])
            case let event: Issue.record("\(String(describing: event))")
            }
            isOver.store(true, ordering: .relaxed)
            await hasEnded.passed()
        }
    }

    @Test func `a file that is written to without pause counts as it is found, or is told`() async throws {
        try await serving(edit: Self.impatient) { harness in
            let descriptor = unsafe open(harness.folder.path + "/a.yaml", O_WRONLY)
            let bytes = Array(FakeManifests.document("a", "2").utf8)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !Task.isCancelled {
                        _ = unsafe pwrite(descriptor, bytes, bytes.count, 0)
                        await Task.yield()
                    }
                }
                // Whether a look finds it whole is a matter of chance, and of how exactly the kernel tells the time.
                switch await harness.nextEvent() {
                case .served: #expect(harness.recorder.takeFirst() == ["a": "2", "b": "1"])
                case .refused(let attempt): #expect(attempt.diagnostics.map(\.code) == [.folderUnreadable])
                case let event: Issue.record("\(String(describing: event))")
                }
                group.cancelAll()
            }
            close(descriptor)
        }
    }

    @Test func `a new file that is being written is not believed because an edit that would make it failed`()
        async throws
    {
        try await serving { harness in
            let writer = SlowWriter(harness.folder.path + "/given.yaml", flags: O_CREAT | O_EXCL)
            writer.write(FakeManifests.document("n", "1"))
            await Pause.inWhichNothingMayHappen(.milliseconds(100))
            guard case .refused = await harness.reconciler.apply([file(FakeManifests.document("n", "2"))]) else {
                Issue.record("applied")
                return
            }
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            #expect(harness.recorder.committedCount == 1)
            writer.write("---\n" + FakeManifests.document("o", "1"))
            writer.close()
            #expect(await harness.nextServed() == ["a": "1", "b": "1", "n": "1", "o": "1"])
        }
    }

    @Test(arguments: [true, false])
    func `a file that somebody writes to as soon as an edit has put it there counts as the edit left it`(
        polls: Bool
    ) async throws {
        let folder = TestFolder()
        folder.replace("a.yaml", FakeManifests.document("a", "1") + "---\n" + FakeManifests.document("z", "1"))
        folder.service("b", "1")
        let all = ["a", "b", "z"].map { FakeManifests.document($0, "2") }.joined(separator: "---\n")
        let formatter = Mutex<SlowWriter?>(nil)
        let formatting: @Sendable (inout Reconciler<FakeManifests>.Settings) -> Void = { settings in
            if polls { settings.watcher.remoteFilesystem = { _ in "NFS" } }
            settings.watcher.times.polling = .milliseconds(100)
            settings.writer = FileWriter { call, path in
                // The first to go when the change is made.
                guard call == "unlink", path.hasSuffix(".old") else { return }
                formatter.withLock { formatter in
                    guard formatter == nil else { return }
                    let slow = SlowWriter(folder.path + "/a.yaml")
                    slow.write(FakeManifests.document("a", "2"))
                    formatter = slow
                }
                Pause.inWhichNothingMayHappen(.milliseconds(100))
            }
        }
        try await Harness(folder, edit: formatting).serve { harness in
            if polls { _ = await harness.nextEvent() }
            _ = await harness.nextServed()
            guard case .served = await harness.reconciler.apply([file(all)]) else {
                Issue.record("not applied")
                return
            }
            #expect(await harness.nextServed() == ["a": "2", "b": "2", "z": "2"])
            await Pause.inWhichNothingMayHappen(.milliseconds(300))
            #expect(harness.recorder.committedCount == 2)
            formatter.withLock { formatter in
                formatter?.write("---\n" + FakeManifests.document("z", "3"))
                formatter?.close()
            }
            #expect(await harness.nextServed() == ["a": "2", "b": "2", "z": "3"])
        }
    }
}
