import CLinux
import Glibc

/// Who may touch a file besides those that its mode speaks of (acl(5)). The middle bits of the mode are the list's mask: what
/// they do not allow, no entry does.
enum AccessList {
    enum Kind: String {
        case ofFile = "system.posix_acl_access"
        /// A folder's: what is made in it inherits this.
        case ofNewFiles = "system.posix_acl_default"
    }

    /// Gives an open file a list, or none: not what a new file inherits from its folder either.
    static func set(_ list: [UInt8]?, on descriptor: CInt) throws(SystemCallError) {
        guard let list else { return try remove(from: descriptor) }
        guard unsafe fsetxattr(descriptor, Kind.ofFile.rawValue, list, list.count, 0) == 0 else {
            throw SystemCallError(last: "fsetxattr")
        }
    }

    /// - Returns: `nil` if there is none.
    static func read(_ path: String, _ kind: Kind = .ofFile) throws(SystemCallError) -> [UInt8]? {
        var list = [UInt8](repeating: 0, count: 64 * 1024)  // the kernel's limit of an attribute
        let count = unsafe getxattr(path, kind.rawValue, &list, list.count)
        if count < 0, !isNone(errno) { throw SystemCallError(last: "getxattr") }
        return count < 0 ? nil : Array(list[..<count])
    }

    /// The mode that says the same as a list's entries without a name: those of the owner, of the mask (or, where there is
    /// none, of the group), and of all others.
    static func permissions(of list: [UInt8]) throws(SystemCallError) -> mode_t {
        // A version, 2, of 32 bits; then of each entry tag and permissions, 16 bits each, and an ID of 32.
        guard list.count % 8 == 4, list[..<4] == [2, 0, 0, 0] else { throw SystemCallError("getxattr", errno: EINVAL) }
        var owner: mode_t = 0
        var group: mode_t = 0
        var mask: mode_t?
        var others: mode_t = 0
        for entry in stride(from: 4, to: list.count, by: 8) {
            let allowed = mode_t(list[entry + 2] & 7)
            switch list[entry] {
            case 0x01: owner = allowed
            case 0x04: group = allowed
            case 0x10: mask = allowed
            case 0x20: others = allowed
            default: break  // of a user or group by name
            }
        }
        return owner << 6 | (mask ?? group) << 3 | others
    }

    private static func remove(from descriptor: CInt) throws(SystemCallError) {
        guard unsafe fremovexattr(descriptor, Kind.ofFile.rawValue) != 0, !isNone(errno) else { return }
        throw SystemCallError(last: "fremovexattr")
    }

    /// There is no list, or the filesystem has none.
    private static func isNone(_ error: CInt) -> Bool { error == ENODATA || error == EOPNOTSUPP }
}
