import CLinux
import Diagnostics
import Glibc
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import Reconciliation

/// Changes of several files, cut off at every system call.
struct ManifestWriterTests {
    /// One file is replaced, one goes, one comes, one is a link to a file elsewhere, one lies below.
    private static func folder() -> TestFolder {
        let folder = TestFolder()
        folder.run(
            "mkdir sub ../elsewhere; printf old > ../elsewhere/linked.yaml; ln -s ../elsewhere/linked.yaml link.yaml")
        for name in ["gone.yaml", "kept.yaml", "sub/deep.yaml", "x.yaml"] { folder.replace(name, "old \(name)") }
        return folder
    }

    private static let edits = [
        edit("gone.yaml", "old gone.yaml", nil), edit("link.yaml", "old", "new"), edit("new.yaml", nil, "new"),
        edit("sub/deep.yaml", "old sub/deep.yaml", "new"), edit("x.yaml", "old x.yaml", "new"),
    ]

    private static func edit(_ path: String, _ before: String?, _ after: String?) -> ManifestWriter.Edit {
        ManifestWriter.Edit(path: path, before: before.map { Array($0.utf8) }, after: after.map { Array($0.utf8) })
    }

    /// All that lies in the folder and beside it, by name; links as what they lead to.
    private static func content(_ folder: TestFolder) -> [String: String] {
        var content: [String: String] = [:]
        for name in ["gone.yaml", "kept.yaml", "link.yaml", "new.yaml", "sub/deep.yaml", "x.yaml"] {
            content[name] = folder.text(name)
        }
        for place in ["", "/sub", "/../elsewhere"] {
            for name in names(folder.path + place) where name.hasPrefix(".heddle-") { content[name] = "left behind" }
        }
        for name in names(folder.state + "/changes") { content["changes/\(name)"] = "left behind" }
        return content
    }

    private static func names(_ path: String) -> [String] {
        do throws(SystemCallError) { return try FileAccess.names(inFolder: path).names } catch { return [] }
    }

    private static let before = [
        "gone.yaml": "old gone.yaml", "kept.yaml": "old kept.yaml", "link.yaml": "old", "x.yaml": "old x.yaml",
        "sub/deep.yaml": "old sub/deep.yaml",
    ]
    private static let after = [
        "kept.yaml": "old kept.yaml", "link.yaml": "new", "x.yaml": "new", "sub/deep.yaml": "new", "new.yaml": "new",
    ]

    private static func writer(_ folder: TestFolder, _ files: FileWriter = FileWriter()) -> ManifestWriter {
        ManifestWriter(
            folder: folder.path, journal: ChangeJournal(stateFolder: folder.heldState, writer: files), writer: files)
    }

    private static func settled(_ folder: TestFolder, _ files: FileWriter = FileWriter()) -> InterruptedChanges {
        InterruptedChanges(of: folder.path, in: ChangeJournal(stateFolder: folder.heldState, writer: files))
    }

    /// Those of a whole change.
    private static func calls() throws -> Calls {
        let folder = folder()
        let calls = Calls()
        try writer(folder, calls.writer).write(edits)
        return calls
    }

    /// System calls that a whole change makes.
    private static func callCount() throws -> Int {
        try calls().count
    }

    /// In the midst of the renames: two of the five are done. The first rename is the record's.
    private static func midst() throws -> Int {
        try calls().places(of: "rename")[3]
    }

    @Test func `a change is whole, and leaves nothing beside its files`() throws {
        let folder = Self.folder()
        try Self.writer(folder).write(Self.edits)
        #expect(Self.content(folder) == Self.after)
        folder.run("test -L link.yaml")
    }

    /// Where `elsewhere` may be entered, and not listed, nobody sees the draft of what the link leads to.
    @Test func `who sees the folder alone knows of half of a change that is made behind links, too`() throws {
        let folder = Self.folder()
        let halves = Mutex<[Bool]>([])
        let files = FileWriter { call, _ in
            guard call == "rename" else { return }
            let drafts = Self.names(folder.path).compactMap(ChangeRecord.Companion.init).filter(\.isDraft)
            halves.withLock { $0.append(WaitingDrafts.isHalf(drafts.map(\.step))) }
        }
        let edits = [Self.edit("link.yaml", "old", "new"), Self.edit("sub/deep.yaml", "old sub/deep.yaml", "new")]
        try Self.writer(folder, files).write(edits)
        // The record's own come before the first step and after the last.
        #expect(halves.withLock(\.self).dropFirst().prefix(2) == [true, true])
        #expect(Self.names(folder.path).filter { $0.hasPrefix(".heddle-") } == [])
    }

    @Test(arguments: [("link.yaml", "old", "link.yaml"), ("x.yaml", "old x.yaml", "latest")])
    func `a file does not go while a link leads to it, for it would lead nowhere`(
        path: String, before: String, link: String
    ) throws {
        let folder = Self.folder()
        folder.run("ln -s \"$PWD/x.yaml\" latest")
        let edits = [Self.edit("gone.yaml", "old gone.yaml", nil), Self.edit(path, before, nil)]
        let told = #expect(throws: ManifestWriter.Failure.self) { try Self.writer(folder).rehearse(edits) }
        let made = #expect(throws: ManifestWriter.Failure.self) { try Self.writer(folder).write(edits) }
        #expect(told?.diagnostic == made?.diagnostic)
        #expect(made?.isUndone == true)
        #expect(made?.diagnostic.code == .uneditable)
        #expect(made?.diagnostic.position.file == path)
        #expect(made?.diagnostic.remedy.contains("/\(link))") == true)
        #expect(Self.content(folder) == Self.before)
        folder.run("rm \(link)")
        let rest = path == link ? Array(edits.prefix(1)) : edits
        try Self.writer(folder).write(rest)
        #expect(FolderScan(of: folder.path).problems == [])
    }

    @Test func `cut off at any system call, the next start finds all of it or nothing`() throws {
        let count = try Self.callCount()
        #expect(count > 30)
        var endings: Set<Bool> = []
        for call in 0..<count {
            let folder = Self.folder()
            let calls = Calls(breakingOffAt: call)
            do throws(ManifestWriter.Failure) { try Self.writer(folder, calls.writer).write(Self.edits) } catch {}
            #expect(calls.isBrokenOff)
            let found = Self.settled(folder)
            let content = Self.content(folder)
            #expect(found.problems == [], "call \(call)")
            #expect(content == Self.before || content == Self.after, "call \(call): \(content)")
            endings.insert(content == Self.after)
        }
        #expect(endings == [true, false])
    }

    @Test func `cut off again while it is taken back, the start after that does the rest`() throws {
        let counter = Calls()
        let whole = try Self.halfDone()
        _ = Self.settled(whole, counter.writer)
        #expect(Self.content(whole) == Self.before)
        #expect(counter.count > 10)
        for call in 0..<counter.count {
            let folder = try Self.halfDone()
            _ = Self.settled(folder, Calls(breakingOffAt: call).writer)
            let found = Self.settled(folder)
            #expect(found.problems == [], "call \(call)")
            #expect(Self.content(folder) == Self.before, "call \(call)")
        }
    }

    @Test(arguments: [ENOSPC, EROFS, EIO, EACCES])
    func `a call that fails takes all of the change back, at once`(number: CInt) throws {
        let count = try Self.callCount()
        for call in 0..<count {
            let folder = Self.folder()
            let calls = Calls(failingAt: call, with: number)
            var failure: ManifestWriter.Failure?
            do throws(ManifestWriter.Failure) {
                try Self.writer(folder, calls.writer).write(Self.edits)
            } catch {
                failure = error
            }
            // Where all is renamed, it is there; what could not be cleared away is at the next start.
            if failure == nil { #expect(Self.settled(folder).problems == []) }
            #expect(failure?.isUndone ?? true, "call \(call)")
            #expect(Self.content(folder) == (failure == nil ? Self.after : Self.before), "call \(call)")
        }
    }

    @Test func `what was left of a change that is there is cleared away before the next`() throws {
        let folder = Self.folder()
        let last = try Self.callCount() - 2
        try Self.writer(folder, Calls(failingAt: last, with: EIO).writer).write(Self.edits)
        try Self.writer(folder).write([Self.edit("x.yaml", "new", "newer")])
        #expect(Self.content(folder) == Self.after.merging(["x.yaml": "newer"]) { $1 })
    }

    @Test func `a file that changed meanwhile is left alone, and so are all others`() throws {
        let folder = Self.folder()
        folder.replace("x.yaml", "mine")
        #expect(throws: ManifestWriter.Failure.self) { try Self.writer(folder).write(Self.edits) }
        #expect(Self.content(folder) == Self.before.merging(["x.yaml": "mine"]) { $1 })
    }

    @Test(arguments: [
        "chmod 600 x.yaml", "chmod 600 sub/deep.yaml", "chown 1234 ../elsewhere/linked.yaml", "chgrp 2345 gone.yaml",
        "ln -sf ../elsewhere/other.yaml link.yaml", "chmod 700 .",
    ])
    func `what was done to a file while it was written anew stays done, and nothing is written`(command: String) throws
    {
        guard geteuid() == 0 || !command.hasPrefix("ch") || command.hasPrefix("chmod") else { return }
        let folder = Self.folder()
        folder.run("printf old > ../elsewhere/other.yaml")
        let listed = "stat -c '%n %u:%g:%a %N' . *.yaml sub/* ../elsewhere/*"
        let isFirst = Atomic(true)
        let files = FileWriter { call, _ in
            guard call == "link", isFirst.exchange(false, ordering: .relaxed) else { return }
            folder.run("\(command); \(listed) > ../since")
        }
        var failure: ManifestWriter.Failure?
        do throws(ManifestWriter.Failure) {
            try Self.writer(folder, files).write(Self.edits)
        } catch {
            failure = error
        }
        #expect(failure?.diagnostic.code == .conflict)
        #expect(failure?.isUndone == true)
        #expect(Self.content(folder) == Self.before)
        folder.run("\(listed) | cmp - ../since")
    }

    @Test func `a folder that cannot be written is whole, and nothing is amiss with it`() throws {
        let folder = Self.folder()
        let all = Calls(breakingOffAt: try Self.calls().places(of: "open")[1], with: EROFS)
        var failure: ManifestWriter.Failure?
        do throws(ManifestWriter.Failure) {
            try Self.writer(folder, all.writer).write(Self.edits)
        } catch {
            failure = error
        }
        #expect(failure?.isUndone == true)
        #expect(Self.settled(folder, all.writer).problems == [])
        #expect(Self.settled(folder).problems == [])
        #expect(Self.content(folder) == Self.before)
    }

    @Test func `trouble with the state keeps no single file back, and many together`() throws {
        let folder = Self.folder()
        folder.run("touch ../state")
        try Self.writer(folder).write([Self.edit("x.yaml", "old x.yaml", "new")])
        #expect(folder.text("x.yaml") == "new")
        var failure: ManifestWriter.Failure?
        do throws(ManifestWriter.Failure) {
            try Self.writer(folder).write(Array(Self.edits.dropLast()))
        } catch {
            failure = error
        }
        #expect(failure?.isUndone == true)
        #expect(failure?.diagnostic.code.rawValue == "change.unwritable")
        #expect(Self.content(folder) == Self.before.merging(["x.yaml": "new"]) { $1 })
    }

    // MARK: Somebody was here meanwhile

    /// Two of five files are changed, and no more.
    private static func halfDone() throws -> TestFolder {
        let cut = try midst()
        let folder = Self.folder()
        do throws(ManifestWriter.Failure) {
            try writer(folder, Calls(breakingOffAt: cut).writer).write(edits)
        } catch {}
        #expect(folder.text("gone.yaml") == nil && folder.text("link.yaml") == "new" && folder.text("new.yaml") == nil)
        return folder
    }

    @Test func `a file that was edited since is never overwritten, and the folder not taken up`() throws {
        let folder = try Self.halfDone()
        folder.run("echo mine > ../elsewhere/linked.yaml")
        for _ in 0..<2 {
            let found = Self.settled(folder)
            #expect(found.problems.map(\.code.rawValue) == ["change.interrupted"])
            #expect(found.problems.first?.position.file == "link.yaml")
            #expect(folder.text("link.yaml") == "mine\n")
        }
        // A person decides: the record alone may have been lost.
        folder.run("rm ../state/changes/*")
        #expect(Self.settled(folder).problems.map(\.code) == [.interrupted])
        folder.run("find .. -name '.heddle-*' -delete")
        #expect(Self.settled(folder).problems == [])
        #expect(folder.text("link.yaml") == "mine\n")
    }

    @Test func `a file that the change had not come to may be edited, and the rest is taken back`() throws {
        let folder = try Self.halfDone()
        folder.replace("x.yaml", "mine")
        let found = Self.settled(folder)
        #expect(found.problems == [])
        #expect(found.warnings.map(\.code.rawValue) == ["change.taken-back"])
        #expect(Self.content(folder) == Self.before.merging(["x.yaml": "mine"]) { $1 })
    }

    @Test func `once a change is settled, its files may become what they like`() throws {
        // Cut off while what lay beside the files was removed.
        let calls = try Self.calls()
        let cut = try #require(calls.places(of: "rename").last) + 3
        let folder = Self.folder()
        try Self.writer(folder, Calls(breakingOffAt: cut).writer).write(Self.edits)
        #expect(Self.content(folder) != Self.after)
        folder.replace("x.yaml", "mine")
        #expect(Self.settled(folder).problems == [])
        #expect(Self.content(folder) == Self.after.merging(["x.yaml": "mine"]) { $1 })
    }

    @Test func `a folder that was moved is known again`() throws {
        let folder = try Self.halfDone()
        folder.run("mv '\(folder.path)' '\(folder.base)/moved'")
        let moved = folder.base + "/moved"
        let found = InterruptedChanges(of: moved, in: ChangeJournal(stateFolder: folder.heldState))
        #expect(found.problems == [])
        folder.run("mv '\(moved)' '\(folder.path)'")
        #expect(Self.content(folder) == Self.before)
    }

    @Test func `the change of another folder is told of and not touched`() throws {
        let folder = try Self.halfDone()
        let other = TestFolder()
        let found = InterruptedChanges(of: other.path, in: ChangeJournal(stateFolder: folder.heldState))
        #expect(found.problems == [])
        #expect(found.warnings.map(\.code.rawValue) == ["change.interrupted-elsewhere"])
        #expect(folder.text("link.yaml") == "new")
        #expect(Self.settled(folder).problems == [])
        #expect(Self.content(folder) == Self.before)
    }

    @Test func `a damaged record is told of, and nothing guessed`() throws {
        let folder = try Self.halfDone()
        folder.run("printf x | dd of=\"$(ls ../state/changes/*)\" bs=1 seek=40 conv=notrunc")
        let found = Self.settled(folder)
        #expect(found.problems.map(\.code.rawValue) == ["change.record-damaged"])
        #expect(folder.text("link.yaml") == "new")
    }

    // MARK: The record is elsewhere

    @Test
    func `a change of several files is not begun where the next start would not find its record, one of one file is`()
        throws
    {
        for command in ["mv ../state ../moved", "mv ../state ../moved; mkdir ../state", "rm -r ../state"] {
            let folder = Self.folder()
            _ = folder.heldState
            folder.run(command)
            var failure: ManifestWriter.Failure?
            do throws(ManifestWriter.Failure) { try Self.writer(folder).write(Self.edits) } catch { failure = error }
            #expect(failure?.isUndone == true)
            #expect(failure?.diagnostic.code == .unwritable)
            #expect(failure?.diagnostic.remedy.contains("put it back") == true)
            #expect(Self.content(folder) == Self.before)
            try Self.writer(folder).write([Self.edit("x.yaml", "old x.yaml", "new")])
            #expect(Self.content(folder) == Self.before.merging(["x.yaml": "new"]) { $1 })
        }
    }

    @Test func `a state folder that is moved while a change is prepared keeps it from being made`() throws {
        let folder = Self.folder()
        _ = folder.heldState
        let isFirst = Atomic(true)
        let files = FileWriter { call, _ in
            guard call == "link", isFirst.exchange(false, ordering: .relaxed) else { return }
            folder.run("mv ../state ../moved")
        }
        #expect(throws: ManifestWriter.Failure.self) { try Self.writer(folder, files).write(Self.edits) }
        #expect(Self.content(folder) == Self.before)
        folder.run("test -z \"$(ls -A ../moved/changes)\"")
    }

    @Test func `half of a change whose record is lost is refused, until a person has decided or the record is back`()
        throws
    {
        let folder = try Self.halfDone()
        folder.run("mv ../state/changes ../lost")
        for _ in 0..<2 {
            let found = Self.settled(folder)
            #expect(found.problems.map(\.code) == [.interrupted])
            #expect(found.warnings == [])
        }
        folder.run("mv ../lost ../state/changes")
        #expect(Self.settled(folder).problems == [])
        #expect(Self.content(folder) == Self.before)
    }

    @Test func `what a change leaves that was not begun, or was done, is told of and stands in nobody's way`() throws {
        let edits = Array(Self.edits.dropFirst())
        let counter = Calls()
        let whole = Self.folder()
        try Self.writer(whole, counter.writer).write(edits)
        #expect(whole.text("x.yaml") == "new")
        let renames = counter.places(of: "rename")
        // Before the first step; after the last, and in the midst of clearing away.
        for cut in [renames[1], renames[renames.count - 1], renames[renames.count - 1] + 3] {
            let folder = Self.folder()
            do throws(ManifestWriter.Failure) {
                try Self.writer(folder, Calls(breakingOffAt: cut).writer).write(edits)
            } catch {}
            folder.run("rm ../state/changes/*")
            let found = Self.settled(folder)
            #expect(found.problems == [], "\(cut)")
            #expect(found.warnings.map(\.code) == [.leftBehind], "\(cut)")
            folder.run("find .. -name '.heddle-*' -delete")
            #expect(Self.settled(folder).warnings == [])
        }
    }

    // MARK: Whose files they are

    @Test func `a file that is replaced keeps its permissions`() throws {
        let folder = Self.folder()
        folder.run("chmod 640 x.yaml; chmod 600 sub/deep.yaml")
        try Self.writer(folder).write(Self.edits)
        folder.run("test $(stat -c %a x.yaml) = 640 && test $(stat -c %a sub/deep.yaml) = 600")
    }

    @Test func `a file that is replaced keeps what its owner noted on it`() throws {
        let folder = Self.folder()
        let value: [UInt8] = Array("of the team".utf8)
        let path = folder.path + "/x.yaml"
        // Not every filesystem has attributes.
        guard unsafe setxattr(path, "user.note", value, value.count, 0) == 0 || errno != EOPNOTSUPP else { return }
        try Self.writer(folder).write(Self.edits)
        var found = [UInt8](repeating: 0, count: 64)
        let count = unsafe getxattr(path, "user.note", &found, found.count)
        #expect(found.prefix(max(0, count)) == value[...])
    }

    @Test func `a new file may be read by those who may look into its folder`() throws {
        let folder = Self.folder()
        folder.run("chmod 750 .")
        try Self.writer(folder).write(Self.edits)
        folder.run("test $(stat -c %a new.yaml) = 640")
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
    func `a file stays its owner's, and a new one is its folder's owner's`() throws {
        let folder = Self.folder()
        folder.run("chown 1234:2345 x.yaml; chown 3456:4567 . ; chmod 640 x.yaml")
        try Self.writer(folder).write(Self.edits)
        folder.run("test $(stat -c %u:%g:%a x.yaml) = 1234:2345:640 && test $(stat -c %u:%g new.yaml) = 3456:4567")
    }

    @Test(.enabled(if: geteuid() == 0, "somebody else's file is needed"))
    func `a file that cannot be given to its owner is not replaced, nor is any other`() throws {
        let folder = Self.folder()
        folder.run("mkdir ../state; chmod -R a+rwX .. ../elsewhere; chmod 644 x.yaml")
        let listed = "stat -c '%n %u:%g:%a' *.yaml sub/*"
        folder.run("\(listed) > ../before")
        var failure: ManifestWriter.Failure?
        Nobody.run {
            do throws(ManifestWriter.Failure) { try Self.writer(folder).write(Self.edits) } catch { failure = error }
        }
        #expect(failure?.isUndone == true)
        #expect(failure?.diagnostic.code.rawValue == "change.owner-not-kept")
        #expect(failure?.diagnostic.remedy.contains("chown") == true)
        #expect(Self.content(folder) == Self.before)
        folder.run("\(listed) | cmp - ../before")
    }

    @Test(.enabled(if: geteuid() == 0, "somebody else's folder is needed"))
    func `a new file that cannot be its folder's owner's is no more open for it`() throws {
        let folder = Self.folder()
        folder.run("chown 1234:2345 .; chmod 757 .; chmod 711 ..")
        try Nobody.run { _ = try Self.writer(folder).write([Self.edit("new.yaml", nil, "new")]) }
        folder.run("test $(stat -c %u:%a new.yaml) = 65534:644")
        folder.run("rm new.yaml; chmod 737 .")
        try Nobody.run { _ = try Self.writer(folder).write([Self.edit("new.yaml", nil, "new")]) }
        folder.run("test $(stat -c %u:%a new.yaml) = 65534:600")
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
    func `a deleted file that comes back is whose it was`() throws {
        let folder = Self.folder()
        folder.run("chown 1234:2345 gone.yaml; chmod 604 gone.yaml")
        let cut = try Self.midst()
        do throws(ManifestWriter.Failure) {
            try Self.writer(folder, Calls(failingAt: cut, with: EIO).writer).write(Self.edits)
        } catch {}
        folder.run("test $(stat -c %u:%g:%a gone.yaml) = 1234:2345:604")
    }
}
