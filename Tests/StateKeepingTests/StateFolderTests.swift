import Diagnostics
import Foundation
import Glibc
import Logging
import Reconciliation
import StateKeeping
import SystemInterfaces
import Testing

/// A state folder as a process takes it and looks after it.
struct StateFolderTests {
    private let path = NSTemporaryDirectory() + "heddle-state-" + UUID().uuidString
    private let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func remove() { try? FileManager.default.removeItem(atPath: path) }
    private var names: Set<String> { Set((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []) }

    @Test func `it is made with those above it, closed to others, marked and locked`() throws {
        let path = path + "/a/b"
        defer { remove() }
        let folder = try StateFolder(path, log: log)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: path)) == ["heddle-state", "lock"])
        #expect(folder.heldBack.isEmpty && !folder.isLost && folder.held.isHeld)
    }

    @Test func `it is one process's at a time`() throws {
        defer { remove() }
        do {
            let folder = try StateFolder(path, log: log)
            let error = #expect(throws: StateFolder.Unusable.self) { _ = try StateFolder(path, log: log) }
            #expect(error?.description.contains("another heddle uses it") ?? false)
            withExtendedLifetime(folder) {}
        }
        _ = try StateFolder(path, log: log)
    }

    @Test func `one that was emptied, or removed, while it was in use is made again`() throws {
        defer { remove() }
        let folder = try StateFolder(path, log: log)
        for name in names { try FileManager.default.removeItem(atPath: path + "/" + name) }
        #expect(folder.isLost)
        folder.restore()
        #expect(!folder.isLost && names == ["heddle-state", "lock"])
        remove()
        #expect(folder.isLost)
        folder.restore()
        #expect(!folder.isLost && names == ["heddle-state", "lock"])
        #expect(folder.held.standing == .inPlace)
    }

    @Test func `one that was moved is used where it is, and said to be missing until it is back`() throws {
        let moved = path + "-moved"
        defer {
            remove()
            try? FileManager.default.removeItem(atPath: moved)
        }
        let folder = try StateFolder(path, log: log)
        #expect(unsafe rename(path, moved) == 0)
        #expect(folder.isLost)
        folder.restore()
        #expect(folder.heldBack.map(\.code) == [.stateUnavailable])
        #expect(unsafe rename(moved, path) == 0)
        folder.restore()
        #expect(folder.heldBack.isEmpty && !folder.isLost)
    }

    @Test func `what belongs to somebody else does not become one`() throws {
        defer { remove() }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: path + "/passwd"))
        let error = #expect(throws: StateFolder.Unusable.self) { _ = try StateFolder(path, log: log) }
        #expect(error?.description.contains("\"passwd\" lies there") ?? false)
        #expect(names == ["passwd"])
    }

    @Test func `a hidden name that is no UTF-8 is somebody's, too`() throws {
        defer { remove() }
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let name: [UInt8] = Array(path.utf8) + [0x2F, 0x2E, 0xFF, 0]
        let descriptor = unsafe name.withUnsafeBytes { bytes in
            unsafe open(bytes.baseAddress!.assumingMemoryBound(to: CChar.self), O_WRONLY | O_CREAT, 0o600)
        }
        #expect(descriptor >= 0)
        close(descriptor)
        let error = #expect(throws: StateFolder.Unusable.self) { _ = try StateFolder(path, log: log) }
        #expect(error?.description.contains("it is not empty and not Heddle's") ?? false)
    }
}
