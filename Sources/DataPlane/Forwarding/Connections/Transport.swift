import EventLoops
import SPIFFE
import TransportSecurity

/// A stream of bytes over a socket, in plain or under TLS. The one place where the two differ.
struct Transport: ~Copyable {
    enum Handshake {
        case done
        case inProgress
        case failed(TLSFailure)
    }

    enum Input {
        case bytes(Int)
        case wouldBlock
        /// A clean end: FIN in plain, close_notify under TLS.
        case ended
        /// Cut off: a reset, or under TLS an end without close_notify.
        case broken
    }

    let socket: Socket
    private var session: TLSSession?
    /// The last read took all there was: the next one would only hear so from the kernel.
    private var isDrained = true
    private var peerEnded = false
    private var hasEndedOutput = false

    /// - Parameter session: A session over the same socket's descriptor; `nil`: in plain.
    init(_ socket: consuming Socket, session: consuming TLSSession? = nil) {
        self.socket = socket
        self.session = session
    }

    var isSecure: Bool { session != nil }

    /// Passes on what epoll said; without it no read calls the kernel again.
    mutating func note(_ events: ReadyEvents) {
        if events.contains(.readable) || events.contains(.peerEnded) || events.contains(.hangup)
            || events.contains(.failed)
        {
            isDrained = false
        }
        if events.contains(.peerEnded) || events.contains(.hangup) || events.contains(.failed) { peerEnded = true }
        if !isDrained { session?.socketBecameReadable(hangup: peerEnded) }
        if events.contains(.writable) { session?.socketBecameWritable() }
    }

    /// Why the connection could not be made; 0 if it is up.
    borrowing func connectError() -> CInt { socket.connectError() }

    /// Something has come that was not read yet. Asks the kernel.
    borrowing func hasUnreadInput() -> Bool { socket.isReadable }

    /// Bytes that have been sent and that nobody at the other end is known to have. Asks the kernel.
    borrowing func unacknowledgedByteCount() -> Int { socket.unacknowledgedByteCount() }

    borrowing func localAddress() -> NetworkAddress { socket.localAddress() }

    borrowing func resetOnClose() { socket.resetOnClose() }

    mutating func handshake() -> Handshake {
        guard session != nil else { return .done }
        switch session!.handshake() {
        case .done: return .done
        case .wantsRead, .wantsWrite: return .inProgress
        case .failed(let failure): return .failed(failure)
        }
    }

    mutating func receive(into buffer: UnsafeMutableRawBufferPointer) -> Input {
        if session != nil {
            switch unsafe session!.read(into: buffer) {
            case .bytes(let count): return .bytes(count)
            case .wouldBlock: return .wouldBlock
            case .closed: return .ended
            case .truncated, .failed: return .broken
            }
        }
        if isDrained { return .wouldBlock }
        switch unsafe socket.receive(into: buffer) {
        case .bytes(let count):
            // A short read has emptied the socket, unless the end of the stream is still to be read.
            isDrained = count < buffer.count && !peerEnded
            return .bytes(count)
        case .wouldBlock:
            isDrained = true
            return .wouldBlock
        case .endOfStream: return .ended
        case .failed: return .broken
        }
    }

    /// Takes what has come into a pipe that is empty. In plain only.
    mutating func receive(into pipe: inout SplicePipe) -> Input {
        if isDrained { return .wouldBlock }
        switch pipe.fill(from: socket) {
        case .bytes(let count): return .bytes(count)
        case .wouldBlock:
            isDrained = true
            return .wouldBlock
        case .endOfStream: return .ended
        case .failed: return .broken
        }
    }

    /// Writes what the socket takes of `pipe`. In plain only.
    /// - Returns: `false` if the connection is broken.
    mutating func send(_ pipe: inout SplicePipe) -> Bool {
        switch pipe.drain(to: socket) {
        case .bytes, .wouldBlock: return true
        case .endOfStream, .failed: return false
        }
    }

    /// Writes what the socket takes of `queue`.
    /// - Returns: `false` if the connection is broken.
    mutating func send(_ queue: inout ByteQueue, pool: BlockPool) -> Bool {
        guard session != nil else {
            switch queue.send(to: socket, pool: pool) {
            case .bytes, .wouldBlock: return true
            case .endOfStream, .failed: return false
            }
        }
        var isWritable = true
        while !queue.isEmpty, isWritable {
            var failed = false
            unsafe queue.drainFirst(into: pool) { bytes in
                switch unsafe session!.write(bytes) {
                case .bytes(let count): return count
                case .wouldBlock:
                    isWritable = false
                    return 0
                case .failed:
                    failed = true
                    return 0
                }
            }
            if failed { return false }
        }
        return true
    }

    /// Says that nothing more will be sent: close_notify under TLS, and FIN. Once: to say it again would wake the loop, for the
    /// kernel tells each time that the socket can be written to.
    mutating func endOutput() {
        guard !hasEndedOutput else { return }
        hasEndedOutput = true
        _ = session?.shutdown()
        socket.shutdownWrites()
    }

    /// Gives back what TLS keeps between records; for a connection that idles.
    mutating func releaseBuffers() { _ = session?.releaseBuffers() }

    /// Under TLS the other side sent nothing but what costs.
    var isFlooded: Bool { mutating get { session?.isFlooded ?? false } }
    /// Under TLS: why the other side gave up, as it said itself.
    var receivedAlert: TLSAlert? { mutating get { session?.receivedAlert } }
    var peer: VerifiedPeer? { mutating get { session?.peer } }
    var peerID: SPIFFEID? { mutating get { session?.peerID } }
    var applicationProtocol: String? { mutating get { session?.applicationProtocol } }
    var serverName: String? { mutating get { session?.serverName } }
}
