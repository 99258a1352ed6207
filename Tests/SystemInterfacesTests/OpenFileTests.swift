import Foundation
import Glibc
import SystemInterfaces
import Testing

@Suite struct `A file that was opened` {
    private let path = NSTemporaryDirectory() + "heddle-open-" + UUID().uuidString

    private func remove() { try? FileManager.default.removeItem(atPath: path) }

    @Test(arguments: [0, 1, 4095, 4096, 70_000])
    func `is read to its end, or one byte beyond what may be read`(limit: Int) throws {
        defer { remove() }
        let bytes = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let file = try OpenFile(path)
        #expect(file.facts.kind == .file && file.facts.signature.byteCount == 4096)
        #expect(try file.bytes(limit: limit) == Array(bytes.prefix(limit + 1)))
    }

    @Test func `is the same one when another takes its place`() throws {
        defer { remove() }
        try Data("old".utf8).write(to: URL(fileURLWithPath: path))
        let file = try OpenFile(path)
        try Data("new".utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        #expect(try file.bytes(limit: 10) == Array("old".utf8))
    }

    @Test func `does not wait for whoever would write to a FIFO`() throws {
        defer { remove() }
        #expect(unsafe mkfifo(path, 0o600) == 0)
        let file = try OpenFile(path)
        #expect(file.facts.kind == .other("a FIFO"))
        #expect(try file.bytes(limit: 10).isEmpty)
    }

    @Test func `is none where nothing stands, or a folder has no bytes`() throws {
        #expect(throws: SystemCallError("open", errno: ENOENT)) { _ = try OpenFile(path).facts }
        #expect(throws: SystemCallError("read", errno: EISDIR)) { _ = try OpenFile("/tmp").bytes(limit: 1) }
    }

    @Test func `that is locked is another's as long as the lock is kept, and stands where it was made`() throws {
        defer { remove() }
        do {
            let lock = try HeldLock(path, O_RDWR | O_CREAT)
            var isThere = lock.stands(at: path)
            #expect(isThere)
            #expect(throws: HeldLock.Failure.taken) { _ = try HeldLock(path, O_RDWR).stands(at: path) }
            try FileManager.default.removeItem(atPath: path)
            isThere = lock.stands(at: path)
            #expect(!isThere)
        }
        #expect(throws: HeldLock.Failure.unopened(errno: ENOENT)) { _ = try HeldLock(path, O_RDWR).stands(at: path) }
    }
}

@Test(arguments: [
    ("/srv/mesh/manifests/../settings.yaml", "/srv/mesh/settings.yaml"), ("/a/./b//c/", "/a/b/c"), ("/../..", "/"),
    ("/", "/"),
    ("/a/...", "/a/..."),
])
func `a path reads as what it leads to where there are no links`(path: String, expected: String) {
    #expect(FileAccess.normalized(path) == expected)
}
