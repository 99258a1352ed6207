import Glibc
import TestSupport
import Testing

@testable import Reconciliation

@Suite(.timeLimit(.minutes(2)), .serialized)
struct `A file replaced by rename` {
    private func serving(
        quiet: Duration = .seconds(2), afterRename: Duration = .milliseconds(20), _ body: (Harness) async throws -> Void
    ) async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.service("b", "1")
        let harness = try Harness(folder) {
            $0.watcher.times.quiet = quiet
            $0.watcher.times.wait = quiet * 2
            $0.watcher.times.longestWait = quiet * 2
            $0.watcher.times.quietAfterRename = afterRename
        }
        try await harness.serve { harness in
            _ = await harness.nextServed()
            try await body(harness)
        }
    }

    @Test func `is served before all is quiet`() async throws {
        try await serving(quiet: .seconds(3600)) { harness in
            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
        }
    }

    @Test func `is served once`() async throws {
        try await serving(quiet: .milliseconds(200)) { harness in
            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test func `waits if another follows, and both are one change`() async throws {
        try await serving(quiet: .milliseconds(200), afterRename: .milliseconds(100)) { harness in
            harness.folder.service("a", "2")
            harness.folder.service("b", "2")
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
            await harness.expectNothingElse()
        }
    }

    @Test func `waits if it takes a resource away or brings one, which other files may still do or undo`() async throws
    {
        try await serving { harness in
            // The first of two renames that move b into a's file: in between it would be there twice.
            harness.folder.replace(
                "a.yaml", FakeManifests.document("a", "1") + "---\n" + FakeManifests.document("b", "2"))
            await Pause.inWhichNothingMayHappen(.milliseconds(100))
            harness.folder.run("rm b.yaml")
            #expect(await harness.nextServed() == ["a": "1", "b": "2"])
        }
    }

    @Test func `waits if it is wrong, and nothing is said if it is mended meanwhile`() async throws {
        try await serving { harness in
            harness.folder.replace("a.yaml", "service: a\n")
            await Pause.inWhichNothingMayHappen(.milliseconds(100))
            harness.folder.service("a", "3")
            #expect(await harness.nextServed() == ["a": "3", "b": "1"])
        }
    }

    @Test func `waits while the folder is wrong`() async throws {
        try await serving { harness in
            harness.folder.replace("a.yaml", "service: a\n")
            #expect(await !harness.nextRefused().isEmpty)
            harness.folder.service("a", "4")
            #expect(await harness.nextServed() == ["a": "4", "b": "1"])
        }
    }

    @Test func `that is still being written counts when it is closed`() async throws {
        try await serving { harness in
            let writer = SlowWriter(harness.folder.path + "/../n", flags: O_CREAT)
            writer.write("service: a\nvalue: 5\n")
            harness.folder.run("mv ../n a.yaml")
            await Pause.inWhichNothingMayHappen(.milliseconds(100))
            writer.write("end\n")
            writer.close()
            #expect(await harness.nextServed() == ["a": "5", "b": "1"])
        }
    }
}
