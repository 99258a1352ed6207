import CLinux
import Diagnostics
import Glibc

/// A system call's refusal.
struct FileError: Error, Hashable {
    let call: String
    let errno: CInt

    /// Nothing stands there, or a link that leads nowhere: `FileAccess.isAbsent` tells one from the other. No other
    /// refusal says that something is not there, only that it cannot be seen.
    var isMissing: Bool { errno == ENOENT }

    var explanation: String { FailedCall.reason(errno) }
}

/// What tells two versions of a file apart without reading them.
struct FileSignature: Hashable, Sendable {
    let device: UInt
    let inode: UInt
    let byteCount: Int
    /// Nanoseconds since 1970.
    let modified: Int
    /// Of the inode: permissions, names.
    let changed: Int

    fileprivate init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        byteCount = Int(status.st_size)
        modified = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        changed = status.st_ctim.tv_sec * 1_000_000_000 + status.st_ctim.tv_nsec
    }
}

/// What tells a file with its bytes from every other, whatever is done to its names and permissions.
struct FileIdentity: Hashable {
    private let device: UInt
    private let inode: UInt
    private let byteCount: Int
    private let modified: Int

    init(_ signature: FileSignature) {
        device = signature.device
        inode = signature.inode
        byteCount = signature.byteCount
        modified = signature.modified
    }
}

/// What stands at a path.
struct FileFacts: Hashable {
    enum Kind: Hashable {
        case file, folder, link
        /// In words: `a FIFO`, `a device`.
        case other(String)
    }

    let kind: Kind
    let signature: FileSignature
    let linkCount: Int
    let ownership: FileOwnership
    var permissions: mode_t { ownership.permissions }

    fileprivate init(_ status: stat) {
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

/// The file system, as far as reading manifests needs it. The only door to its system calls for readers.
enum FileAccess {
    /// - Parameter folder: May be the root.
    static func path(_ name: String, in folder: String) -> String { "\(folder == "/" ? "" : folder)/\(name)" }

    static func facts(_ path: String, followingLinks: Bool) throws(FileError) -> FileFacts {
        var status = stat()
        let result = unsafe followingLinks ? stat(path, &status) : lstat(path, &status)
        guard result == 0 else { throw FileError(call: "stat", errno: errno) }
        return FileFacts(status)
    }

    /// The names in a folder, without `.` and `..`, sorted; and those that are not UTF-8, as they may be shown.
    static func names(inFolder path: String) throws(FileError) -> (names: [String], unreadable: [String]) {
        var names: [String] = []
        var unreadable: [String] = []
        try forEachName(inFolder: path) { bytes in
            if let name = String(validating: bytes, as: UTF8.self) {
                if name != ".", name != ".." { names.append(name) }
            } else if bytes.first != UInt8(ascii: ".") {
                unreadable.append(String(printable: bytes))
            }
            return true
        }
        names.sort()
        return (names, unreadable.sorted())
    }

    /// Whether something has this name, whatever it is; what cannot be looked at has one.
    static func exists(_ path: String) -> Bool {
        do throws(FileError) { _ = try facts(path, followingLinks: false) } catch { return !error.isMissing }
        return true
    }

    /// Whether a folder has this name, or a link that leads to one.
    static func isFolder(_ path: String) -> Bool {
        do throws(FileError) { return try facts(path, followingLinks: true).kind == .folder } catch { return false }
    }

    /// Whether nothing stands at a path that a moment ago was listed or read: its folder does not list the name any more,
    /// or is itself absent. A name that is still listed, and a folder that cannot be, say that something is there.
    static func isAbsent(_ path: String) -> Bool {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), path != "/" else { return false }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        let name = Array(path.utf8[path.utf8.index(after: slash)...])
        var isListed = false
        do throws(FileError) {
            try forEachName(inFolder: folder) { bytes in
                isListed = bytes == name
                return !isListed
            }
        } catch {
            return error.isMissing && isAbsent(folder)
        }
        return !isListed
    }

    /// - Parameter body: returns whether to go on.
    private static func forEachName(
        inFolder path: String, _ body: ([UInt8]) -> Bool
    ) throws(FileError) {
        guard let stream = unsafe opendir(path) else { throw FileError(call: "opendir", errno: errno) }
        defer { unsafe closedir(stream) }
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw FileError(call: "readdir", errno: errno) }
                return
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            guard body(name) else { return }
        }
    }

    static func target(ofLink path: String) throws(FileError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink(path, &buffer, buffer.count)
        guard count >= 0 else { throw FileError(call: "readlink", errno: errno) }
        // What is not UTF-8 must not be taken for another path, which may lead elsewhere.
        guard let target = String(validating: buffer[..<count].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self) else {
            throw FileError(call: "readlink", errno: EILSEQ)
        }
        return target
    }

    /// Why what is written to a file may not be told to who watches its folder.
    static func soloReason(_ path: String, _ facts: FileFacts) -> WatchedAlone.Reason? {
        guard facts.kind == .file else { return nil }
        if facts.linkCount > 1 { return .severalNames }
        return unsafe CLinux_is_mount_point(path) == 1 ? .mountPoint : nil
    }

    enum Content {
        case bytes([UInt8], FileSignature)
        /// Someone has it open for writing, or it changed while it was read.
        case busy
        /// `nil`: a stream, of which nobody knows how much would come.
        case tooLarge(byteCount: Int?)
        case notAFile(String)
    }

    /// Reads a whole file without ever blocking on a FIFO or a device.
    /// - Parameters:
    ///   - limit: In bytes.
    ///   - looksForWriters: Whether to ask the kernel if someone has the file open for writing. Where it cannot tell,
    ///     `unknownIsBusy` decides.
    static func read(
        _ path: String, limit: Int, looksForWriters: Bool = false, unknownIsBusy: Bool = false
    ) throws(FileError) -> Content {
        let before = try facts(path, followingLinks: true)
        if let refusal = refusal(of: before, limit: limit) { return refusal }

        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw FileError(call: "open", errno: errno) }
        defer { close(descriptor) }
        let opened = try facts(descriptor)
        if let refusal = refusal(of: opened, limit: limit) { return refusal }
        if looksForWriters, hasWriter(descriptor) ?? unknownIsBusy { return .busy }

        let expected = opened.signature.byteCount
        var failure: CInt = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: expected + 1) { buffer, count in
            while count < expected + 1 {
                let received = unsafe Glibc.read(descriptor, buffer.baseAddress! + count, expected + 1 - count)
                if received < 0, errno == EINTR { continue }
                if received < 0 { failure = errno }
                if received <= 0 { break }
                count += received
            }
        }
        guard failure == 0 else { throw FileError(call: "read", errno: failure) }
        let after = try facts(descriptor)
        let isWhole =
            bytes.count == expected && after.signature.byteCount == expected
            && after.signature.modified == opened.signature.modified
        return isWhole ? .bytes(bytes, after.signature) : .busy
    }

    /// Reads a stream to its end, however long that takes.
    /// - Parameter limit: In bytes.
    static func readToEnd(_ descriptor: CInt, limit: Int) throws(FileError) -> Content {
        let facts = try facts(descriptor)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= limit {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(call: "read", errno: errno) }
            guard count > 0 else { return .bytes(bytes, facts.signature) }
            bytes += buffer[..<count]
        }
        return .tooLarge(byteCount: nil)
    }

    private static func facts(_ descriptor: CInt) throws(FileError) -> FileFacts {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileError(call: "fstat", errno: errno) }
        return FileFacts(status)
    }

    private static func refusal(of facts: FileFacts, limit: Int) -> Content? {
        switch facts.kind {
        case .file: facts.signature.byteCount > limit ? .tooLarge(byteCount: facts.signature.byteCount) : nil
        case .folder: .notAFile("a folder")
        case .link: .notAFile("a link")
        case .other(let what): .notAFile(what)
        }
    }

    /// Whether anyone has the file open for writing: a read lease is refused then.
    /// - Returns: `nil` where the kernel does not tell (another owner's file, some filesystems).
    private static func hasWriter(_ descriptor: CInt) -> Bool? {
        // From <fcntl.h>, behind _GNU_SOURCE.
        let setSignal: CInt = 10
        let setLease: CInt = 1024
        // Someone who opens the file in the instant we hold the lease makes the kernel signal us: with one that is
        // ignored by default, instead of SIGIO, which would end the process.
        guard fcntl(descriptor, setSignal, SIGURG) == 0 else { return nil }
        guard fcntl(descriptor, setLease, CInt(F_RDLCK)) == 0 else {
            return errno == EAGAIN ? true : nil
        }
        _ = fcntl(descriptor, setLease, CInt(F_UNLCK))
        return false
    }
}
