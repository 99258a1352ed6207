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
            facts = try FileAccess.facts(descriptor)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// All that is left of it.
    /// - Parameter limit: In bytes; what is longer gives one byte more.
    package func bytes(limit: Int) throws(SystemCallError) -> [UInt8] {
        try FileAccess.bytes(descriptor, limit: limit)
    }
}
