import CLinux
import Glibc

/// A file that was opened to be read: the same one, whatever stands at its path by now.
package struct OpenFile: ~Copyable {
    let descriptor: CInt
    /// As it was when it was opened.
    package let facts: FileFacts

    /// Never waits: for the other side of a FIFO, say.
    /// - Parameter followingLast: What stands at the path may be a link; else that is `ELOOP`.
    package init(_ path: String, followingLast: Bool = true) throws(SystemCallError) {
        let noLink = followingLast ? 0 : O_NOFOLLOW
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | noLink)
        guard descriptor >= 0 else { throw SystemCallError(last: "open") }
        do throws(SystemCallError) {
            facts = try Self.facts(descriptor)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// All that is left of it.
    /// - Parameter limit: In bytes; what is longer gives one byte more.
    package func bytes(limit: Int) throws(SystemCallError) -> [UInt8] {
        try Self.bytes(descriptor, limit: limit)
    }

    /// What comes next of it.
    /// - Returns: How many bytes; 0 at its end.
    package func read(into buffer: inout [UInt8]) throws(SystemCallError) -> Int {
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemCallError(last: "read") }
            return count
        }
    }

    /// As it is now.
    package func currentSignature() throws(SystemCallError) -> FileSignature { try Self.facts(descriptor).signature }

    /// What it lies on, if that can be known.
    package var filesystem: Filesystem? {
        var facts = statfs()
        guard unsafe fstatfs(descriptor, &facts) == 0 else { return nil }
        // ST_NOSUID, as the kernel has it.
        return Filesystem(kind: UInt32(truncatingIfNeeded: facts.f_type), ignoresSetuid: facts.f_flags & 2 != 0)
    }

    static func facts(_ descriptor: CInt) throws(SystemCallError) -> FileFacts {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemCallError(last: "fstat") }
        return FileFacts(status)
    }

    /// What is longer than `limit` gives one byte more.
    static func bytes(_ descriptor: CInt, limit: Int) throws(SystemCallError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= limit {
            let count = unsafe Glibc.read(descriptor, &buffer, min(buffer.count, limit + 1 - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemCallError(last: "read") }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}

/// What a file lies on, as statfs(2) says.
package struct Filesystem: Hashable, Sendable {
    /// Its magic number.
    package let kind: UInt32
    /// It was mounted so that no program there acts as its owner: as what users mount is.
    package let ignoresSetuid: Bool

    package init(kind: UInt32, ignoresSetuid: Bool) {
        self.kind = kind
        self.ignoresSetuid = ignoresSetuid
    }
}
