import CNghttp2
import HTTPSemantics

/// One HTTP/2 connection as either side sees it (RFC 9113), without I/O: bytes in, bytes out. nghttp2 frames, compresses and
/// keeps the windows; what messages and peers may be is checked here.
///
/// Used on one thread. Nothing is freed while it is in use, not even by a handler that drops its connection from within a
/// call, provided that it says `abandon` first.
///
/// SAFETY: `handle` is nghttp2's session, made and freed with this object, with memory that `memory` keeps.
@safe
package final class HTTP2Session {
    package enum Role: Sendable {
        case server, client
    }

    let role: Role
    let limits: HTTP2Limits
    private unowned(unsafe) var unsafeHandler: (any HTTP2SessionHandler)?
    /// The connection, which outlives the session: to be set at once, by the connection's own `init`.
    package var handler: any HTTP2SessionHandler {
        @inline(__always) get { unsafe unsafeHandler! }
        set { unsafe unsafeHandler = newValue }
    }
    let memory: HTTP2Memory
    let handle: OpaquePointer

    /// The time, in milliseconds from any beginning: set by the owner, before `receive` and `flush` at the latest.
    package var now: UInt64 = 0

    // What is on its way in.
    var scanner: HTTP2FrameScanner
    var block = HTTP2FieldBlock()
    /// The request that its owner is just told of.
    private(set) var pendingRequest: Int32 = 0
    var pendingEndsStream = false
    /// When the first byte of the header block came that is not whole yet, or of another frame but DATA, as `now` was;
    /// `nil`: all that was begun is whole. Nothing else can come before the rest of it has.
    package private(set) var unfinishedSince: UInt64?
    /// The DATA frame under way had some.
    var frameHasData = false
    private var isReceiving = false

    // What is on its way out.
    /// Bytes of this call of `flush`, and how many it may have.
    var flushedByteCount = 0
    var flushLimit = 0
    private var isFlushing = false
    /// The server's settings, which tell the limit of streams, have been written.
    var hasSentSettings = false
    /// When the first of the SETTINGS was written that the peer has not acknowledged, as `now` was; of several, not before
    /// the last acknowledgement. `nil`: it has acknowledged all.
    package internal(set) var settingsSince: UInt64?
    var unacknowledgedSettings = 0
    /// GOAWAY is queued, or was sent, and nothing that comes matters.
    private(set) var isTerminated = false
    private(set) var isAbandoned = false

    /// Answers that are all status.
    var reply = MessageHead(byteCapacity: 0, fieldCapacity: 0)

    // Streams.
    /// Streams that are open on either side.
    package internal(set) var openStreamCount = 0
    /// The highest that the peer opened.
    var lastPeerStream: Int32 = 0
    var closedStreams = HTTP2ClosedStreams()
    /// How the stream that is closed next comes to be.
    var closingCause = HTTP2ClosedStreams.Cause.ended
    /// Frames that were waiting to be written before the frame under way.
    var earlierFrameCount = 0
    /// A request that was answered here instead of being handed over.
    var answeredStream: Int32 = 0

    // What the peer has left.
    var budgets = Budgets()

    struct Budgets {
        var resets = HTTP2Budget()
        var provokedResets = HTTP2Budget()
        var settings = HTTP2Budget()
        var pings = HTTP2Budget()
        var emptyData = HTTP2Budget()
        /// Pings that are as good as paid for.
        var paidPings = 0
        /// CONTINUATION frames of the block under way.
        var continuations = 0
    }

    /// Queues the preface and the first settings. `handler` is still to be set.
    package init(role: Role, limits: HTTP2Limits, memory: HTTP2Memory) {
        self.role = role
        self.limits = limits
        self.memory = memory
        scanner = HTTP2FrameScanner(isServer: role == .server)
        var options: OpaquePointer?
        guard unsafe nghttp2_option_new(&options) == 0, let options = unsafe options else {
            fatalError("out of memory")
        }
        defer { unsafe nghttp2_option_del(options) }
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        // Messages are checked here, and refused where nghttp2 would leave out what is wrong.
        unsafe nghttp2_option_set_no_http_messaging(options, 1)
        unsafe nghttp2_option_set_no_closed_streams(options, 1)
        unsafe nghttp2_option_set_max_send_header_block_length(options, 4 << 20)
        unsafe nghttp2_option_set_max_outbound_ack(options, limits.queuedAcknowledgements)
        unsafe nghttp2_option_set_max_settings(options, limits.settingsEntries)
        // Counted here, too: nghttp2 counts one for each piece that a frame's header comes in.
        unsafe nghttp2_option_set_max_continuations(options, Int.max)
        // Resets are counted here.
        unsafe nghttp2_option_set_stream_reset_rate_limit(options, UInt64(UInt32.max), UInt64(UInt32.max))

        // nghttp2 wants the object to be whole for `user_data`; the handle is set at once.
        var handle: OpaquePointer?
        var allocator = unsafe memory.allocator()
        let callbacks = unsafe memory.callbacks.pointer
        let result =
            switch role {
            case .server: unsafe nghttp2_session_server_new3(&handle, callbacks, nil, options, &allocator)
            case .client: unsafe nghttp2_session_client_new3(&handle, callbacks, nil, options, &allocator)
            }
        guard result == 0, let handle = unsafe handle else { fatalError("out of memory") }
        unsafe self.handle = unsafe handle
        unsafe nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
        submitFirstSettings()
    }

    deinit { unsafe nghttp2_session_del(handle) }

    /// Gives back what only messages need, while there are none.
    package func releaseIdleMemory() {
        guard openStreamCount == 0, !isReceiving else { return }
        block.releaseMemory()
    }

    @inline(__always)
    static func of<Result>(_ session: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Result) -> Result {
        unsafe Unmanaged<HTTP2Session>.fromOpaque(session!)._withUnsafeGuaranteedRef { body($0) }
    }

    private func submitFirstSettings() {
        switch role {
        case .server:
            // nghttp2 gives the connection up over one stream too many: it hears of another limit than the peer.
            submit(settings: [
                (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue, UInt32(Int32.max)),
                (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue, UInt32(limits.streamWindow)),
                (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue, UInt32(limits.headerListByteCount)),
                (NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL.rawValue, 1),
                (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue, 1),
            ])
        case .client:
            submit(settings: [
                (NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue, 0),
                (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue, UInt32(limits.streamWindow)),
                (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue, UInt32(limits.headerListByteCount)),
            ])
        }
        setConnectionWindow(limits.connectionWindow)
    }

    private func submit(settings: [(id: UInt32, value: UInt32)]) {
        unacknowledgedSettings += 1
        let entries = settings.map { nghttp2_settings_entry(settings_id: Int32($0.id), value: $0.value) }
        unsafe entries.withUnsafeBufferPointer {
            _ = unsafe nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), $0.baseAddress, $0.count)
        }
    }

    // MARK: In and out

    /// Takes bytes of the peer, as they came.
    /// - Returns: `false` if the connection is over: `flush` what is left, then close. `isOver` tells the same of a
    ///   connection that is found to be over only when GOAWAY is written.
    package func receive(_ bytes: Span<UInt8>) -> Bool {
        guard !isReceiving, !isFlushing, !isTerminated, !isAbandoned else { return !isTerminated && !isAbandoned }
        isReceiving = true
        let begunBefore = scanner.begunCount
        unsafe bytes.withUnsafeBufferPointer { unsafe receive($0) }
        isReceiving = false
        if !scanner.isUnfinished {
            unfinishedSince = nil
        } else if unfinishedSince == nil || scanner.begunCount != begunBefore {
            unfinishedSince = now
        }
        if !isTerminated, queuedFrameCount > limits.queuedFrames { exceed(.output) }
        return !isTerminated && !isAbandoned && !isOver
    }

    /// Frames that wait, besides those that streams may well have.
    private var queuedFrameCount: Int { waitingFrameCount - 4 * openStreamCount }

    /// Frames that wait, besides DATA.
    var waitingFrameCount: Int { unsafe Int(nghttp2_session_get_outbound_queue_size(handle)) }

    private func receive(_ bytes: UnsafeBufferPointer<UInt8>) {
        let span = unsafe Span(_unsafeElements: bytes)
        var fed = 0
        var offset = 0
        while !isTerminated, !isAbandoned, let header = scanner.next(span, &offset) {
            let refusal = refusal(of: header)
            guard refusal != nil || header.dependsOnState else { continue }
            // All before it counts first. nghttp2 acts on a header with its last byte.
            unsafe feed(UnsafeBufferPointer(rebasing: bytes[fed..<(offset - 1)]))
            fed = offset - 1
            guard !isTerminated, !isAbandoned else { return }
            switch refusal {
            case nil: checkState(of: header)
            case .limit(let limit): exceed(limit)
            case .violation(let code): terminate(code)
            }
        }
        if !isTerminated, !isAbandoned { unsafe feed(UnsafeBufferPointer(rebasing: bytes[fed...])) }
    }

    private func feed(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard !bytes.isEmpty else { return }
        let result = unsafe nghttp2_session_mem_recv(handle, bytes.baseAddress, bytes.count)
        guard result < 0, !isAbandoned, !isTerminated else { return }
        switch Int32(truncatingIfNeeded: result) {
        case NGHTTP2_ERR_FLOODED.rawValue: exceed(.output)
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: exceed(.continuations)
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: terminate(.protocolError)
        default: terminate(.internalError)
        }
    }

    /// Writes what waits, up to about so many bytes: a frame that is begun is written whole. Streams that have something to
    /// send take turns, a frame each.
    package func flush(upTo byteLimit: Int) {
        guard !isReceiving, !isFlushing, !isAbandoned else { return }
        isFlushing = true
        defer { isFlushing = false }
        flushedByteCount = 0
        flushLimit = byteLimit
        while flushedByteCount < byteLimit, !isAbandoned {
            var bytes: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(handle, &bytes)
            guard count > 0, let bytes = unsafe bytes else {
                if count < 0 { isTerminated = true }
                return
            }
            flushedByteCount += count
            if role == .server, !hasSentSettings {
                writeSettings(unsafe Span(_unsafeStart: bytes, count: count))
            } else {
                handler.write(unsafe Span(_unsafeStart: bytes, count: count))
            }
        }
    }

    /// Writes the first frame of a server, with the limit of streams as the peer is to know it.
    private func writeSettings(_ frame: Span<UInt8>) {
        hasSentSettings = true
        var copy = [UInt8]()
        copy.append(copying: frame)
        let limit = limits.concurrentStreams
        for entry in stride(from: 9, to: copy.count - 5, by: 6)
        where copy[entry] == 0 && copy[entry + 1] == UInt8(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue) {
            for byte in 0..<4 { copy[entry + 2 + byte] = UInt8(truncatingIfNeeded: limit >> UInt32(24 - 8 * byte)) }
        }
        handler.write(copy.span)
    }

    /// `flush` would write something.
    package var wantsWrite: Bool { unsafe !isAbandoned && nghttp2_session_want_write(handle) != 0 }

    /// Nothing is to be read or written any more.
    package var isOver: Bool {
        unsafe isAbandoned || (nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0)
    }

    /// The connection is gone: no stream and no handler is called any more. To be said before streams are let go of.
    package func abandon() { isAbandoned = true }

    // MARK: The peer

    /// Client: another stream may be opened now.
    package var canOpenStream: Bool {
        guard !isTerminated, unsafe nghttp2_session_check_request_allowed(handle) != 0 else { return false }
        return openStreamCount < peerStreamLimit
    }

    /// Client: the streams that the server takes at a time. Not known before `receivedSettings`.
    package var peerStreamLimit: Int { remoteSetting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) }

    /// Client: the server takes what RFC 8441 asks for. Not known before `receivedSettings`.
    package var peerAllowsExtendedConnect: Bool { remoteSetting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1 }

    private func remoteSetting(_ id: nghttp2_settings_id) -> Int {
        unsafe Int(nghttp2_session_get_remote_settings(handle, id))
    }

    /// Sends PING; `receivedPingAcknowledgement` tells of the answer.
    package func ping(_ payload: UInt64) {
        var bytes = payload.bigEndian
        unsafe withUnsafeBytes(of: &bytes) {
            _ = unsafe nghttp2_submit_ping(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), $0.bindMemory(to: UInt8.self).baseAddress)
        }
    }

    /// Server: the first of two steps of ending a connection (RFC 9113 § 6.8). Streams that were on their way are still taken.
    package func announceGoAway() { unsafe nghttp2_submit_shutdown_notice(handle) }

    /// Takes no more streams. With `noError` those there are go on, and the session is over after the last; else it is over.
    package func goAway(_ code: HTTP2ErrorCode) {
        guard code == .noError else { return terminate(code) }
        let last = unsafe nghttp2_session_get_last_proc_stream_id(handle)
        unsafe nghttp2_submit_goaway(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue, nil, 0)
    }

    /// What callbacks answer nghttp2: it stops where nothing that comes matters any more.
    var goesOn: CInt { isAbandoned || isTerminated ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0 }

    func terminate(_ code: HTTP2ErrorCode) {
        guard !isTerminated else { return }
        isTerminated = true
        unsafe nghttp2_session_terminate_session(handle, code.rawValue)
    }

    /// Nothing that comes matters any more.
    func stopReceiving() { isTerminated = true }

    func exceed(_ limit: HTTP2Limit) {
        guard !isTerminated else { return }
        terminate(.enhanceYourCalm)
        handler.exceeded(limit)
    }

    /// Sets how much the peer may send that nobody has taken, on each stream and on all together, in bytes.
    package func setWindows(stream: Int32, connection: Int32) {
        submit(settings: [(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue, UInt32(stream))])
        setConnectionWindow(connection)
    }

    private func setConnectionWindow(_ byteCount: Int32) {
        unsafe nghttp2_session_set_local_window_size(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, byteCount)
    }

    // MARK: Requests

    func tell(ofRequest id: Int32, endsStream: Bool) {
        pendingRequest = id
        pendingEndsStream = endsStream
        handler.receivedRequest(id, endsStream: endsStream)
        pendingRequest = 0
    }

    /// Server: takes the head of the request that `receivedRequest` told of, in canonical form.
    /// - Parameters:
    ///   - head: What it held is gone; its memory is used for the next.
    ///   - scheme: The listener's.
    /// - Throws: Why it has no canonical form. The caller is answered already; nothing is left to be done.
    package func takeRequest(into head: inout MessageHead, scheme: Scheme) throws(HTTP2Error) -> HTTP2RequestFraming {
        precondition(pendingRequest != 0, "no request is there to be taken")
        do throws(HTTP2Error) {
            let framing = try block.canonicalize(scheme: scheme, endsStream: pendingEndsStream, limits: limits)
            swap(&block.head, &head)
            pendingFraming = framing
            return framing
        } catch {
            refuse(pendingRequest, error)
            throw error
        }
    }

    /// Of the request that was taken last.
    private var pendingFraming = HTTP2RequestFraming()

    /// Server: gives a stream to the request that was just taken.
    package func attach(_ stream: HTTP2Stream, to id: Int32) {
        stream.begin(id, in: self)
        stream.hasHead = true
        stream.isTunnel = pendingFraming.tunnel != .none
        stream.declaredByteCount = pendingFraming.contentLength
        unsafe nghttp2_session_set_stream_user_data(handle, id, Unmanaged.passUnretained(stream).toOpaque())
    }
}
