import CLinux
import Glibc
import SystemInterfaces
import TestSupport
import Testing

@testable import Reconciliation

/// Who may touch what is written, in folders that have an access list for new files.
struct FileWriterTests {
    /// As the kernel takes it: version 2, then tag, permissions and ID of each entry.
    private static func list(nobody permissions: UInt16, others: UInt16 = 0) -> [UInt8] {
        let none = UInt32.max
        let entries: [(UInt16, UInt16, UInt32)] = [
            (0x01, 7, none), (0x02, permissions, 65534), (0x04, 0, none), (0x10, 6, none), (0x20, others, none),
        ]
        return bytes(UInt32(2)) + entries.flatMap { bytes($0.0) + bytes($0.1) + bytes($0.2) }
    }

    private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    private static func set(_ list: [UInt8], _ kind: String, on path: String) -> Bool {
        unsafe setxattr(path, "system.posix_acl_\(kind)", list, list.count, 0) == 0
    }

    private static func accessList(_ path: String) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 1024)
        let count = unsafe getxattr(path, "system.posix_acl_access", &value, value.count)
        return count < 0 ? nil : Array(value[..<count])
    }

    /// Nobody may read and write what is new in it; `nil`: the filesystem has no access lists.
    private static func generousFolder() -> TestFolder? {
        let folder = TestFolder()
        folder.replace("x.yaml", "old")
        folder.run("chmod 755 ..; chmod 660 x.yaml; mkdir ../state; chmod 755 ../state")
        let isSet = [folder.path, folder.state].allSatisfy { set(list(nobody: 6, others: 6), "default", on: $0) }
        return isSet ? folder : nil
    }

    private static func apply(_ name: String, _ before: String?, in folder: TestFolder) throws {
        try ManifestWriter(folder: folder.path, journal: ChangeJournal(stateFolder: folder.heldState)).write([
            ManifestWriter.Edit(path: name, before: before.map { Array($0.utf8) }, after: Array("new".utf8))
        ])
    }

    @Test func `a file that is replaced and had no access list gets none from its folder`() throws {
        guard let folder = Self.generousFolder() else { return }
        try Self.apply("x.yaml", "old", in: folder)
        #expect(folder.text("x.yaml") == "new")
        #expect(Self.accessList(folder.path + "/x.yaml") == nil)
        folder.run("test $(stat -c %a x.yaml) = 660")
    }

    @Test func `a file that is replaced keeps its own access list, whatever its folder has for new ones`() throws {
        guard let folder = Self.generousFolder() else { return }
        let own = Self.list(nobody: 4)
        try #require(Self.set(own, "access", on: folder.path + "/x.yaml"))
        try Self.apply("x.yaml", "old", in: folder)
        #expect(folder.text("x.yaml") == "new")
        #expect(Self.accessList(folder.path + "/x.yaml") == own)
    }

    @Test func `a new file has what its folder has for new ones, and lets nobody else write`() throws {
        guard let folder = Self.generousFolder() else { return }
        try Self.apply("new.yaml", nil, in: folder)
        let path = folder.path + "/new.yaml"
        #expect(Self.accessList(path) != nil)
        folder.run("test $(stat -c %a new.yaml) = 644")
        guard geteuid() == 0 else { return }
        Nobody.run {
            let reading = unsafe open(path, O_RDONLY | O_CLOEXEC)
            #expect(reading >= 0)
            close(reading)
            #expect(unsafe open(path, O_WRONLY | O_CLOEXEC) < 0)
        }
    }

    @Test func `a new file is as closed as its folder has it for new ones, as one that touch makes`() throws {
        let none = UInt32.max
        let closed =
            Self.bytes(UInt32(2))
            + [0x01, 0x04, 0x20].flatMap { (tag: UInt16) in
                Self.bytes(tag) + Self.bytes(UInt16(tag == 0x01 ? 7 : 0)) + Self.bytes(none)
            }
        for list in [Self.list(nobody: 4), Self.list(nobody: 0), Self.list(nobody: 6, others: 4), closed] {
            guard let folder = Self.generousFolder() else { return }
            #expect(Self.set(list, "default", on: folder.path))
            try Self.apply("new.yaml", nil, in: folder)
            folder.run("umask 022; touch touched.yaml; chmod g-w touched.yaml")
            folder.run("test $(stat -c %a new.yaml) = $(stat -c %a touched.yaml)")
            let (own, touched) = (folder.path + "/new.yaml", folder.path + "/touched.yaml")
            #expect(Self.accessList(own) == Self.accessList(touched))
        }
    }

    @Test func `a file with another access list than when it was read is a conflict, and keeps the new one`() throws {
        guard let folder = Self.generousFolder() else { return }
        let (path, list) = (folder.path + "/x.yaml", Self.list(nobody: 4))
        let files = FileWriter { call, _ in if call == "link" { _ = Self.set(list, "access", on: path) } }
        #expect(throws: ManifestWriter.Failure.self) {
            try ManifestWriter(folder: folder.path, journal: nil, writer: files).write([
                ManifestWriter.Edit(path: "x.yaml", before: Array("old".utf8), after: Array("new".utf8))
            ])
        }
        #expect(folder.text("x.yaml") == "old")
        #expect(Self.accessList(path) == list)
    }

    @Test func `what is private has no access list, whatever its folder has for new files`() throws {
        guard let folder = Self.generousFolder() else { return }
        let changes = folder.state + "/changes"
        let writer = FileWriter()
        try writer.makePrivateFolder(changes)
        try writer.replacePrivate(changes + "/record", [1])
        #expect(Self.accessList(changes + "/record") == nil)
        folder.run("test $(stat -c %a ../state/changes/record) = 600 && test $(stat -c %a ../state/changes) = 700")
    }
}
