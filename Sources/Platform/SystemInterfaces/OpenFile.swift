import Glibc

/// A file that was opened to be read: the same one, whatever stands at its path by now.
package struct OpenFile: ~Copyable {
    let descriptor: CInt
    /// As it was when it was opened.
    package let facts: FileFacts

    /// Never waits: for the other side of a FIFO, say.
    package init(_ path: String) throws(SystemCallError) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
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

    /// All that is left of it, piece by piece; each is gone when `body` returns.
    package func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) throws(SystemCallError) {
        var buffer = [UInt8](repeating: 0, count: 256 * 1024)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemCallError(last: "read") }
            guard count > 0 else { return }
            unsafe buffer.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    /// As it is now.
    package func currentSignature() throws(SystemCallError) -> FileSignature { try Self.facts(descriptor).signature }

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
