import CLinux
import Glibc
import SystemInterfaces

/// What the system would refuse, asked without writing anything: by the call that it would refuse, and in its words.
enum Rehearsal {
    /// A new file in a folder, as `FileWriter.create` makes it.
    static func create(inFolder folder: String, as role: FileRole) throws(SystemCallError) {
        try draft(inFolder: folder)
        guard case .standIn(let traits) = role else { return }
        let parent = try FileAccess.facts(folder, followingLinks: true).ownership
        if !traits.ownership.canBeGiven(in: parent) { throw SystemCallError("fchown", errno: EPERM) }
    }

    /// A new file that is to be given its name by a rename. Where a folder may only be added to, it can be made, but neither
    /// renamed nor removed again.
    static func draft(inFolder folder: String) throws(SystemCallError) {
        try FileAccess.checkWritable(folder, for: "open")
        if isPinned(folder) { throw SystemCallError("rename", errno: EPERM) }
    }

    /// A file that another takes the place of, or that goes.
    static func replace(_ path: String, _ ownership: FileOwnership, isRemoval: Bool) throws(SystemCallError) {
        let folder = ChangeRecord.folder(of: path)
        try FileAccess.checkWritable(folder, for: "rename")
        if MountTable.isMountPoint(path) {
            throw isRemoval ? SystemCallError("rename", errno: EBUSY) : SystemCallError("link", errno: EXDEV)
        }
        if isPinned(path) || isPinned(folder) { throw SystemCallError("rename", errno: EPERM) }
        let parent = try FileAccess.facts(folder, followingLinks: true).ownership
        let isSticky = parent.permissions & 0o1000 != 0  // S_ISVTX
        guard isSticky, ![ownership.owner, parent.owner].contains(geteuid()) else { return }
        if CLinux_is_capable(CInt(CLinux_owns_all_files)) == 0 { throw SystemCallError("rename", errno: EPERM) }
    }

    /// Whether an attribute keeps everybody from replacing it.
    static func isPinned(_ path: String) -> Bool { unsafe CLinux_is_pinned(path) == 1 }
}

extension FileOwnership {
    /// Whether a file that this process makes in a folder can become theirs.
    fileprivate func canBeGiven(in folder: FileOwnership) -> Bool {
        if CLinux_is_capable(CInt(CLinux_may_give_files_away)) == 1 { return true }
        let isFolders = folder.permissions & 0o2000 != 0 && folder.group == group  // S_ISGID
        return owner == geteuid() && (isFolders || isOfOwnGroup)
    }
}

/// The room of the disks that files are to be written to.
struct DiskRoom {
    private struct Disk {
        let kind: UInt32
        let blockSize: Int
        var freeBlocks: Int
        var freeFiles: Int
    }

    private var disks: [UInt: Disk] = [:]

    /// Takes room for a new file, or refuses it as a write would be.
    mutating func take(_ byteCount: Int, in folder: String) throws(SystemCallError) {
        try change(folder) { disk throws(SystemCallError) in
            disk.freeBlocks -= (byteCount + disk.blockSize - 1) / disk.blockSize
            disk.freeFiles -= 1
            if disk.freeFiles < 0 { throw SystemCallError("open", errno: ENOSPC) }
            if disk.freeBlocks < 0 { throw SystemCallError("write", errno: ENOSPC) }
        }
    }

    /// Takes room for a second name of a file, likewise. On a tmpfs it counts as a file; elsewhere it needs none worth counting.
    mutating func takeName(in folder: String) throws(SystemCallError) {
        let tmpfs: UInt32 = 0x0102_1994
        try change(folder) { disk throws(SystemCallError) in
            guard disk.kind == tmpfs else { return }
            disk.freeFiles -= 1
            if disk.freeFiles < 0 { throw SystemCallError("link", errno: ENOSPC) }
        }
    }

    private mutating func change(
        _ folder: String, _ body: (inout Disk) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        let device = try FileAccess.facts(folder, followingLinks: true).signature.device
        var disk: Disk
        if let known = disks[device] { disk = known } else { disk = try Self.disk(of: folder) }
        try body(&disk)
        disks[device] = disk
    }

    private static func disk(of folder: String) throws(SystemCallError) -> Disk {
        var status = statvfs()
        guard unsafe statvfs(folder, &status) == 0 else { throw SystemCallError(last: "statvfs") }
        let isAll = CLinux_is_capable(CInt(CLinux_has_all_room)) == 1
        // Filesystems that do not count say 0 of 0.
        let isCounted = (blocks: status.f_blocks > 0, files: status.f_files > 0)
        return Disk(
            kind: RemoteFilesystem.kind(at: folder) ?? 0, blockSize: max(1, Int(status.f_frsize)),
            freeBlocks: isCounted.blocks ? Int(clamping: isAll ? status.f_bfree : status.f_bavail) : .max,
            freeFiles: isCounted.files ? Int(clamping: isAll ? status.f_ffree : status.f_favail) : .max)
    }
}
