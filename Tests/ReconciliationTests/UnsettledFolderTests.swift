import Glibc
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
}
