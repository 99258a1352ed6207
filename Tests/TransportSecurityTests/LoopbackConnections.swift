import Glibc
import TestSupport
import TransportSecurity

/// A TCP socket on loopback.
final class LoopbackListener {
    private let descriptor: CInt
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && listen(descriptor, 5) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard bound else { throw SetUpError("cannot listen: \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    /// The next connection, nonblocking.
    func accept() throws -> CInt {
        try wait(descriptor, POLLIN)
        let accepted = Descriptors.accept(descriptor)
        guard accepted >= 0 else { throw SetUpError("accept: \(errno)") }
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        return accepted
    }
}

/// A nonblocking connection to loopback, tried until someone listens.
func connectToLoopback(_ port: UInt16) throws -> CInt {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    var descriptor: CInt = -1
    let isConnected = Poll.until(every: .milliseconds(20)) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if !isConnected { close(descriptor) }
        return isConnected
    }
    guard isConnected else { throw SetUpError("no one listens on \(port)") }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return descriptor
}

func wait(_ descriptor: CInt, _ events: Int32) throws {
    var wanted = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    guard unsafe poll(&wanted, 1, 20_000) == 1 else { throw SetUpError("nothing happened for 20 s") }
}

extension TLSSession {
    /// The handshake with a process, to its end.
    borrowing func handshakeBlocking(on descriptor: CInt) throws -> HandshakeResult {
        while true {
            let result = handshake()
            switch result {
            case .done, .failed: return result
            case .wantsRead: try TransportSecurityTests.wait(descriptor, POLLIN)
            case .wantsWrite: try TransportSecurityTests.wait(descriptor, POLLOUT)
            }
            socketBecameReadable()
            socketBecameWritable()
        }
    }

    /// Reads from a process until `enough`, or the end.
    borrowing func readBlocking(
        on descriptor: CInt, until enough: ([UInt8]) -> Bool
    ) throws -> (bytes: [UInt8], end: ReadResult) {
        var all: [UInt8] = []
        while true {
            let read = readAll()
            all += read.bytes
            guard read.end == .wouldBlock, !enough(all) else { return (all, read.end) }
            try TransportSecurityTests.wait(descriptor, POLLIN)
            socketBecameReadable()
        }
    }
}
