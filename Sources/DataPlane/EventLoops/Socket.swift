import CLinux
import CommonValues
import Glibc
package import SystemInterfaces

/// What a read or write on a nonblocking socket came to.
package enum SocketResult: Sendable {
    /// At least one byte went through.
    case bytes(Int)
    case wouldBlock
    /// The other side ended its half of the stream. Reads only.
    case endOfStream
    case failed(errno: CInt)
}

/// A nonblocking stream socket; closed when its owner lets go of it.
package struct Socket: ~Copyable {
    package let descriptor: CInt

    /// - Parameter descriptor: an open descriptor that nobody else owns.
    package init(owning descriptor: CInt) { self.descriptor = descriptor }

    deinit { _ = Glibc.close(descriptor) }

    private static let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)

    private init(family: CInt) throws(SystemCallError) {
        let descriptor = Glibc.socket(family, Self.kind, 0)
        guard descriptor >= 0 else { throw SystemCallError(last: "socket") }
        self.descriptor = descriptor
    }

    /// A socket bound to `address` that does not listen yet.
    /// - Parameters:
    ///   - sharesPort: `SO_REUSEPORT`, so that every worker has its own queue of connections.
    ///   - isIPv6Only: `::` takes no calls of IPv4.
    ///   - isForeign: The address need not be one of this host's.
    ///   - permissions: of a Unix socket's file, from its first moment; `nil`: as the process's umask says.
    package static func bound(
        to address: NetworkAddress, sharesPort: Bool, isIPv6Only: Bool = true, isForeign: Bool = false,
        permissions: UInt32? = nil
    ) throws(SystemCallError) -> Socket {
        let socket = try Socket(family: address.family)
        // The file takes its mode from the socket (unix(7) on Linux), so that there is no moment when it is open to others.
        if let permissions, fchmod(socket.descriptor, permissions) != 0 { throw SystemCallError(last: "fchmod") }
        if case .ip(let ip, _) = address {
            socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
            if sharesPort { socket.set(SOL_SOCKET, SO_REUSEPORT, 1) }
            let isIPv6 = ip.v4 == nil
            if isIPv6 { socket.set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, isIPv6Only ? 1 : 0) }
            if isForeign, isIPv6 { socket.set(CInt(IPPROTO_IPV6), IPV6_FREEBIND, 1) }
            if isForeign, !isIPv6 { socket.set(CInt(IPPROTO_IP), IP_FREEBIND, 1) }
        }
        let result = unsafe address.withSocketAddress { unsafe Glibc.bind(socket.descriptor, $0, $1) }
        guard result == 0 else { throw SystemCallError(last: "bind") }
        return socket
    }

    /// Two ends of a connection within this process.
    package static func pair() throws(SystemCallError) -> SocketPair {
        var ends: [CInt] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Self.kind, 0, &ends) == 0 else { throw SystemCallError(last: "socketpair") }
        return SocketPair(near: Socket(owning: ends[0]), far: Socket(owning: ends[1]))
    }

    /// Starts a connection; it is up, or has failed, when the socket becomes writable.
    package static func connecting(to address: NetworkAddress) throws(SystemCallError) -> Socket {
        let socket = try Socket(family: address.family)
        if case .ip = address { socket.set(CInt(IPPROTO_TCP), TCP_NODELAY, 1) }
        let result = unsafe address.withSocketAddress { unsafe Glibc.connect(socket.descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else { throw SystemCallError(last: "connect") }
        return socket
    }

    /// - Parameter backlog: the kernel caps it at `net.core.somaxconn`.
    package borrowing func listen(backlog: CInt = 4096) throws(SystemCallError) {
        guard Glibc.listen(descriptor, backlog) == 0 else { throw SystemCallError(last: "listen") }
    }

    /// The next connection, or `nil` if none waits.
    package borrowing func accept() throws(SystemCallError) -> AcceptedSocket? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let accepted = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe accept4(
                descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length,
                CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue))
        }
        guard accepted >= 0 else {
            switch errno {
            // The rest are connections that died in the queue (accept(2)): the next call sees the next one.
            case EAGAIN: return nil
            case ECONNABORTED, EPROTO, EINTR, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH: return try accept()
            default: throw SystemCallError(last: "accept4")
            }
        }
        let peer = NetworkAddress(storage)
        let socket = Socket(owning: accepted)
        if case .ip = peer { socket.set(CInt(IPPROTO_TCP), TCP_NODELAY, 1) }
        return AcceptedSocket(socket, peer: peer)
    }

    /// Something waits to be read, or to be accepted. Asks the kernel.
    package var isReadable: Bool {
        var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&asked, 1, 0) > 0
    }

    package borrowing func duplicate() throws(SystemCallError) -> Socket {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw SystemCallError(last: "fcntl") }
        return Socket(owning: copy)
    }

    /// Why the connection could not be made; 0 if it is up.
    package borrowing func connectError() -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length) == 0 else { return errno }
        return value
    }

    /// The address of this end.
    package borrowing func localAddress() -> NetworkAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe getsockname(descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
        }
        return NetworkAddress(storage)
    }

    package borrowing func receive(into buffer: UnsafeMutableRawBufferPointer) -> SocketResult {
        while true {
            let count = unsafe recv(descriptor, buffer.baseAddress!, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .endOfStream }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case let error: return .failed(errno: error)
            }
        }
    }

    borrowing func send(_ vectors: UnsafeMutableBufferPointer<iovec>) -> SocketResult {
        while true {
            var message = unsafe msghdr()
            unsafe message.msg_iov = vectors.baseAddress
            unsafe message.msg_iovlen = vectors.count
            let count = unsafe sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case let error: return .failed(errno: error)
            }
        }
    }

    package borrowing func send(_ buffer: UnsafeRawBufferPointer) -> SocketResult {
        while true {
            let count = unsafe Glibc.send(descriptor, buffer.baseAddress!, buffer.count, CInt(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case let error: return .failed(errno: error)
            }
        }
    }

    /// Tells the other side that nothing more will come.
    package borrowing func shutdownWrites() { _ = Glibc.shutdown(descriptor, CInt(SHUT_WR)) }

    /// Makes the coming close a reset, so that the other side cannot take a cut stream for a finished one.
    package borrowing func resetOnClose() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// Has the kernel ask the host at the other end whether it still knows of the connection, which no application there sees.
    /// Connections that a listening socket accepts have it from there (tcp(7)).
    /// - Parameters:
    ///   - silence: Seconds without a byte until it asks.
    ///   - interval: Seconds from one question to the next.
    ///   - count: Questions without an answer after which the connection breaks off.
    package borrowing func probeSilentHost(after silence: CInt, every interval: CInt, times count: CInt) {
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(CInt(IPPROTO_TCP), TCP_KEEPIDLE, silence)
        set(CInt(IPPROTO_TCP), TCP_KEEPINTVL, interval)
        set(CInt(IPPROTO_TCP), TCP_KEEPCNT, count)
    }

    /// Bytes that were sent and that the other side's kernel has not acknowledged, or over a Unix socket that nobody has read;
    /// 0 if the kernel does not say (SIOCOUTQ: tcp(7), unix(7)). The other side's kernel acknowledges no more than its buffer
    /// holds until somebody reads.
    package borrowing func unacknowledgedByteCount() -> Int {
        Int(max(0, CLinux_unacknowledged_byte_count(descriptor)))
    }

    private borrowing func set(_ level: CInt, _ option: CInt, _ value: CInt) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }
}

/// Two ends of a connection.
package struct SocketPair: ~Copyable {
    package let near: Socket
    package let far: Socket

    /// - Parameter work: Has both for its own.
    package consuming func take<Result: ~Copyable, Failure: Error>(
        _ work: (consuming Socket, consuming Socket) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try work(near, far)
    }
}

package struct AcceptedSocket: ~Copyable {
    package let socket: Socket
    package let peer: NetworkAddress

    package init(_ socket: consuming Socket, peer: NetworkAddress) {
        self.socket = socket
        self.peer = peer
    }

    package consuming func takeSocket() -> Socket { socket }
}
