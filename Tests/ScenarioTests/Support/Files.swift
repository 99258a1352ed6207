import Foundation
import TestSupport

/// Files as the tests need them: whole, and by name.
enum Files {
    static func bytes(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map(Array.init) }

    static func text(_ path: String) -> String { String(decoding: bytes(path) ?? [], as: UTF8.self) }

    /// As `mv` over it: readers see the old bytes or the new.
    static func replace(_ path: String, _ text: String, mode: Int = 0o600) throws {
        let draft = path + ".draft~"
        let isMade = FileManager.default.createFile(
            atPath: draft, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
        guard isMade, unsafe rename(draft, path) == 0 else { throw SetUpError("cannot write \(path)") }
    }

    static func remove(_ path: String) { unsafe unlink(path) }

    static func removeFolder(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

    static func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}

/// A folder of one test's own, removed after it.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = "\(NSTemporaryDirectory())heddle-scenario-\(UUID().uuidString)".replacing("//", with: "/")
        try Files.makeFolder(path)
        try Files.makeFolder(manifests)
        try Files.makeFolder("\(path)/logs")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var manifests: String { "\(path)/manifests" }
    func state(_ node: String? = nil) -> String { "\(path)/state\(node.map { "-\($0)" } ?? "")" }
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Puts a manifest in place, whole.
    func write(_ text: String, as name: String = "mesh.yaml") throws { try Files.replace("\(manifests)/\(name)", text) }
}

extension String {
    /// How often a text stands in it.
    func occurrences(of text: String) -> Int { ranges(of: text).count }
}
