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

    package func pass() {
        var wanted = pollfd(fd: exit, events: Int16(POLLIN), revents: 0)
        while unsafe poll(&wanted, 1, -1) < 0, errno == EINTR {}
    }
}
