import Glibc
import TestSupport
import Testing

@testable import Reconciliation

/// Files that are written to where their folder is not told of it; the next reading of everything is an hour away.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct `A file with another way to it` {
    static let canMount: Bool = {
        let folder = TestFolder()
        return unsafe geteuid() == 0
            && system("cd \(folder.path) && touch a b && mount --bind a b 2>/dev/null && umount b") == 0
    }()

    private func serving(
        _ prepare: String, keyFiles: [String] = [],
        _ edit: (inout Reconciler<FakeManifests>.Settings) -> Void = { $0.watcher.times.polling = .seconds(3600) },
        _ body: (Harness) async throws -> Void
    ) async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.service("b", "1")
        folder.run(prepare)
        let harness = try Harness(folder, manifests: FakeManifests(keyFiles: keyFiles)) {
            $0.watcher.times.rescan = .seconds(3600)
            edit(&$0)
        }
        try await harness.serve { harness in
            _ = await harness.nextServed()
            try await body(harness)
        }
    }

    @Test func `is watched itself if it has several names`() async throws {
        try await serving("ln a.yaml ../other") { harness in
            let alone = await harness.reconciler.status.watchedAlone
            #expect(alone == [WatchedAlone(path: "a.yaml", reason: .severalNames, isPolled: false)])
            harness.folder.run("sed s/1/2/ a.yaml > ../text && cat ../text > ../other")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
            await harness.expectNothingElse()
        }
    }

    /// No event tells of another name; the next reading of everything finds it.
    @Test func `is watched itself once it was found to have another name`() async throws {
        try await serving("true") { harness in
            harness.folder.run("ln a.yaml ../other")
            await harness.reconciler.watcher.rescan()
            harness.folder.service("b", "2")
            #expect(await harness.nextServed() == ["a": "1", "b": "2"])
            harness.folder.run("sed s/1/3/ a.yaml > ../text && cat ../text > ../other")
            #expect(await harness.nextServed() == ["a": "3", "b": "2"])
        }
    }

    @Test func `is held while it is written to there`() async throws {
        try await serving("ln a.yaml ../other") { harness in
            let writer = SlowWriter(harness.folder.base + "/other")
            writer.write("service: a\nvalue: 2\n")
            harness.folder.service("b", "2")
            #expect(await harness.nextServed() == ["a": "1", "b": "2"])
            writer.write("end\n")
            writer.close()
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
            await harness.expectNothingElse()
        }
    }

    @Test(.enabled(if: canMount)) func `is watched itself if something is mounted there`() async throws {
        let mounts = "cp a.yaml ../source && mount --bind ../source a.yaml"
        try await serving(mounts) { harness in
            defer { harness.folder.run("umount a.yaml") }
            let alone = await harness.reconciler.status.watchedAlone
            #expect(alone == [WatchedAlone(path: "a.yaml", reason: .mountPoint, isPolled: false)])
            harness.folder.run("sed s/1/2/ a.yaml > ../text && cat ../text > ../source")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test(.enabled(if: canMount)) func `is read again when something is mounted there`() async throws {
        let edit = { (settings: inout Reconciler<FakeManifests>.Settings) in
            settings.watcher.times.polling = .milliseconds(10)
        }
        try await serving("sed s/1/2/ a.yaml > ../source", edit) { harness in
            harness.folder.run("mount --bind ../source a.yaml")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
            harness.folder.run("umount a.yaml")
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
        }
    }

    @Test func `is watched itself if it is a certificate`() async throws {
        try await serving("printf one > ../tls.pem && ln ../tls.pem ../other", keyFiles: ["../tls.pem"]) { harness in
            // Generation 1 may have been served before the file was watched; the next reading has it.
            harness.folder.service("b", "2")
            #expect(await harness.nextServed() == ["a": "1", "b": "2"])
            harness.folder.run("printf two > ../other")
            #expect(await harness.nextServed() == ["a": "1", "b": "2"])
        }
    }

    @Test func `is looked at again and again if it cannot be watched, and that is told`() async throws {
        // Watches: the folders on the way to the manifests, and none is left for the file.
        let edit = { (settings: inout Reconciler<FakeManifests>.Settings) in
            settings.watcher.watchLimit = 2
            settings.watcher.times.polling = .milliseconds(50)
        }
        try await serving("ln a.yaml ../other", edit) { harness in
            let status = await harness.reconciler.status
            #expect(status.watching == .inotify)
            #expect(status.watchedAlone == [WatchedAlone(path: "a.yaml", reason: .severalNames, isPolled: true)])
            harness.folder.run("sed s/1/2/ a.yaml > ../text && cat ../text > ../other")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
        }
    }

    @Test func `is looked at again and again behind a folder that may be entered and not read`() async throws {
        let folder = TestFolder()
        folder.service("b", "1")
        folder.run(
            """
            chmod 755 .. . && mkdir ../home && printf 'service: a\nvalue: 1\nend\n' > ../home/a && ln -s ../home/a a.yaml
            chmod 711 ../home
            """)
        _ = folder.heldState  // which is not what this is about
        let harness = try Nobody.run {
            try Harness(folder) {
                $0.watcher.times.rescan = .seconds(3600)
                $0.watcher.times.polling = .milliseconds(50)
            }
        }
        try await harness.serve { harness in
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            #expect(await harness.reconciler.status.watchedAlone.map(\.isPolled) == [true])
            harness.folder.run("sed s/1/2/ ../home/a > ../text && mv ../text ../home/a")
            #expect(await harness.nextServed() == ["a": "2", "b": "1"])
        }
    }
}
