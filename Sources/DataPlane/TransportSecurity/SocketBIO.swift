import COpenSSL
import Glibc
import SPIFFE

/// What a session's callbacks share with it, at an address that does not move.
struct SessionState {
    let descriptor: CInt
    let acceptableIDs: Set<SPIFFEID>?

    /// The last `recv` took all there was: the next would only say `EAGAIN`, so it is not made.
    var inputIsDrained = false
    /// The last `send` filled the socket's buffer.
    var outputIsFull = false
    /// The peer has sent its FIN: reading goes on until the stream's end is seen.
    var hangupSeen = false
    var inputEnded = false
    /// `errno` of the last system call that failed for good; 0 while none did.
    var failedWith: CInt = 0
    var receiveCalls: UInt64 = 0
    var sendCalls: UInt64 = 0

    var peer: VerifiedPeer?
    /// Counts what the peer sends besides data once the handshake is done.
    var traffic = RecordTraffic()
    var rejection: PeerRejection?
    var serverNameIsUnknown = false
    /// An end met after bytes that had to be delivered first.
    var deferredEnd: TLSSession.ReadResult?
}

/// A BIO that makes the system calls itself. OpenSSL's own asks the kernel once more after every short read; with
/// edge-triggered epoll that call is known to find nothing.
enum SocketBIO {
    /// SAFETY: made once, never changed, never freed.
    @safe
    private struct Method: @unchecked Sendable {
        let pointer: OpaquePointer?

        init() {
            unsafe pointer = BIO_meth_new(BIO_get_new_index() | CInt(BIO_TYPE_SOURCE_SINK), "heddle socket")
            guard let pointer = unsafe pointer else { return }
            unsafe BIO_meth_set_read_ex(pointer, SocketBIO.read)
            unsafe BIO_meth_set_write_ex(pointer, SocketBIO.write)
            unsafe BIO_meth_set_ctrl(pointer, SocketBIO.control)
        }
    }

    private static let method = Method()

    /// - Parameter state: Outlives the BIO.
    /// - Returns: A `BIO *` the caller owns, or `nil` if memory ran out.
    @unsafe
    static func make(_ state: UnsafeMutablePointer<SessionState>) -> OpaquePointer? {
        guard let pointer = unsafe method.pointer, let bio = unsafe BIO_new(pointer) else { return nil }
        unsafe BIO_set_data(bio, state)
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    private static func state(_ bio: OpaquePointer?) -> UnsafeMutablePointer<SessionState> {
        // SAFETY: `make` gave the BIO its state before anyone could call it, and no one takes it away.
        unsafe BIO_get_data(bio).unsafelyUnwrapped.assumingMemoryBound(to: SessionState.self)
    }

    private static let read:
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>?) -> CInt = {
            bio, buffer, capacity, count in
            let state = unsafe SocketBIO.state(bio)
            unsafe count?.pointee = 0
            if unsafe state.pointee.inputIsDrained {
                unsafe COpenSSL_will_retry_read(bio)
                return 0
            }
            while true {
                let received = unsafe recv(state.pointee.descriptor, buffer, capacity, 0)
                unsafe state.pointee.receiveCalls &+= 1
                if received > 0 {
                    unsafe COpenSSL_will_not_retry(bio)
                    unsafe state.pointee.inputIsDrained = received < capacity && !state.pointee.hangupSeen
                    unsafe count?.pointee = received
                    return 1
                }
                if received == 0 {
                    unsafe COpenSSL_will_not_retry(bio)
                    unsafe state.pointee.inputEnded = true
                    return 0
                }
                let error = errno
                if error == EINTR { continue }
                if error == EAGAIN {
                    unsafe state.pointee.inputIsDrained = !state.pointee.hangupSeen
                    unsafe COpenSSL_will_retry_read(bio)
                    return 0
                }
                unsafe COpenSSL_will_not_retry(bio)
                unsafe state.pointee.failedWith = error
                return 0
            }
        }

    private static let write:
        @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int, UnsafeMutablePointer<Int>?) -> CInt = {
            bio, bytes, byteCount, count in
            let state = unsafe SocketBIO.state(bio)
            unsafe count?.pointee = 0
            if unsafe state.pointee.outputIsFull {
                unsafe COpenSSL_will_retry_write(bio)
                return 0
            }
            while true {
                let sent = unsafe send(state.pointee.descriptor, bytes, byteCount, CInt(MSG_NOSIGNAL))
                unsafe state.pointee.sendCalls &+= 1
                if sent >= 0 {
                    unsafe COpenSSL_will_not_retry(bio)
                    unsafe state.pointee.outputIsFull = sent < byteCount
                    unsafe count?.pointee = sent
                    return 1
                }
                let error = errno
                if error == EINTR { continue }
                if error == EAGAIN {
                    unsafe state.pointee.outputIsFull = true
                    unsafe COpenSSL_will_retry_write(bio)
                    return 0
                }
                unsafe COpenSSL_will_not_retry(bio)
                unsafe state.pointee.failedWith = error
                return 0
            }
        }

    private static let control: @convention(c) (OpaquePointer?, CInt, Int, UnsafeMutableRawPointer?) -> Int = {
        bio, command, _, _ in
        switch command {
        case BIO_CTRL_FLUSH: 1
        case BIO_CTRL_EOF: unsafe SocketBIO.state(bio).pointee.inputEnded ? 1 : 0
        default: 0
        }
    }
}
