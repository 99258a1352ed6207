import Diagnostics
import Glibc
import TestSupport
import Testing

@testable import Reconciliation

@Suite(.timeLimit(.minutes(2)), .serialized)
struct `Each way of changing a file` {
    /// A harness that serves `a` and `b`, both 1.
    private func serving(
        edit: (inout ReadingTimes) -> Void = { _ in }, _ body: (Harness) async throws -> Void
    ) async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        folder.service("b", "1")
        let harness = try Harness(folder) { edit(&$0.watcher.times) }
        try await harness.serve { harness in
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            try await body(harness)
        }
    }

    private static let changed = ["a": "2", "b": "1"]

    /// So long a busy machine may take from one step of a command to the next, where a file is gone in between.
    private static func patientWithFiles(_ times: inout ReadingTimes) { times.vanishing = .seconds(60) }
    /// And where the folder is.
    private static func patientWithFolders(_ times: inout ReadingTimes) { times.quiet = .seconds(1) }
    /// And where a file has another name.
    private static func patientWithNames(_ times: inout ReadingTimes) {
        times.quiet = .seconds(1)
        times.quietAfterRename = .seconds(1)
    }

    @Test(arguments: [
        // Quotes in the shell are double, for the text goes through single ones.
        "printf 'service: a\\nvalue: 2\\nend\\n' > ../n && mv ../n a.yaml",
        "printf 'service: a\\nvalue: 2\\nend\\n' > ../n && cp ../n a.yaml",
        "printf 'service: a\\nvalue: 2\\nend\\n' > a.yaml",
        "sed -i s/1/2/ a.yaml",
        "printf 'service: a\\nvalue: 2\\nend\\n' > a.tmp && mv a.tmp a.yaml",
        // Emacs' first save: the old file becomes the backup.
        "mv a.yaml a.yaml~ && touch .#a.yaml && sed s/1/2/ a.yaml~ > a.yaml && chmod 644 a.yaml && rm .#a.yaml",
        // Emacs' further saves, with an auto-save file.
        "cp a.yaml '#a.yaml#' && sed s/1/2/ '#a.yaml#' > a.yaml && rm '#a.yaml#'",
        // Vim: a test file, the backup, the new file, and the backup goes.
        "touch 4913 && rm 4913 && mv a.yaml a.yaml~ && sed s/1/2/ a.yaml~ > a.yaml && chmod 644 a.yaml && rm a.yaml~",
        "command -v vim || exec sed -i s/1/2/ a.yaml; vim -u NONE -es -c '%s/1/2/' -c wq a.yaml",
        "command -v vim || exec sed -i s/1/2/ a.yaml; vim -u NONE -es -c 'set backup backupcopy=yes' -c '%s/1/2/' -c wq a.yaml",
        "command -v vim || exec sed -i s/1/2/ a.yaml; vim -u NONE -es -c 'set backup backupcopy=no' -c '%s/1/2/' -c wq a.yaml",
        "rm a.yaml; printf 'service: a\\nvalue: 2\\nend\\n' > a.yaml",
        "printf 'service: a\\nvalue: 2\\nend\\n' > ../n && ln -f ../n a.yaml",
    ])
    func `is taken up once, and never half`(command: String) async throws {
        try await serving(edit: Self.patientWithFiles) { harness in
            harness.folder.run("( \(command) )")
            #expect(await harness.nextServed() == Self.changed)
            await harness.expectNothingElse()
        }
    }

    @Test(arguments: ["sed s/1/2/ a.yaml > c.yaml; rm a.yaml", "sed -i s/1/2/ a.yaml; mv a.yaml c.yaml"])
    func `that leaves the file with another name is taken up once`(command: String) async throws {
        try await serving(edit: Self.patientWithNames) { harness in
            harness.folder.run("( \(command) )")
            #expect(await harness.nextServed() == Self.changed)
            await harness.expectNothingElse()
        }
    }

    @Test func `a write in slow pieces counts when it is closed`() async throws {
        try await serving { harness in
            let writer = SlowWriter(harness.folder.path + "/a.yaml")
            writer.write("service: a\n")
            // Everything that another change or a rescan reads meanwhile has the old version.
            harness.folder.service("b", "2")
            #expect(await harness.nextServed() == ["a": "1", "b": "2"])
            writer.write("value: 2\n")
            await harness.reconciler.watcher.rescan()
            harness.folder.service("b", "3")
            #expect(await harness.nextServed() == ["a": "1", "b": "3"])
            writer.write("end\n")
            writer.close()
            #expect(await harness.nextServed() == ["a": "2", "b": "3"])
            await harness.expectNothingElse()
        }
    }

    @Test func `a new file in slow pieces counts when it is closed`() async throws {
        try await serving { harness in
            harness.folder.run("mkdir -p sub")
            let writer = SlowWriter(harness.folder.path + "/sub/c.yaml", flags: O_CREAT)
            writer.write("service: c\nvalue: 1\n")
            harness.folder.service("b", "2")
            #expect(await harness.nextServed() == ["a": "1", "b": "2"])
            writer.write("end\n")
            writer.close()
            #expect(await harness.nextServed() == ["a": "1", "b": "2", "c": "1"])
            await harness.expectNothingElse()
        }
    }

    @Test func `a checkout of fifty files is one change`() async throws {
        let folder = TestFolder()
        for number in 0..<50 { folder.service("s\(number)", "1") }
        folder.run(
            """
            git init -q . && git config user.email a@b && git config user.name a && git add . && git commit -qm one &&
            sed -i 's/value: 1/value: 2/' *.yaml && git rm -q --cached s49.yaml && mv s49.yaml t49.yaml && git add . && git commit -qm two &&
            git checkout -q HEAD~1
            """)
        let harness = try Harness(folder)
        try await harness.serve { harness in
            _ = await harness.nextServed()
            harness.folder.run("git checkout -q master || git checkout -q main")
            let served = await harness.nextServed()
            #expect(served.count == 50)
            #expect(served.values.allSatisfy { $0 == "2" })
            await harness.expectNothingElse()
        }
    }

    @Test func `nothing is taken up while a command of git holds its lock`() async throws {
        let folder = TestFolder()
        folder.run("git init -q ..")
        folder.service("a", "1")
        folder.service("b", "1")
        let harness = try Harness(folder) {
            $0.watcher.times.operation = .seconds(3600)
            $0.watcher.times.wait = .milliseconds(50)
        }
        try await harness.serve { harness in
            _ = await harness.nextServed()
            harness.folder.run("touch ../.git/index.lock && sed s/1/2/ a.yaml > ../text && cat ../text > a.yaml")
            // Longer than any other reason to wait.
            await Pause.inWhichNothingMayHappen(.milliseconds(500))
            #expect(await harness.reconciler.status.serving?.generation.number == 1)
            harness.folder.run("sed s/1/2/ b.yaml > ../text && cat ../text > b.yaml; rm ../.git/index.lock")
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
            await harness.expectNothingElse()
        }
    }

    @Test func `one file that was replaced is taken up although a command of git holds its lock`() async throws {
        let folder = TestFolder()
        folder.run("git init -q ..")
        folder.service("a", "1")
        let harness = try Harness(folder) { $0.watcher.times.operation = .seconds(3600) }
        try await harness.serve { harness in
            _ = await harness.nextServed()
            harness.folder.run("touch ../.git/index.lock")
            harness.folder.service("a", "2")
            #expect(await harness.nextServed() == ["a": "2"])
        }
    }

    @Test func `a start in the middle of a command of git waits for its end`() async throws {
        let folder = TestFolder()
        folder.run("git init -q .. && touch ../.git/index.lock")
        folder.service("a", "1")
        let harness = try Harness(folder) { $0.watcher.times.operation = .seconds(3600) }
        async let started = harness.reconciler.start()
        await Pause.inWhichNothingMayHappen(.milliseconds(200))
        folder.service("b", "1")
        folder.run("rm ../.git/index.lock")
        guard case .serving(let served) = await started else {
            Issue.record("nothing serves")
            return
        }
        #expect(served.resourceCount == 2)
    }

    @Test func `a swapped link takes up all files behind it at once`() async throws {
        let folder = TestFolder()
        folder.run(
            """
            mkdir ..one ..two && printf 'service: a\\nvalue: 1\\nend\\n' > ..one/a.yaml &&
            printf 'service: b\\nvalue: 1\\nend\\n' > ..one/b.yaml && sed s/1/2/ ..one/a.yaml > ..two/a.yaml &&
            sed s/1/2/ ..one/b.yaml > ..two/b.yaml && ln -s ..one ..data && ln -s ..data/a.yaml a.yaml &&
            ln -s ..data/b.yaml b.yaml
            """)
        let harness = try Harness(folder)
        try await harness.serve { harness in
            #expect(await harness.nextServed() == ["a": "1", "b": "1"])
            harness.folder.run("ln -s ..two ..data_tmp && mv -T ..data_tmp ..data && rm -r ..one")
            #expect(await harness.nextServed() == ["a": "2", "b": "2"])
            // And the next link of the chain is watched now.
            harness.folder.run("sed -i s/2/3/ ..two/a.yaml")
            #expect(await harness.nextServed() == ["a": "3", "b": "2"])
            await harness.expectNothingElse()
        }
    }

    @Test func `the manifests folder itself may be a swapped link`() async throws {
        let folder = TestFolder()
        folder.run("cd .. && rmdir mesh && mkdir one two && ln -s one mesh")
        folder.service("a", "1")
        folder.run("cp ../one/a.yaml ../two/a.yaml && sed -i s/1/2/ ../two/a.yaml")
        let harness = try Harness(folder)
        try await harness.serve { harness in
            #expect(await harness.nextServed() == ["a": "1"])
            harness.folder.run("cd .. && ln -s two next && mv -T next mesh")
            #expect(await harness.nextServed() == ["a": "2"])
            await harness.expectNothingElse()
        }
    }

    @Test func `a folder that is replaced is one change`() async throws {
        try await serving(edit: Self.patientWithFolders) { harness in
            harness.folder.run(
                "cd .. && cp -r mesh new && sed -i s/1/2/ new/a.yaml && mv mesh old && mv new mesh")
            #expect(await harness.nextServed() == Self.changed)
            await harness.expectNothingElse()
        }
    }

    @Test func `a folder removed is reported, and taken up when it is back`() async throws {
        try await serving { harness in
            harness.folder.run("cd .. && mv mesh away")
            #expect(await harness.nextRefused().map(\.code) == [.folderMissing])
            harness.folder.run(
                "mv away gone && mkdir mesh && cp gone/a.yaml gone/b.yaml mesh && mv gone/a.yaml . && sed -i s/1/2/ a.yaml && mv a.yaml mesh"
            )
            var served = await harness.nextEvent()
            // Between the folder's making and the last file's coming, it may have been read with less in it.
            while case .pending = served { served = await harness.nextEvent() }
            while case .refused = served { served = await harness.nextEvent() }
            #expect(await harness.reconciler.status.serving?.resourceCount == 2)
        }
    }

    @Test(arguments: [
        "touch a.yaml", "touch .a.yaml.swp 4913 a.yaml~ '#a.yaml#' .#a.yaml a.tmp a.yaml.orig README.md",
        "mkdir .git && cp a.yaml .git/", "cp a.yaml n && mv n a.yaml", "chmod 600 a.yaml",
        "mv a.yaml c && mv c a.yaml", "ln -s . loop", "ln -s /nowhere .broken-link",
    ])
    func `is no change if it leaves the manifests as they were`(command: String) async throws {
        try await serving { harness in
            harness.folder.run(command)
            await harness.expectNothingElse()
        }
    }
}
