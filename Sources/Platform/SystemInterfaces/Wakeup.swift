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

    /// Returns when it is given, or has been since it was taken last, or when the time is over.
    /// - Parameter end: `nil`: there is none.
    package func wait(until end: ContinuousClock.Instant?) {
        var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            // Whole milliseconds, and the one that has begun: not again and again for what is left of it.
            let left = end.map { max(.zero, $0 - .now) / .milliseconds(1) }
            let count = unsafe poll(&asked, 1, left.map { CInt(clamping: Int64($0.rounded(.up))) } ?? -1)
            guard count < 0, errno == EINTR else { return }
        }
    }

    /// Call it before looking at the work: work that is added after the look wakes again.
    package func take() {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(descriptor, &count)
    }
}
