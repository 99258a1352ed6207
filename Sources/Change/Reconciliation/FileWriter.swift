import CLinux
import Diagnostics
import Glibc

/// Whose a file is, and who may do what with it.
struct FileOwnership: Hashable, Sendable {
    var owner: uid_t
    var group: gid_t
    /// The last twelve bits of its mode.
    var permissions: mode_t

    /// Whether this process may give a file of its own to the group.
    var isOfOwnGroup: Bool {
        if group == getegid() { return true }
        var groups = [gid_t](repeating: 0, count: Int(NGROUPS_MAX))
        let count = unsafe getgroups(CInt(groups.count), &groups)
        return count > 0 && groups[..<Int(count)].contains(group)
    }

    /// What is left of the permissions where the group is another one: what both its group and all others may, so that
    /// nobody may more than before.
    var permissionsOfAnotherGroup: mode_t {
        let shared = permissions >> 3 & permissions & 0o7
        return permissions & 0o700 | shared << 3 | shared
    }
}

/// Writes files so that a reader, or a machine that loses power, sees the old bytes or the new ones, never others.
struct FileWriter: Sendable {
    /// Asked before each system call that changes something on a disk, with its name and a path. Tests refuse calls here,
    /// or break off as a killed process does.
    var willCall: @Sendable (_ call: String, _ path: String) throws(FileError) -> Void = { _, _ in }

    /// Writes all bytes to a new file. What stands there already, be it a link, is in the way.
    /// - Parameters:
    ///   - ownership: Of a new file, as far as this process may give it away. Without any it is private: no access list that
    ///     its folder has for new files comes with it.
    ///   - former: A file that it stands for, now or later: it is the same owner's and group's and has the same access list,
    ///     or is not written at all, and gets its attributes, too, as far as the filesystem has them.
    ///   - isSynced: Whether they are on the disk when it returns.
    func create(
        _ path: String, _ bytes: [UInt8], ownership: FileOwnership? = nil, permissions: mode_t = 0o600,
        like former: String? = nil, isSynced: Bool = true
    ) throws(FileError) {
        try willCall("open", path)
        let permissions = ownership?.permissions ?? permissions
        // Nobody else's until it belongs to whom it shall.
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(path, flags, permissions & 0o600)
        guard descriptor >= 0 else { throw FileError(call: "open", errno: errno) }
        defer { close(descriptor) }
        try willCall("fchown", path)
        let kept = try Self.give(descriptor, to: ownership, permissions, isBinding: former != nil)
        // A folder's list for new files is for those that are new to it, as far as their mode goes.
        if former != nil || ownership == nil { try AccessList.set(of: former, on: descriptor) }
        if let former { Self.copyAttributes(of: former, to: descriptor) }
        // Behind the access list, whose mask it is.
        guard fchmod(descriptor, kept) == 0 else { throw FileError(call: "fchmod", errno: errno) }
        try willCall("write", path)
        var offset = 0
        while offset < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress! + offset, bytes.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw FileError(call: "write", errno: errno) }
            offset += written
        }
        guard isSynced else { return }
        try willCall("fsync", path)
        guard fsync(descriptor) == 0 else { throw FileError(call: "fsync", errno: errno) }
    }

    /// Those of its owner's. What the system itself labels files with is its own business.
    private static func copyAttributes(of path: String, to descriptor: CInt) {
        var names = [CChar](repeating: 0, count: 64 * 1024)
        let count = unsafe listxattr(path, &names, names.count)
        guard count > 0 else { return }
        for bytes in names[..<count].split(separator: 0) {
            let name = String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard name.hasPrefix("user.") else { continue }
            var value = [UInt8](repeating: 0, count: 64 * 1024)
            let byteCount = unsafe getxattr(path, name, &value, value.count)
            if byteCount >= 0 { _ = unsafe fsetxattr(descriptor, name, value, byteCount, 0) }
        }
    }

    /// - Parameter isBinding: Whether it must be theirs.
    /// - Returns: The permissions that it may have.
    private static func give(
        _ descriptor: CInt, to ownership: FileOwnership?, _ permissions: mode_t, isBinding: Bool
    ) throws(FileError) -> mode_t {
        guard let ownership else { return permissions }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileError(call: "fstat", errno: errno) }
        if status.st_uid == ownership.owner, status.st_gid == ownership.group { return permissions }
        if fchown(descriptor, ownership.owner, ownership.group) == 0 { return permissions }
        if isBinding { throw FileError(call: "fchown", errno: errno) }
        // Only root may give a file away; one's own may go to any group that one is in.
        let isInGroup = status.st_gid == ownership.group || fchown(descriptor, uid_t.max, ownership.group) == 0
        return isInGroup ? permissions & 0o777 : ownership.permissionsOfAnotherGroup
    }

    /// Brings a file's bytes, or a folder's names, to the disk.
    func sync(_ path: String) throws(FileError) {
        try willCall("fsync", path)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw FileError(call: "open", errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(call: "fsync", errno: errno) }
    }

    /// A second name for a file.
    func link(_ path: String, as name: String) throws(FileError) {
        try willCall("link", name)
        guard unsafe Glibc.link(path, name) == 0 else { throw FileError(call: "link", errno: errno) }
    }

    func rename(_ path: String, to target: String) throws(FileError) {
        try willCall("rename", target)
        guard unsafe Glibc.rename(path, target) == 0 else { throw FileError(call: "rename", errno: errno) }
    }

    /// What is not there counts as removed.
    func remove(_ path: String) throws(FileError) {
        try willCall("unlink", path)
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileError(call: "unlink", errno: errno) }
    }

    /// Puts a file of the owner's alone in the place of another, whole, and brings it to the disk.
    func replacePrivate(_ path: String, _ bytes: [UInt8]) throws(FileError) {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let folder = String(path[..<slash])
        let draft = "\(folder)/.\(path[path.index(after: slash)...]).new"
        try remove(draft)  // an earlier process may have been killed here
        do throws(FileError) {
            try create(draft, bytes)
            try rename(draft, to: path)
        } catch {
            do throws(FileError) { try remove(draft) } catch {}
            throw error
        }
        try sync(folder)
    }

    /// Makes a folder and those above it, readable by the owner alone.
    func makePrivateFolder(_ path: String) throws(FileError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw FileError(call: "mkdir", errno: errno)
        }
        try makePrivateFolder(String(path[..<slash]))
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileError(call: "mkdir", errno: errno) }
    }

    /// A path without links.
    static func realPath(_ path: String) throws(FileError) -> String {
        guard let resolved = unsafe realpath(path, nil) else { throw FileError(call: "realpath", errno: errno) }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}

extension FileError {
    /// What mends it, where something was to be written.
    /// - Parameter place: What could not be written, for people: `the manifests folder`.
    func remedy(writing place: String) -> String {
        FailedCall.remedy(errno, to: .write, place)
    }
}
