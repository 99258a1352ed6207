import Glibc
import Synchronization

/// Holds a thread back until a test lets it go.
final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .releasing) }

    func pass() {
        while !isOpen.load(ordering: .acquiring) { usleep(1_000) }
    }
}
