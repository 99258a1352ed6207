import CLinux
import Glibc
import Synchronization

/// Nothing happens in the watched folders from one moment to another.
package struct Calm: Sendable {
    private let events: Events
    private let noted: UInt64
    private let end: ContinuousClock.Instant

    init(_ events: Events, until end: ContinuousClock.Instant) {
        self.events = events
        noted = events.count
        self.end = end
    }

    /// Waits for the end, if it has not come yet.
    /// - Returns: `false` if something happened.
    package func holds() async -> Bool {
        if .now < end { try? await Task.sleep(until: end, clock: .continuous) }
        // In this order: what waits no longer is counted, or being read.
        return events.nothingWaits && events.count == noted
    }

    /// What is known of an inotify instance's events on whichever thread: how often some were read, and whether some wait.
    final class Events: Sendable {
        private let reads = Atomic<UInt64>(0)
        /// Of its own, so that it cannot come to mean another file.
        private let descriptor: CInt

        init(of descriptor: CInt) { self.descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }

        deinit { close(descriptor) }

        var count: UInt64 { reads.load(ordering: .sequentiallyConsistent) }

        /// Counts a reading that finds events; while it is going on, it counts already.
        /// - Parameter read: Returns how many bytes it found.
        func reading(_ read: () -> Int) -> Int {
            reads.add(1, ordering: .sequentiallyConsistent)
            let byteCount = read()
            if byteCount <= 0 { reads.subtract(1, ordering: .sequentiallyConsistent) }
            return byteCount
        }

        var nothingWaits: Bool {
            var byteCount: CInt = 0
            return unsafe ioctl(descriptor, UInt(FIONREAD), &byteCount) == 0 && byteCount == 0
        }
    }
}
