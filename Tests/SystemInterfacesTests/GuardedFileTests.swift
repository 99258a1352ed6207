import Glibc
import TestSupport
import Testing

@testable import SystemInterfaces

/// A file whose way nobody can bend.
struct GuardedFileTests {
    private let folder = ScratchFolder()
    private let path: String
    private let me = geteuid()

    init() { path = folder.path }

    private func write(_ text: String, to name: String, permissions: UInt16 = 0o600) throws(GuardedFile.Obstacle) {
        try GuardedFile("\(path)/\(name)", for: me).replace(
            with: Array(text.utf8), owner: me, permissions: permissions)
    }

    private func found(_ name: String, limit: Int = 100) throws(GuardedFile.Obstacle) -> GuardedFile.Found? {
        try GuardedFile("\(path)/\(name)", for: me).found(limit: limit)
    }

    @Test func `it is written whole, with its rights, and leaves nothing beside it`() throws {
        #expect(try found("file") == nil)
        for (text, permissions) in [("one", 0o600 as UInt16), ("two", 0o640)] {
            try write(text, to: "file", permissions: permissions)
            #expect(try found("file") == .init(bytes: Array(text.utf8), owner: me, permissions: permissions))
        }
        #expect(try FileAccess.names(inFolder: path).names == ["file"])
        #expect(try found("file", limit: 1)?.bytes.count == 2)
    }

    @Test func `what a process that was killed has left is no obstacle`() throws {
        folder.write("half", to: ".file.heddle-new")
        try write("whole", to: "file")
        #expect(try FileAccess.names(inFolder: path).names == ["file"])
    }

    @Test func `a link is not followed, as the file and as a folder on the way`() throws {
        unsafe symlink("/etc/passwd", "\(path)/file")
        #expect(throws: GuardedFile.Obstacle.noRegularFile("\(path)/file")) { try found("file") }
        unsafe mkdir("\(path)/real", 0o755)
        unsafe symlink("\(path)/real", "\(path)/link")
        #expect(throws: GuardedFile.Obstacle.noFolder("\(path)/link")) { try write("", to: "link/file") }
        #expect(throws: GuardedFile.Obstacle.noFolder("\(path)/file")) { try write("", to: "file/below") }
    }

    @Test func `what is no regular file stays`() throws {
        unsafe mkfifo("\(path)/pipe", 0o600)
        unsafe mkdir("\(path)/folder", 0o700)
        for name in ["pipe", "folder"] {
            #expect(throws: GuardedFile.Obstacle.noRegularFile("\(path)/\(name)")) { try found(name) }
        }
    }

    @Test func `a folder that others may write to is no way, unless what is in it is safe from them`() throws {
        unsafe mkdir("\(path)/open", 0o700)
        for permissions in [0o777, 0o775] as [mode_t] {
            unsafe chmod("\(path)/open", permissions)
            #expect(throws: GuardedFile.Obstacle.openToOthers("\(path)/open")) { try write("", to: "open/file") }
        }
        unsafe chmod("\(path)/open", 0o1777)
        try write("", to: "open/file")
        unsafe chmod("\(path)/open", 0o755)
        try write("", to: "open/file")
    }

    @Test(.enabled(if: geteuid() == 0)) func `a folder of somebody else's is no way, and one of the file's owner is`()
        throws
    {
        unsafe mkdir("\(path)/theirs", 0o755)
        unsafe chown("\(path)/theirs", 61_004, 61_004)
        #expect(throws: GuardedFile.Obstacle.openToOthers("\(path)/theirs")) { try write("", to: "theirs/file") }
        let file = try GuardedFile("\(path)/theirs/file", for: 61_004)
        try file.replace(with: [1], owner: 61_004, permissions: 0o600)
        #expect(try file.found(limit: 1)?.owner == 61_004)
    }

    @Test func `what is refused says where`() throws {
        let error = #expect(throws: GuardedFile.Obstacle.self) { try write("", to: "nowhere/file") }
        #expect(error == .refused(SystemCallError("open", errno: ENOENT), at: "\(path)/nowhere"))
    }
}
