import COpenSSL
package import Cryptography
package import SPIFFE

/// One TLS connection over a nonblocking stream socket that is watched with edge-triggered epoll.
///
/// The caller tells it when the socket became readable or writable; in between it makes no system call that is known to
/// find nothing. It does not own the descriptor, which must stay open as long as the session lives. Small writes should be
/// gathered before they come here: each call makes a record of its own, and each record a system call.
///
/// SAFETY: `handles` is private, its pointers are never nil, freed once, and used by one thread at a time; `state` is freed
/// after `ssl`, whose BIO and callbacks point at it.
@safe
package struct TLSSession: ~Copyable {
    package enum HandshakeResult: Hashable, Sendable {
        case done
        /// Go on when the socket became readable.
        case wantsRead
        /// Go on when the socket became writable.
        case wantsWrite
        /// It is over; the peer was told, as far as the protocol lets us.
        case failed(TLSFailure)
    }

    package enum ReadResult: Hashable, Sendable {
        /// So many bytes, at least 1, were read. There may be more: read until `wouldBlock`.
        case bytes(Int)
        /// Go on when the socket became readable or writable: after a key update reading may have to send first.
        case wouldBlock
        /// The peer said that it sends no more (close_notify).
        case closed
        /// The stream ended without close_notify: what came before may be cut off (RFC 8446 § 6.1).
        case truncated
        case failed(TLSFailure)
    }

    package enum WriteResult: Hashable, Sendable {
        /// So many bytes, at least 1, were taken; if fewer than given, go on with the rest when the socket became writable.
        case bytes(Int)
        /// None were taken. The next call must begin with the same bytes, wherever they lie then, and have no fewer.
        case wouldBlock
        case failed(TLSFailure)
    }

    private let handles: Handles
    private let context: TLSContext

    private var ssl: OpaquePointer { unsafe handles.ssl }
    private var state: UnsafeMutablePointer<SessionState> { unsafe handles.state }

    /// The server's side of a connection that was accepted.
    /// - Parameter context: Of a server.
    package init(accepting context: TLSContext, descriptor: CInt) throws(CryptographyError) {
        handles = try Handles(context, SessionState(descriptor: descriptor, acceptableIDs: nil))
        self.context = context
        unsafe SSL_set_accept_state(ssl)
    }

    /// The client's side of a connection to another node.
    /// - Parameters:
    ///   - context: Of a mesh client.
    ///   - identity: Whose call it is.
    ///   - serverName: The service meant, sent as SNI: 1 to 255 bytes.
    ///   - acceptableIDs: The service accounts of that service. The handshake is refused with `unexpectedService` if the
    ///     callee proves to be another.
    package init(
        connecting context: TLSContext, as identity: X509SVID, serverName: String, acceptableIDs: Set<SPIFFEID>,
        descriptor: CInt
    ) throws(CryptographyError) {
        let handles = try Handles(context, SessionState(descriptor: descriptor, acceptableIDs: acceptableIDs))
        guard unsafe COpenSSL_set_server_name(handles.ssl, serverName) == 1 else {
            throw CryptographyError(drainingQueueAfter: "cannot ask for server name \"\(serverName)\"")
        }
        guard unsafe use(identity.credentials, in: handles.ssl) else {
            throw CryptographyError(drainingQueueAfter: "cannot use the certificate of \(identity.id)")
        }
        unsafe SSL_set_connect_state(handles.ssl)
        self.handles = handles
        self.context = context
    }

    /// The owner of what OpenSSL hands out, so that an `init` which fails half-way releases it too.
    @safe
    struct Handles: ~Copyable {
        let ssl: OpaquePointer
        let state: UnsafeMutablePointer<SessionState>

        init(_ context: TLSContext, _ initialState: SessionState) throws(CryptographyError) {
            ERR_clear_error()  // a stale entry would be blamed on this session
            let state = UnsafeMutablePointer<SessionState>.allocate(capacity: 1)
            unsafe state.initialize(to: initialState)
            let newSession = unsafe SSL_new(context.pointer)
            let newBIO = unsafe SocketBIO.make(state)
            guard let ssl = unsafe newSession, let bio = unsafe newBIO else {
                unsafe SSL_free(newSession)
                unsafe BIO_free_all(newBIO)
                unsafe state.deinitialize(count: 1)
                unsafe state.deallocate()
                throw CryptographyError(drainingQueueAfter: "cannot make a session")
            }
            unsafe self.ssl = unsafe ssl
            unsafe self.state = unsafe state
            unsafe SSL_set_bio(ssl, bio, bio)
            unsafe COpenSSL_set_session_data(ssl, state)
        }

        deinit {
            unsafe SSL_free(ssl)
            unsafe state.deinitialize(count: 1)
            unsafe state.deallocate()
        }
    }

    // MARK: What epoll says

    /// The socket has something to read.
    /// - Parameter hangup: Whether the peer's FIN or an error is part of the event (`EPOLLRDHUP`, `EPOLLHUP`, `EPOLLERR`).
    ///   A short read then does not mean that all was read.
    package func socketBecameReadable(hangup: Bool = false) {
        unsafe state.pointee.inputIsDrained = false
        if hangup { unsafe state.pointee.hangupSeen = true }
    }

    /// The socket takes output again.
    package func socketBecameWritable() { unsafe state.pointee.outputIsFull = false }

    // MARK: The connection's life

    /// Takes the handshake as far as it goes now.
    package func handshake() -> HandshakeResult {
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(ssl)
        guard result != 1 else {
            unsafe state.pointee.traffic.handshakeDone()
            return .done
        }
        return switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: .wantsRead
        case SSL_ERROR_WANT_WRITE: .wantsWrite
        default: .failed(takeFailure())
        }
    }

    /// Reads what has arrived, as many records as fit and one turn can bear.
    /// - Parameter buffer: Not empty.
    @unsafe
    package func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
        if let end = unsafe state.pointee.deferredEnd { return end }
        ERR_clear_error()
        unsafe state.pointee.traffic.readBegins()
        var total = 0
        while total < buffer.count {
            var count = 0
            let start = unsafe buffer.baseAddress.unsafelyUnwrapped + total
            let result = unsafe SSL_read_ex(ssl, start, buffer.count - total, &count)
            if result == 1 {
                total += count
                unsafe state.pointee.traffic.receivedData()
                if unsafe state.pointee.traffic.isEnoughForARead { break }
                // The next record only if its bytes are here: otherwise the next call would be one of the kernel's.
                if unsafe state.pointee.inputIsDrained && SSL_has_pending(ssl) == 0 { break }
                continue
            }
            if isFlooded {
                ERR_clear_error()
                let flood = "TLS failed: too many messages without data between them"
                let end = ReadResult.failed(.library(CryptographyError(.protocolViolation, flood)))
                unsafe state.pointee.deferredEnd = end
                if total == 0 { return end }
                break
            }
            let error = unsafe SSL_get_error(ssl, result)
            if error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE { break }
            let end: ReadResult
            if error == SSL_ERROR_ZERO_RETURN {
                end = .closed
            } else {
                let failure = takeFailure()
                end = failure == .connectionLost(errno: 0) ? .truncated : .failed(failure)
            }
            unsafe state.pointee.deferredEnd = end
            if total == 0 { return end }
            break
        }
        return total > 0 ? .bytes(total) : .wouldBlock
    }

    /// As `read(into:)` of a buffer; the bytes read are the first of `span`.
    package func read(into span: inout MutableSpan<UInt8>) -> ReadResult {
        unsafe span.withUnsafeMutableBytes { unsafe read(into: $0) }
    }

    /// Encrypts and sends as much as the socket takes.
    /// - Parameter bytes: Not empty.
    @unsafe
    package func write(_ bytes: UnsafeRawBufferPointer) -> WriteResult {
        ERR_clear_error()
        var total = 0
        while total < bytes.count {
            var count = 0
            let start = unsafe bytes.baseAddress.unsafelyUnwrapped + total
            let result = unsafe SSL_write_ex(ssl, start, bytes.count - total, &count)
            if result == 1 {
                total += count
                continue
            }
            let error = unsafe SSL_get_error(ssl, result)
            if error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE { break }
            return .failed(takeFailure())
        }
        return total > 0 ? .bytes(total) : .wouldBlock
    }

    /// As `write` of a buffer.
    package func write(_ bytes: Span<UInt8>) -> WriteResult {
        unsafe bytes.withUnsafeBytes { unsafe write($0) }
    }

    /// Tells the peer that no more will be sent (close_notify), once; reading may go on. Nothing is said before the
    /// handshake is done or after a failure.
    /// - Returns: `false` if the socket is full: call again when it became writable.
    @discardableResult
    package func shutdown() -> Bool {
        guard unsafe SSL_is_init_finished(ssl) == 1, unsafe state.pointee.failedWith == 0 else { return true }
        if case .failed = unsafe state.pointee.deferredEnd { return true }
        ERR_clear_error()
        let result = unsafe SSL_shutdown(ssl)
        return unsafe result >= 0 || SSL_get_error(ssl, result) != SSL_ERROR_WANT_WRITE
    }

    /// Gives the record buffers back, for a connection that idles; the next read or write takes new ones.
    /// - Returns: `false` if a record is only half read or half written, so that nothing was given back.
    @discardableResult
    package func releaseBuffers() -> Bool { unsafe SSL_free_buffers(ssl) == 1 }

    // MARK: What is known

    /// The peer's SPIFFE ID, verified; `nil` before that and for callers of a gateway.
    package var peerID: SPIFFEID? { unsafe state.pointee.peer?.id }

    /// The same with the end of its certificate's time.
    package var peer: VerifiedPeer? { unsafe state.pointee.peer }

    /// Why the peer's certificate was refused.
    package var peerRejection: PeerRejection? { unsafe state.pointee.rejection }

    /// What the peer said when it gave up, once reading has come to that.
    package var receivedAlert: TLSAlert? {
        guard case .failed(.alertReceived(let alert)) = unsafe state.pointee.deferredEnd else { return nil }
        return alert
    }

    /// The peer sent more key updates, tickets and the like without data between them than anyone needs to; the session is
    /// over.
    package var isFlooded: Bool { unsafe state.pointee.traffic.isFlood }

    /// The name that the caller asked for (SNI), in canonical form.
    package var serverName: String? { unsafe canonicalServerName(ssl) }

    /// What both sides agreed to speak (ALPN); `nil` if they did not negotiate.
    package var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: CUnsignedInt = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &count)
        guard let name = unsafe name else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }

    /// `TLSv1.3` or `TLSv1.2`, once the handshake is done.
    package var version: String { unsafe String(cString: SSL_get_version(ssl)) }

    /// Calls of `recv` so far, those that found nothing included.
    package var receiveCalls: UInt64 { unsafe state.pointee.receiveCalls }

    /// Calls of `send` so far, those that sent nothing included.
    package var sendCalls: UInt64 { unsafe state.pointee.sendCalls }

    /// Says why the last call failed, from OpenSSL's queue and what the callbacks noted.
    private func takeFailure() -> TLSFailure {
        defer { ERR_clear_error() }
        if let rejection = unsafe state.pointee.rejection { return .peerRejected(rejection) }
        if unsafe state.pointee.serverNameIsUnknown { return .unknownServerName(asked: serverName) }
        // A system call that fails leaves no entry; one that fails after an entry was the attempt to send the alert.
        let packed = ERR_peek_error()
        guard packed != 0 else { return unsafe .connectionLost(errno: state.pointee.failedWith) }
        switch ERR_GET_REASON(packed) {
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return .connectionLost(errno: 0)
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            unsafe state.pointee.rejection = .noCertificate
            return .peerRejected(.noCertificate)
        case let reason where (SSL_AD_REASON_OFFSET...(SSL_AD_REASON_OFFSET + 255)).contains(reason):
            return .alertReceived(TLSAlert(rawValue: UInt8(reason - SSL_AD_REASON_OFFSET)))
        default:
            return .library(CryptographyError(.protocolViolation, drainingQueueAfter: "TLS failed"))
        }
    }
}
