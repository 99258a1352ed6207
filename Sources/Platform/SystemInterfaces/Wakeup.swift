import CLinux
import Glibc

/// Wakes a thread that waits for events of descriptors: an eventfd(2), which counts for as long as nobody looks.
package struct Wakeup: ~Copyable {
    /// Readable from `give` to `take`.
    package let descriptor: CInt

    package init() throws(SystemCallError) {
        // What is whole is closed, though `init` throws.
        let new = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
        guard new >= 0 else { throw SystemCallError(last: "eventfd") }
        descriptor = new
    }

    deinit { close(descriptor) }

    /// From any thread.
    package func give() { _ = eventfd_write(descriptor, 1) }

    /// Call it before looking at the work: work that is added after the look wakes again.
    package func take() {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(descriptor, &count)
    }
}
