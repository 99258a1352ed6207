import CLinux
import Glibc
import Synchronization

/// Ports that nobody listens at, of blocks that are this process's own.
package enum TestPort {
    private struct Supply {
        private var ports: [UInt16] = []
        private var next = 0
        /// Enough for some thousand tests before one comes again.
        private static let mostPorts = 8_000

        mutating func take() -> UInt16 {
            if next == ports.count {
                if ports.count < Self.mostPorts, let block = PortBlock.claim() {
                    ports += block.ports
                } else {
                    next = 0
                }
            }
            precondition(!ports.isEmpty, "other tests have all ports")
            defer { next += 1 }
            return ports[next]
        }
    }

    private static let supply = Mutex(Supply())

    package static func free() -> UInt16 {
        supply.withLock { supply in
            while true {
                let port = supply.take()
                if isFree(port) { return port }
            }
        }
    }

    /// A socket that listens at a free port, and whose connections nobody accepts.
    package static func listen(at port: UInt16, backlog: CInt) -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        _ = unsafe Loopback.withAddress(port: port) { address, length in unsafe bind(descriptor, address, length) }
        _ = Glibc.listen(descriptor, backlog)
        return descriptor
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        // What earlier connections left in TIME-WAIT is in nobody's way.
        var one: CInt = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        return unsafe Loopback.withAddress(port: port) { address, length in
            unsafe bind(descriptor, address, length) == 0
        }
    }
}

/// Addresses on 127.0.0.1, as the kernel takes them.
enum Loopback {
    static func withAddress<Result>(
        port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe body(raw, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
