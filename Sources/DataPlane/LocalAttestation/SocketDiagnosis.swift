import CLinux
import CommonValues
package import EventLoops
import Glibc
package import SystemInterfaces

/// Whose a socket of TCP on this host is, as the kernel says it.
package struct SocketOwner: Hashable, Sendable {
    /// The user who made it, by number.
    package let uid: UInt32
    /// What it is called in `/proc/PID/fd`.
    package let inode: UInt32
    /// The control group (version 2) that it was made in, by the number of its folder; `nil`: the kernel does not say (before 5.9).
    package let controlGroup: UInt64?
}

/// Asks the kernel about sockets (sock_diag(7)); for one thread.
package final class SocketDiagnosis {
    private let descriptor: CInt
    private var sequence: UInt32 = 0
    /// Within a host all goes over it. Of sockets that are bound to an interface the kernel has those of the one that is asked for, and
    /// it always has those that are bound to none.
    private let loopback = unsafe if_nametoindex("lo")

    package init() throws(SystemCallError) {
        descriptor = try Self.connectedToKernel(SOCK_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// A socket that hears the kernel alone, whose number is 0 (netlink(7)).
    static func connectedToKernel(_ flags: __socket_type? = nil) throws(SystemCallError) -> CInt {
        let type = CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | (flags.map { CInt($0.rawValue) } ?? 0)
        let descriptor = socket(AF_NETLINK, type, 4)  // NETLINK_SOCK_DIAG
        guard descriptor >= 0 else { throw SystemCallError(last: "socket") }
        var kernel = sockaddr_nl()
        kernel.nl_family = sa_family_t(AF_NETLINK)
        let result = unsafe withUnsafeBytes(of: &kernel) { bytes in
            unsafe connect(
                descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard result == 0 else {
            let error = SystemCallError(last: "connect")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Whose the socket at the other end of a connection is.
    ///
    /// The kernel names whoever made the socket, and keeps to that when it is handed on. Only one that is connected counts: one that
    /// its process has closed has no owner any more, and the kernel calls it root's.
    /// - Parameters:
    ///   - peer: That socket's own address.
    ///   - local: The one that it is connected to.
    /// - Returns: `nil`: there is none.
    package func owner(
        of peer: NetworkAddress, connectedTo local: NetworkAddress
    ) throws(SystemCallError) -> SocketOwner? {
        guard case .ip(let peerIP, let peerPort) = peer, case .ip(let localIP, let localPort) = local else {
            return nil
        }
        sequence &+= 1
        let sequence = sequence
        let (descriptor, loopback) = (descriptor, loopback)
        let answer = unsafe withUnsafeTemporaryAllocation(byteCount: Self.answerByteCount, alignment: 8) {
            (buffer) -> Result<SocketOwner?, SystemCallError> in
            unsafe Self.write(to: buffer, sequence, loopback, (peerIP, peerPort), (localIP, localPort))
            let sent = unsafe send(descriptor, buffer.baseAddress!, DiagnosisMessage.questionByteCount, 0)
            guard sent == DiagnosisMessage.questionByteCount else { return .failure(SystemCallError(last: "send")) }
            // The kernel answers before `send` returns; what is left of questions before is passed over.
            for _ in 0..<8 {
                let count = unsafe recv(descriptor, buffer.baseAddress!, buffer.count, 0)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return .failure(SystemCallError(last: "recv")) }
                guard count >= DiagnosisMessage.headByteCount else { continue }
                let message = DiagnosisMessage(unsafe RawSpan(_unsafeBytes: buffer[..<count]))
                if message.sequence == sequence { return Self.owner(in: message, peerPort, localPort) }
            }
            return .failure(SystemCallError("recv", errno: EBADMSG))
        }
        return try answer.get()
    }

    // MARK: Messages (linux/inet_diag.h)

    /// NLM_F_REQUEST.
    private static let isRequest: UInt16 = 1
    private static let answerByteCount = 1024

    private static func write(
        to buffer: UnsafeMutableRawBufferPointer, _ sequence: UInt32, _ interface: UInt32, _ peer: (IPAddress, UInt16),
        _ local: (IPAddress, UInt16)
    ) {
        unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
        let isIPv4 = peer.0.v4 != nil
        unsafe buffer.storeBytes(of: UInt32(DiagnosisMessage.questionByteCount), as: UInt32.self)
        unsafe buffer.storeBytes(of: DiagnosisMessage.Kind.socket, toByteOffset: 4, as: UInt16.self)
        unsafe buffer.storeBytes(of: isRequest, toByteOffset: 6, as: UInt16.self)
        unsafe buffer.storeBytes(of: sequence, toByteOffset: 8, as: UInt32.self)
        unsafe buffer.storeBytes(of: UInt8(isIPv4 ? AF_INET : AF_INET6), toByteOffset: 16, as: UInt8.self)
        unsafe buffer.storeBytes(of: UInt8(IPPROTO_TCP), toByteOffset: 17, as: UInt8.self)
        unsafe buffer.storeBytes(of: UInt32.max, toByteOffset: 20, as: UInt32.self)
        unsafe buffer.storeBytes(of: peer.1.bigEndian, toByteOffset: 24, as: UInt16.self)
        unsafe buffer.storeBytes(of: local.1.bigEndian, toByteOffset: 26, as: UInt16.self)
        for (address, offset) in [(peer.0, 28), (local.0, 44)] {
            if let v4 = address.v4 {
                unsafe buffer.storeBytes(of: v4.bigEndian, toByteOffset: offset, as: UInt32.self)
            } else {
                unsafe buffer.storeBytes(of: address.high.bigEndian, toByteOffset: offset, as: UInt64.self)
                unsafe buffer.storeBytes(of: address.low.bigEndian, toByteOffset: offset + 8, as: UInt64.self)
            }
        }
        unsafe buffer.storeBytes(of: interface, toByteOffset: 60, as: UInt32.self)
        // Whichever socket it is (INET_DIAG_NOCOOKIE).
        unsafe buffer.storeBytes(of: UInt64.max, toByteOffset: 64, as: UInt64.self)
    }

    private static func owner(
        in message: borrowing DiagnosisMessage, _ peerPort: UInt16, _ localPort: UInt16
    ) -> Result<SocketOwner?, SystemCallError> {
        if message.kind == DiagnosisMessage.Kind.error {
            let errno = message.errno
            return errno == ENOENT ? .success(nil) : .failure(SystemCallError("sock_diag", errno: errno))
        }
        guard message.isOfSocket else { return .failure(SystemCallError("sock_diag", errno: EBADMSG)) }
        // Where none is connected the kernel may name one that listens at the same port.
        guard isConnected(message.state), message.ownPort == peerPort, message.otherPort == localPort,
            message.inode != 0
        else {
            return .success(nil)
        }
        return .success(message.owner)
    }

    /// ESTABLISHED; FIN_WAIT1 and FIN_WAIT2, whose process reads on; CLOSE_WAIT (RFC 9293 § 3.3.2; linux/tcp_states.h).
    private static func isConnected(_ state: UInt8) -> Bool { [1, 4, 5, 8].contains(state) }
}
