import CLinux
import Glibc

/// Writes files so that a reader, or a machine that loses power, sees the old bytes or the new ones, never others.
package struct FileWriter: Sendable {
    /// Asked before each system call that changes something on a disk, with its name and a path. Tests refuse calls here,
    /// or break off as a killed process does.
    private let willCall: @Sendable (_ call: String, _ path: String) throws(SystemCallError) -> Void

    package init(
        willCall: @escaping @Sendable (_ call: String, _ path: String) throws(SystemCallError) -> Void = { _, _ in }
    ) {
        self.willCall = willCall
    }

    /// Writes all bytes to a new file. What stands there already, be it a link, is in the way.
    /// - Parameter isSynced: Whether they are on the disk when it returns.
    package func create(
        _ path: String, _ bytes: [UInt8], as role: FileRole = .ofItsOwner, isSynced: Bool = true
    ) throws(SystemCallError) {
        try willCall("open", path)
        // Closed to all but this user until it belongs to whom it shall.
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(path, flags, role.permissions & 0o600)
        guard descriptor >= 0 else { throw SystemCallError(last: "open") }
        defer { close(descriptor) }
        try willCall("fchown", path)
        var permissions: mode_t? = role.permissions
        switch role {
        case .ofItsOwner:
            try AccessList.set(nil, on: descriptor)
            // Some filesystems have one mode for all files and refuse another: what nobody else may touch will do.
            if try Self.isPrivate(descriptor) { permissions = nil }
        case .new(let traits): permissions = try Self.give(descriptor, to: traits.ownership)
        case .standIn(let traits):
            try Self.give(descriptor, onlyTo: traits.ownership)
            try AccessList.set(traits.accessList, on: descriptor)
            for (name, value) in traits.notes { _ = unsafe fsetxattr(descriptor, name, value, value.count, 0) }
        }
        // After the access list is set, as the mode is its mask.
        if let permissions, fchmod(descriptor, permissions) != 0 { throw SystemCallError(last: "fchmod") }
        try willCall("write", path)
        var offset = 0
        while offset < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress! + offset, bytes.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw SystemCallError(last: "write") }
            offset += written
        }
        guard isSynced else { return }
        try willCall("fsync", path)
        guard fsync(descriptor) == 0 else { throw SystemCallError(last: "fsync") }
    }

    /// Its owner may read and write it, and nobody else may touch it.
    private static func isPrivate(_ descriptor: CInt) throws(SystemCallError) -> Bool {
        try OpenFile.facts(descriptor).permissions & 0o677 == 0o600
    }

    private static func isOwned(_ descriptor: CInt, by ownership: FileOwnership) throws(SystemCallError) -> Bool {
        let found = try OpenFile.facts(descriptor).ownership
        return found.owner == ownership.owner && found.group == ownership.group
    }

    private static func give(_ descriptor: CInt, onlyTo ownership: FileOwnership) throws(SystemCallError) {
        guard try !isOwned(descriptor, by: ownership) else { return }
        guard fchown(descriptor, ownership.owner, ownership.group) == 0 else {
            throw SystemCallError(last: "fchown")
        }
    }

    /// - Returns: The permissions that it may have.
    private static func give(_ descriptor: CInt, to ownership: FileOwnership) throws(SystemCallError) -> mode_t {
        if try isOwned(descriptor, by: ownership) { return ownership.permissions }
        if fchown(descriptor, ownership.owner, ownership.group) == 0 { return ownership.permissions }
        // Only root may give a file away; one's own may go to any group that one is in.
        return fchown(descriptor, uid_t.max, ownership.group) == 0
            ? ownership.permissions & 0o777 : ownership.permissionsOfAnotherGroup
    }

    /// Brings a file's bytes, or a folder's names, to the disk.
    package func sync(_ path: String) throws(SystemCallError) {
        try willCall("fsync", path)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SystemCallError(last: "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemCallError(last: "fsync") }
    }

    /// A second name for a file.
    package func link(_ path: String, as name: String) throws(SystemCallError) {
        try willCall("link", name)
        guard unsafe Glibc.link(path, name) == 0 else { throw SystemCallError(last: "link") }
    }

    package func rename(_ path: String, to target: String) throws(SystemCallError) {
        try willCall("rename", target)
        guard unsafe Glibc.rename(path, target) == 0 else { throw SystemCallError(last: "rename") }
    }

    /// What is not there counts as removed.
    package func remove(_ path: String) throws(SystemCallError) {
        try willCall("unlink", path)
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw SystemCallError(last: "unlink") }
    }

    /// One that is not there counts as removed; one with anything in it stays.
    package func removeEmptyFolder(_ path: String) throws(SystemCallError) {
        try willCall("rmdir", path)
        guard unsafe rmdir(path) == 0 || [ENOENT, ENOTEMPTY, EEXIST].contains(errno) else {
            throw SystemCallError(last: "rmdir")
        }
    }

    /// Puts a file of the owner's alone in the place of another, whole, and brings it to the disk.
    /// - Returns: The new file's identity, taken before it has its name: what stands there a moment later may be another.
    @discardableResult
    package func replacePrivate(_ path: String, _ bytes: [UInt8]) throws(SystemCallError) -> FileIdentity {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let folder = String(path[..<slash])
        let draft = "\(folder)/.\(path[path.index(after: slash)...]).new"
        try remove(draft)  // an earlier process may have been killed here
        let identity: FileIdentity
        do throws(SystemCallError) {
            try create(draft, bytes)
            identity = FileIdentity(try FileAccess.facts(draft, followingLinks: false).signature)
            try rename(draft, to: path)
        } catch {
            do throws(SystemCallError) { try remove(draft) } catch {}
            throw error
        }
        try sync(folder)
        return identity
    }

    /// Makes a folder and those above it, readable by the owner alone.
    package func makePrivateFolder(_ path: String) throws(SystemCallError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw SystemCallError(last: "mkdir")
        }
        try makePrivateFolder(String(path[..<slash]))
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemCallError(last: "mkdir") }
    }

    /// A path without links.
    package static func realPath(_ path: String) throws(SystemCallError) -> String {
        guard let resolved = unsafe realpath(path, nil) else { throw SystemCallError(last: "realpath") }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
