import CLinux
import Glibc

/// Who may touch a file besides those that its mode speaks of (acl(5)). The middle bits of the mode are the list's mask: what
/// they do not allow, no entry does.
enum AccessList {
    private static let name = "system.posix_acl_access"

    /// Gives an open file the list of another, or none: not what a new file inherits from its folder either.
    /// - Parameter path: The other file; `nil`: the list just goes.
    static func set(of path: String?, on descriptor: CInt) throws(FileError) {
        guard let path, let list = try read(path) else { return try remove(from: descriptor) }
        guard unsafe fsetxattr(descriptor, name, list, list.count, 0) == 0 else {
            throw FileError(call: "fsetxattr", errno: errno)
        }
    }

    private static func read(_ path: String) throws(FileError) -> [UInt8]? {
        var list = [UInt8](repeating: 0, count: 64 * 1024)  // the kernel's limit of an attribute
        let count = unsafe getxattr(path, name, &list, list.count)
        if count < 0, !isNone(errno) { throw FileError(call: "getxattr", errno: errno) }
        return count < 0 ? nil : Array(list[..<count])
    }

    private static func remove(from descriptor: CInt) throws(FileError) {
        guard unsafe fremovexattr(descriptor, name) != 0, !isNone(errno) else { return }
        throw FileError(call: "fremovexattr", errno: errno)
    }

    /// There is no list, or the filesystem has none.
    private static func isNone(_ error: CInt) -> Bool { error == ENODATA || error == EOPNOTSUPP }
}
