import CLinux
import Glibc

/// Holds threads back until a test lets them go. They sleep in the kernel meanwhile.
package final class Gate: Sendable {
    private let exit: CInt
    private let entrance: CInt

    package init() {
        var ends: [CInt] = [-1, -1]
        _ = unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        exit = ends[0]
        entrance = ends[1]
    }

    deinit {
        close(exit)
        close(entrance)
    }

    /// For good. The byte stays, so that whoever comes later passes, too.
    package func open() { _ = unsafe write(entrance, [1], 1) }

    package func pass() { while !isOpen(within: -1) {} }

    /// The same without holding a thread that the test which opens it may need.
    package func passed() async { await Poll.until { isOpen(within: 0) } }

    /// - Parameter milliseconds: -1 for however long it takes.
    private func isOpen(within milliseconds: CInt) -> Bool {
        var wanted = pollfd(fd: exit, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&wanted, 1, milliseconds) > 0
    }
}
