import CLinux
import Glibc

/// What tells two versions of a file apart without reading them.
package struct FileSignature: Hashable, Sendable {
    package let device: UInt
    package let inode: UInt
    package let byteCount: Int
    /// Nanoseconds since 1970.
    package let modified: Int
    /// When the inode changed last (permissions, names), in nanoseconds since 1970.
    package let changed: Int

    init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        byteCount = Int(status.st_size)
        modified = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        changed = status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec
    }
}

/// What tells a file with its bytes from every other, whatever is done to its names and permissions.
package struct FileIdentity: Hashable {
    private let device: UInt
    private let inode: UInt
    private let byteCount: Int
    private let modified: Int

    package init(_ signature: FileSignature) {
        device = signature.device
        inode = signature.inode
        byteCount = signature.byteCount
        modified = signature.modified
    }
}

/// What stands at a path.
package struct FileFacts: Hashable {
    package enum Kind: Hashable {
        case file, folder, link
        /// In words: `a FIFO`, `a device`.
        case other(String)
    }

    package let kind: Kind
    package let signature: FileSignature
    package let linkCount: Int
    package let ownership: FileOwnership
    package var permissions: UInt32 { ownership.permissions }

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .link
        case S_IFIFO: kind = .other("a FIFO")
        case S_IFSOCK: kind = .other("a socket")
        default: kind = .other("a device")
        }
        signature = FileSignature(status)
        linkCount = Int(status.st_nlink)
        ownership = FileOwnership(owner: status.st_uid, group: status.st_gid, permissions: status.st_mode & 0o7777)
    }
}
