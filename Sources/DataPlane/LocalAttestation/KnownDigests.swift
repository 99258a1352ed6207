import Glibc
import SystemInterfaces

/// What files came to that nobody can have changed unseen since.
struct KnownDigests {
    private var known: [FileSignature: String] = [:]

    private static let limit = 256
    /// A file that was changed so lately may change again without being seen to: its times are no finer than that, in nanoseconds.
    private static let settling = 2_000_000_000
    /// Filesystems on which nothing is written to a file without its times being changed, not even by a mapping, or nothing at all:
    /// ext2 to ext4, XFS, Btrfs, F2FS, SquashFS, EROFS (statfs(2)). On tmpfs a mapping that was read before is written to unseen; what
    /// others serve (NFS, FUSE) has the times they say.
    private static let dated: Set<UInt32> = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x7371_7368, 0xE0F5_E1E2]

    subscript(signature: FileSignature) -> String? { known[signature] }

    /// - Parameters:
    ///   - file: Opened as what a process executes, so that nobody had it open for writing then.
    ///   - now: Nanoseconds since 1970.
    mutating func remember(_ digest: String, of file: borrowing OpenFile, now: Int) {
        let signature = file.facts.signature
        guard let filesystem = file.filesystem, Self.isTelling(filesystem),
            Self.isOutOfReach(file.facts.ownership, of: geteuid()),
            now - max(signature.modified, signature.changed) > Self.settling
        else { return }
        if known.count >= Self.limit { known = [:] }
        known[signature] = digest
    }

    /// Whether times there tell that a file was changed. What a user may mount holds no setuid programs, and may lie on a device, or in
    /// an image, that he writes to.
    static func isTelling(_ filesystem: Filesystem) -> Bool {
        dated.contains(filesystem.kind) && !filesystem.ignoresSetuid
    }

    /// Whether only root and this process's user can open it for writing. Who can may exchange its blocks for those of another file
    /// without its times being changed (`EXT4_IOC_MOVE_EXT`). An access list allows nobody more than the bits of the group do (acl(5)).
    static func isOutOfReach(_ ownership: FileOwnership, of user: UInt32) -> Bool {
        (ownership.owner == 0 || ownership.owner == user) && ownership.permissions & 0o022 == 0
    }
}
