import Foundation
import Glibc
import SystemInterfaces
import TestSupport
import Testing

@Suite struct `A state folder that is held` {
    private let base = NSTemporaryDirectory() + "heddle-held-" + UUID().uuidString
    private var path: String { base + "/state" }

    private func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    private func write(_ text: String, at place: String?) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: #require(place)))
    }

    private func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    private func held() throws -> HeldFolder {
        try makeFolder(path)
        let held = HeldFolder(path)
        try held.hold(OpenFolder(path))
        return held
    }

    @Test func `is read and written wherever it is moved, and nothing is that stands at its path`() throws {
        let held = try held()
        defer { try? FileManager.default.removeItem(atPath: base) }
        try write("ours", at: held.place(of: "key"))
        #expect(held.standing == .inPlace)
        #expect(unsafe rename(path, base + "/moved") == 0)
        #expect(held.standing == .displaced)
        try makeFolder(path)
        try write("theirs", at: path + "/key")
        #expect(held.standing == .displaced)
        #expect(try text(#require(held.place(of: "key"))) == "ours")
        try write("new", at: held.place(of: "key"))
        #expect(text(path + "/key") == "theirs")
        #expect(text(base + "/moved/key") == "new")
        try FileManager.default.removeItem(atPath: path)
        #expect(unsafe rename(base + "/moved", path) == 0)
        #expect(held.standing == .inPlace)
    }

    @Test func `is removed only if nothing stands at its path, and then another can be held at the same place`() throws
    {
        let held = try held()
        defer { try? FileManager.default.removeItem(atPath: base) }
        let place = held.place(of: "key")
        try FileManager.default.removeItem(atPath: path)
        #expect(held.standing == .removed)
        #expect(throws: (any Error).self) { try write("lost", at: place) }
        try makeFolder(path)
        #expect(held.standing == .displaced)
        try held.hold(OpenFolder(path, followingLink: false))
        #expect(held.standing == .inPlace)
        try write("kept", at: place)
        #expect(text(path + "/key") == "kept")
    }

    @Test(.enabled(if: geteuid() == 0, "root sees everything, and can be somebody else"))
    func `is neither moved nor removed because its path may not be walked`() throws {
        let held = try held()
        defer { try? FileManager.default.removeItem(atPath: base) }
        #expect(unsafe chmod(base, 0o700) == 0)
        let standing = Nobody.run { held.standing }
        #expect(standing == .unseen(errno: EACCES))
        #expect(held.standing == .inPlace)
    }

    @Test func `is nowhere before it is held, and says why`() {
        let held = HeldFolder("/nowhere/state")
        held.refuse(EROFS)
        #expect(held.place(of: "key") == nil)
        #expect(held.standing == .absent)
        #expect(held.refusal == EROFS)
        #expect(held.path(of: "key") == "/nowhere/state/key")
    }
}
