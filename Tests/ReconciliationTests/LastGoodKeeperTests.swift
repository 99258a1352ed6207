import Diagnostics
import TestSupport
import Testing

@testable import Reconciliation

/// What is kept of what serves, for a start when the folder is wrong.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct LastGoodKeeperTests {
    @Test func `after a restart the last good set serves while the folder is wrong`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder).serve { harness in
            _ = await harness.nextServed()
            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2"])
        }
        folder.replace("a.yaml", "service: a\n")
        let harness = try Harness(folder)
        try await harness.serve { harness in
            _ = await harness.nextRefused()
            #expect(await harness.nextServed() == ["a": "2"])
            let serving = await harness.reconciler.status.serving
            #expect(serving?.source == .lastGood)
            #expect(serving?.generation.number == 2)
            harness.folder.service("a", "3")
            #expect(await harness.nextServed() == ["a": "3"])
            #expect(await harness.reconciler.status.serving?.generation.number == 3)
        }
    }

    @Test func `a folder mended to what serves makes no new generation`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder).serve { _ = await $0.nextServed() }
        folder.replace("a.yaml", "service: a\n")
        try await Harness(folder).serve { harness in
            _ = await harness.nextRefused()
            #expect(await harness.nextServed() == ["a": "1"])
            harness.folder.service("a", "1")
            await harness.nextMended()
            await harness.expectNothingElse()
            let serving = await harness.reconciler.status.serving
            #expect(serving?.generation.number == 2)
            #expect(serving?.source == .folder)
        }
    }

    @Test func `the same folder after a restart is the same generation`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        for _ in 0..<2 {
            try await Harness(folder).serve { harness in
                _ = await harness.nextServed()
                #expect(await harness.reconciler.status.serving?.generation.number == 1)
            }
        }
    }

    @Test func `a damaged last good set is reported and passed over`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder).serve { _ = await $0.nextServed() }
        folder.run("printf x | dd of=../state/generations/last-good bs=1 seek=40 conv=notrunc")
        try await Harness(folder).serve { harness in
            guard case .stateProblem(let problem) = await harness.nextEvent() else {
                Issue.record("no problem")
                return
            }
            #expect(problem.code == .stateDamaged)
            #expect(await harness.nextEvent() == .stateMended)
            #expect(await harness.nextServed() == ["a": "1"])
        }
    }

    @Test func `a set that could not be kept is kept once it can be, though nothing changes`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.run("mkdir -p ../state && echo in the way > ../state/generations")
        let harness = try Harness(folder) { $0.watcher.times.rescan = .milliseconds(100) }
        try await harness.serve { harness in
            var event = await harness.nextEvent()
            #expect(event?.isStateProblem == true)
            #expect(harness.keeper.heldBack.map(\.severity) == [.error])
            while event?.isStateProblem == true { event = await harness.nextEvent() }
            folder.run("rm ../state/generations")
            #expect(await harness.nextEvent() == .stateMended)
            #expect(harness.keeper.heldBack == [])
        }
        folder.run("test -s ../state/generations/last-good")
    }

    @Test(arguments: [
        "cp -al ../state/generations ../copy", "chmod 400 ../state/generations/last-good",
        "touch -a ../state/generations/last-good",
    ])
    func `what is kept and gets another name or other permissions is neither removed nor replaced`(command: String)
        async throws
    {
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder).serve { harness in
            _ = await harness.nextServed()
            await harness.reconciler.lookAfterKept()
            folder.run(command)
            await harness.reconciler.lookAfterKept()
            #expect(await harness.reconciler.status.stateProblem == nil)
            await harness.expectNothingElse()
        }
    }

    @Test func `what could not be kept, or was lost, is kept at the end`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.run("mkdir -p ../state && echo in the way > ../state/generations")
        // Nothing is tried again before the end.
        let harness = try Harness(folder) { $0.watcher.times.rescan = .seconds(3600) }
        try await harness.serve { harness in
            while await harness.nextEvent()?.isStateProblem == true {}
            folder.run("rm ../state/generations")
        }
        folder.run("test -s ../state/generations/last-good")
        try await Harness(folder).serve { harness in
            _ = await harness.nextServed()
            folder.run("rm ../state/generations/last-good")
        }
        folder.run("test -s ../state/generations/last-good")
    }

    @Test(arguments: ["rm -r ../state/generations", "echo other > ../state/generations/last-good"])
    func `what is kept and then removed or replaced is told, and kept again`(command: String) async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder).serve { harness in
            _ = await harness.nextServed()
            await harness.reconciler.lookAfterKept()
            folder.run(command)
            await harness.reconciler.lookAfterKept()
            #expect(await harness.nextEvent()?.isStateProblem == true)
            #expect(await harness.nextEvent() == .stateMended)
            #expect(await harness.reconciler.status.stateProblem == nil)
            await harness.reconciler.lookAfterKept()
            await harness.expectNothingElse()
        }
        folder.replace("a.yaml", "service: a\n")
        try await Harness(folder).serve { harness in
            _ = await harness.nextRefused()
            #expect(await harness.nextServed() == ["a": "1", "sentinel": "1"])
        }
    }

    @Test func `nothing is kept in a folder that stands where the state folder stood`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder).serve { harness in
            _ = await harness.nextServed()
            folder.run(
                "mv ../state ../moved && mkdir -p ../state/generations && echo theirs > ../state/generations/last-good")
            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2"])
        }
        folder.run(
            "test \"$(cat ../state/generations/last-good)\" = theirs && grep -q 2 ../moved/generations/last-good")
    }

    @Test func `the state is readable by its owner alone`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        try await Harness(folder).serve { _ = await $0.nextServed() }
        folder.run(
            "test $(stat -c %a ../state/generations) = 700 && test $(stat -c %a ../state/generations/last-good) = 600")
    }
}

extension ReconcilerEvent {
    fileprivate var isStateProblem: Bool {
        if case .stateProblem = self { true } else { false }
    }
}
