import CLinux
import Glibc

/// Wakes a thread that waits for events of descriptors: an eventfd(2), which counts for as long as nobody looks.
package struct Wakeup: ~Copyable {
    /// Readable from `give` to `take`.
    package let descriptor: CInt

    package init() throws(SystemCallError) {
        descriptor = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
        guard descriptor >= 0 else { throw SystemCallError(last: "eventfd") }
    }

    deinit { close(descriptor) }

    /// From any thread.
    package func give() { _ = eventfd_write(descriptor, 1) }

    /// Before a look at what it was given for: what comes behind the look wakes again.
    package func take() {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(descriptor, &count)
    }
}
