import CLinux
import Glibc

/// What a file has besides its bytes, and keeps when another takes its place.
package struct FileTraits: Hashable, Sendable {
    package var ownership: FileOwnership
    /// Who may touch it besides those that its mode speaks of, as the kernel has it; `nil`: nobody.
    var accessList: [UInt8]?
    /// What its owner noted on it, by name, as far as the filesystem has that. What the system itself labels files with is
    /// its own business.
    var notes: [String: [UInt8]] = [:]

    /// Of a file that is there.
    /// - Parameter path: Links are followed.
    package init(of path: String) throws(SystemCallError) {
        ownership = try FileAccess.facts(path, followingLinks: true).ownership
        accessList = try AccessList.read(path)
        notes = Self.notes(on: path)
    }

    /// Of a file that is new in a folder. It belongs to whom the folder belongs to, and nobody else may more than read it:
    /// whoever the folder's list for new files names, or, without one, who may look into the folder.
    package init(newIn folder: String) throws(SystemCallError) {
        ownership = try FileAccess.facts(folder, followingLinks: true).ownership
        accessList = try AccessList.read(folder, .ofNewFiles)
        let permissions = try accessList.map { list throws(SystemCallError) in try AccessList.permissions(of: list) }
        ownership.permissions = (permissions ?? ownership.permissions) & 0o644
    }

    private static let byteLimit = 64 * 1024  // the kernel's, of an attribute and of all their names

    private static func notes(on path: String) -> [String: [UInt8]] {
        var names = [CChar](repeating: 0, count: byteLimit)
        let count = unsafe listxattr(path, &names, names.count)
        guard count > 0 else { return [:] }
        var notes: [String: [UInt8]] = [:]
        for bytes in names[..<count].split(separator: 0) {
            let name = String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard name.hasPrefix("user.") else { continue }
            var value = [UInt8](repeating: 0, count: byteLimit)
            let byteCount = unsafe getxattr(path, name, &value, value.count)
            if byteCount >= 0 { notes[name] = Array(value[..<byteCount]) }
        }
        return notes
    }
}
