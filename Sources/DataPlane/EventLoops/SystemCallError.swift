import Glibc

/// A system call that failed: which one, and the kernel's reason.
package struct SystemCallError: Error, Hashable, CustomStringConvertible {
    package let call: String
    package let errno: CInt

    package init(_ call: String, errno: CInt) {
        self.call = call
        self.errno = errno
    }

    /// Reads `errno`: make it the first thing after the failed call.
    package init(last call: String) { self.init(call, errno: Glibc.errno) }

    package var reason: String { unsafe String(cString: strerror(errno)) }
    package var description: String { "\(call): \(reason)" }
}
