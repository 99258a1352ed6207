import Glibc

/// A folder that was opened: the same one, whatever stands at its path by now.
package struct OpenFolder: ~Copyable {
    package let descriptor: CInt

    /// - Parameter followingLink: Whether the path may be a link that leads to it.
    package init(_ path: String, followingLink: Bool = true) throws(SystemCallError) {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followingLink ? 0 : O_NOFOLLOW)
        // What is whole is closed, though `init` throws.
        let new = unsafe open(path, flags)
        guard new >= 0 else { throw SystemCallError(last: "open") }
        descriptor = new
    }

    deinit { close(descriptor) }

    /// Where the system finds it, wherever it is moved (proc_pid_fd(5)). It costs no walk from the root, and nobody can put
    /// another folder there.
    package var place: String { Self.place(descriptor) }

    package static func place(_ descriptor: CInt) -> String { "/proc/self/fd/\(descriptor)" }
}
