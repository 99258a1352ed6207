import CLinux
import Glibc

/// Looks at what stands at a path, and reads it.
package enum FileAccess {
    /// - Parameter folder: May be the root.
    package static func path(_ name: String, in folder: String) -> String { "\(folder == "/" ? "" : folder)/\(name)" }

    /// An absolute path without `.` and `..`, as it reads: for people, since a link on the way may lead elsewhere.
    package static func normalized(_ path: String) -> String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/") {
            switch segment {
            case ".": break
            case "..": _ = segments.popLast()
            default: segments.append(segment)
            }
        }
        return "/" + segments.joined(separator: "/")
    }

    package static func facts(_ path: String, followingLinks: Bool) throws(SystemCallError) -> FileFacts {
        var status = stat()
        let result = unsafe followingLinks ? stat(path, &status) : lstat(path, &status)
        guard result == 0 else { throw SystemCallError(last: "stat") }
        return FileFacts(status)
    }

    /// The names in a folder, without `.` and `..`, sorted; and those that are not UTF-8.
    package static func names(inFolder path: String) throws(SystemCallError) -> (names: [String], unreadable: [[UInt8]])
    {
        var names: [String] = []
        var unreadable: [[UInt8]] = []
        try forEachName(inFolder: path) { bytes in
            if let name = String(validating: bytes, as: UTF8.self) {
                if name != ".", name != ".." { names.append(name) }
            } else {
                unreadable.append(bytes)
            }
            return true
        }
        names.sort()
        return (names, unreadable)
    }

    /// Whether something has this name, whatever it is; what cannot be looked at has one.
    package static func exists(_ path: String) -> Bool {
        do throws(SystemCallError) { _ = try facts(path, followingLinks: false) } catch { return !error.isMissing }
        return true
    }

    /// Whether a folder has this name, or a link that leads to one.
    package static func isFolder(_ path: String) -> Bool {
        do throws(SystemCallError) { return try facts(path, followingLinks: true).kind == .folder } catch {
            return false
        }
    }

    /// - Throws: Why this process may not change the names in a folder; as the error of `call`, for which it is asked.
    package static func checkWritable(_ folder: String, for call: String) throws(SystemCallError) {
        let effectiveIDs: CInt = 0x200  // AT_EACCESS, behind _GNU_SOURCE
        // What is no folder has nothing behind a slash.
        guard unsafe faccessat(AT_FDCWD, folder + "/.", W_OK | X_OK, effectiveIDs) != 0 else { return }
        throw SystemCallError(last: call)
    }

    /// Whether nothing stands at a path that a moment ago was listed or read: its folder does not list the name any more,
    /// or is itself absent. A name that is still listed, and a folder that cannot be, say that something is there.
    package static func isAbsent(_ path: String) -> Bool {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), path != "/" else { return false }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        let name = Array(path.utf8[path.utf8.index(after: slash)...])
        var isListed = false
        do throws(SystemCallError) {
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
    ) throws(SystemCallError) {
        guard let stream = unsafe opendir(path) else { throw SystemCallError(last: "opendir") }
        defer { unsafe closedir(stream) }
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw SystemCallError(last: "readdir") }
                return
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            guard body(name) else { return }
        }
    }

    package static func target(ofLink path: String) throws(SystemCallError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink(path, &buffer, buffer.count)
        guard count >= 0 else { throw SystemCallError(last: "readlink") }
        // What is not UTF-8 must not be taken for another path, which may lead elsewhere.
        guard let target = String(validating: buffer[..<count].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self) else {
            throw SystemCallError("readlink", errno: EILSEQ)
        }
        return target
    }

    package enum Content {
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
    package static func read(
        _ path: String, limit: Int, looksForWriters: Bool = false, unknownIsBusy: Bool = false
    ) throws(SystemCallError) -> Content {
        let before = try facts(path, followingLinks: true)
        if let refusal = refusal(of: before, limit: limit) { return refusal }

        let file = try OpenFile(path)
        if let refusal = refusal(of: file.facts, limit: limit) { return refusal }
        if looksForWriters, hasWriter(file.descriptor) ?? unknownIsBusy { return .busy }

        let expected = file.facts.signature.byteCount
        var failure: CInt = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: expected + 1) { buffer, count in
            while count < expected + 1 {
                let received = unsafe Glibc.read(file.descriptor, buffer.baseAddress! + count, expected + 1 - count)
                if received < 0, errno == EINTR { continue }
                if received < 0 { failure = errno }
                if received <= 0 { break }
                count += received
            }
        }
        guard failure == 0 else { throw SystemCallError("read", errno: failure) }
        let after = try OpenFile.facts(file.descriptor)
        let isWhole =
            bytes.count == expected && after.signature.byteCount == expected
            && after.signature.modified == file.facts.signature.modified
        return isWhole ? .bytes(bytes, after.signature) : .busy
    }

    /// Reads a stream to its end, however long that takes.
    /// - Parameter limit: In bytes.
    package static func readToEnd(_ descriptor: CInt, limit: Int) throws(SystemCallError) -> Content {
        let facts = try OpenFile.facts(descriptor)
        let bytes = try OpenFile.bytes(descriptor, limit: limit)
        return bytes.count > limit ? .tooLarge(byteCount: nil) : .bytes(bytes, facts.signature)
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
