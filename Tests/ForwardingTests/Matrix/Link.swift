import CommonValues
import EventLoops
import Glibc
import TestSupport

/// A socket that one thread drives, an event at a time.
final class Link {
    enum Input {
        case bytes([UInt8])
        case ended
        case reset
        /// Nothing has come for so long that nothing will.
        case nothing
    }

    /// How long an event is waited for that must come, in milliseconds: until a test is given up.
    static let patience: CInt = 20_000

    private let connection: RawConnection
    private var space = [UInt8](repeating: 0, count: 65_536)

    init(_ connection: RawConnection) {
        self.connection = connection
        var one: CInt = 1
        _ = unsafe setsockopt(
            connection.descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
    }

    convenience init(port: UInt16) throws { self.init(try RawConnection(port: port)) }

    var descriptor: CInt { connection.descriptor }

    func read() -> Input {
        guard Self.waits(for: [descriptor], POLLIN, Self.patience) != nil else { return .nothing }
        let count = unsafe space.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress!, $0.count, 0) }
        if count > 0 { return .bytes(Array(space[..<count])) }
        return count == 0 ? .ended : .reset
    }

    func send(_ bytes: [UInt8]) { connection.send(bytes) }

    /// Takes what the socket takes at once.
    /// - Returns: How many bytes that was; `nil`: the connection is broken.
    func offer(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress!, $0.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        return count >= 0 ? count : errno == EAGAIN ? 0 : nil
    }

    var hasInput: Bool { Self.waits(for: [descriptor], POLLIN, 0) != nil }

    func endOutput() { connection.endOutput() }
    func reset() { connection.reset() }

    /// Takes no more than this from now on, whatever the kernel would give it.
    func limitInput(to byteCount: CInt) {
        var count = byteCount
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &count, socklen_t(MemoryLayout<CInt>.size))
    }

    /// - Returns: The first of the descriptors at which it happens; `nil`: it does not.
    static func waits(for descriptors: [CInt], _ event: CInt, _ milliseconds: CInt) -> Int? {
        var polled = descriptors.map { pollfd(fd: $0, events: Int16(event), revents: 0) }
        while true {
            let count = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
            if count < 0, errno == EINTR { continue }
            return count > 0 ? polled.firstIndex { $0.revents != 0 } : nil
        }
    }
}

/// Where a workload listens, or would.
final class Ear: @unchecked Sendable {
    // SAFETY: the socket never changes, and accepting is the kernel's to order.
    private let socket: Socket
    let port: UInt16

    /// - Parameter isDead: Nothing can be connected to it, as long as it is here.
    init(isDead: Bool = false) throws {
        socket = try Socket.bound(to: .ip(IPAddress("127.0.0.1")!, port: 0), sharesPort: false)
        if !isDead { try socket.listen() }
        port = socket.localAddress().port
    }

    var descriptor: CInt { socket.descriptor }

    /// The next connection; `nil`: none comes.
    func accept() -> Link? {
        guard Link.waits(for: [descriptor], POLLIN, Link.patience) != nil else { return nil }
        let accepted = Descriptors.accept(descriptor)
        guard accepted >= 0 else { return nil }
        return Link(RawConnection(descriptor: accepted))
    }

    /// Somebody waits.
    var isCalled: Bool { Link.waits(for: [descriptor], POLLIN, 0) != nil }
}
