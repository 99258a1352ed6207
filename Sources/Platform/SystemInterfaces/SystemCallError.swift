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

    /// As the system says it: `Permission denied`.
    package var reason: String { unsafe String(cString: strerror(errno)) }
    package var description: String { "\(call): \(reason)" }

    /// Nothing stands there, or a link that leads nowhere: `FileAccess.isAbsent` tells one from the other. No other
    /// refusal says that something is not there, only that it cannot be seen.
    package var isMissing: Bool { errno == ENOENT }

    /// No descriptor is left, of this process's or of the whole system's.
    package var isOutOfDescriptors: Bool { errno == EMFILE || errno == ENFILE }
}
