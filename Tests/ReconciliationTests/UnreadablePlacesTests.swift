import Diagnostics
import Glibc
import TestSupport
import Testing

@testable import Reconciliation

/// What cannot be read refuses the set, and heals as soon as it can be: by events, for the next reading of everything is
/// an hour away.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct `What cannot be read` {
    private func serving(_ prepare: String = "true", _ body: (Harness) async throws -> Void) async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.run("chmod 755 .. . && mkdir sub && printf 'service: deny\nvalue: 1\nend\n' > sub/deny.yaml")
        folder.run(prepare)
        _ = folder.heldState  // which is not what this is about
        let harness = try Nobody.run {
            try Harness(folder) {
                $0.watcher.times.rescan = .seconds(3600)
                $0.watcher.times.polling = .seconds(3600)
            }
        }
        try await harness.serve { harness in
            _ = await harness.nextServed()
            try await body(harness)
        }
    }

    @Test(arguments: ["744", "000"])
    func `is a folder without permission, and it heals at once`(mode: String) async throws {
        try await serving { harness in
            harness.folder.run("chmod \(mode) sub")
            #expect(await harness.nextRefused().map(\.code) == [.folderUnreadable])
            harness.folder.run("chmod 755 sub")
            await harness.nextMended()
            await harness.expectNothingElse()
        }
    }

    @Test func `is a link whose folder went, and it heals at once`() async throws {
        try await serving("mkdir ../far && mv sub/deny.yaml ../far/ && ln -s ../far link") { harness in
            harness.folder.run("mv ../far ../away")
            #expect(await harness.nextRefused().map(\.code) == [.brokenLink])
            harness.folder.run("mv ../away ../far")
            await harness.nextMended()
            await harness.expectNothingElse()
        }
    }

    @Test func `is a link to a file that went, however long ago, and it heals at once`() async throws {
        try await serving("mv sub/deny.yaml ../far && ln -s ../far deny.yaml") { harness in
            harness.folder.run("mv ../far ../away")
            #expect(await harness.nextRefused().map(\.code) == [.brokenLink])
            // A change of another file does not make the set one without it.
            harness.folder.service("a", "2")
            #expect(await harness.nextRefused().map(\.code) == [.brokenLink])
            harness.folder.run("mv ../away ../far")
            #expect(await harness.nextServed() == ["a": "2", "deny": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test func `is a link through a folder that nobody may enter, and it heals at once`() async throws {
        try await serving("mkdir -p ../locked/far && mv sub/deny.yaml ../locked/far && ln -s ../locked/far link") {
            harness in
            harness.folder.run("chmod 700 ../locked; touch a.yaml; mkdir other")
            #expect(await harness.nextRefused().map(\.code) == [.brokenLink])
            harness.folder.run("chmod 755 ../locked")
            await harness.nextMended()
            await harness.expectNothingElse()
        }
    }

    @Test func `is a name that is not UTF-8, and a change with it stays one`() async throws {
        try await serving { harness in
            harness.folder.run(
                "printf x > \"$(printf 'd\\351ny.yaml')\"; printf 'service: b\nvalue: 1\nend\n' > b.yaml")
            let refused = await harness.nextRefused()
            #expect(refused.map(\.code) == [.unreadableName])
            #expect(refused.map(\.position.file) == ["d\\xE9ny.yaml"])
            harness.folder.run("rm \"$(printf 'd\\351ny.yaml')\"")
            #expect(await harness.nextServed() == ["a": "1", "b": "1", "deny": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test func `is a last good set behind a link that leads nowhere`() throws {
        let folder = TestFolder()
        #expect(try LastGoodStore(stateFolder: folder.heldState).load() == nil)
        folder.run("mkdir -p ../state/generations && ln -s nowhere ../state/generations/last-good")
        #expect(throws: Diagnostic.self) { try LastGoodStore(stateFolder: folder.heldState).load() }
        folder.run("rm -r ../state/generations && ln -s nowhere ../state/generations")
        #expect(throws: Diagnostic.self) { try LastGoodStore(stateFolder: folder.heldState).load() }
    }
}
