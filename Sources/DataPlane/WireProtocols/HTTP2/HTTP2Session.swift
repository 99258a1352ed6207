import CNghttp2
import HTTPSemantics

/// One side of an HTTP/2 connection (RFC 9113) without its I/O: bytes in, events and bytes out. nghttp2 frames, compresses, keeps the
/// streams' states and windows; what a message must be is checked here once more, field by field.
///
/// SAFETY: nghttp2's session is this object's alone, and calls back only inside calls of this object's, on its thread; the pointer
/// to this object that it is given is good as long as it lives. A stream's pointer is good until `closed`: the handler keeps the
/// stream until then.
@safe
package final class HTTP2Session {
    package enum Role {
        case client, server
    }

    let role: Role
    let limits: HTTP2Limits
    unowned let handler: any HTTP2SessionHandler
    /// Keeps nghttp2's memory alive longer than its session.
    private let memory: HTTP2Memory
    private var session: OpaquePointer!
    var pointer: OpaquePointer { unsafe session }
    /// Milliseconds of a clock that never goes back; whoever has the session sets it before `receive`.
    package var now: UInt64 = 0

    var block = HTTP2HeaderBlock()
    private var writer = HTTP2FieldWriter()
    var counters = Counters()
    /// Bytes that this `flush` may still write.
    var room = 0
    private(set) var isTerminated = false
    private var hasReceivedGoAway = false
    private var hasReceivedSettings = false
    package private(set) var openStreamCount = 0

    struct Counters {
        var resets = RateCounter()
        var provokedResets = RateCounter()
        var settings = RateCounter()
        var pings = RateCounter()
        var emptyData = RateCounter()
    }

    /// Streams a client opens before it knows how many the server takes.
    private static let assumedConcurrentStreams: UInt32 = 100

    package init(role: Role, handler: any HTTP2SessionHandler, limits: HTTP2Limits, memory: HTTP2Memory) {
        self.role = role
        self.handler = handler
        self.limits = limits
        self.memory = memory
        unsafe session = unsafe HTTP2Callbacks.makeSession(role, limits, memory, owner: self)
        submitSettings()
    }

    deinit { unsafe nghttp2_session_del(session) }

    private func submitSettings() {
        var settings = [
            nghttp2_settings_entry(
                settings_id: CInt(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: UInt32(limits.streamWindow)),
            nghttp2_settings_entry(
                settings_id: CInt(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(limits.headerListByteCount)),
            nghttp2_settings_entry(
                settings_id: CInt(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue), value: 1),
        ]
        switch role {
        case .client:
            settings.append(
                nghttp2_settings_entry(settings_id: CInt(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
        case .server:
            settings.append(
                nghttp2_settings_entry(
                    settings_id: CInt(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                    value: limits.concurrentStreams))
            settings.append(
                nghttp2_settings_entry(settings_id: CInt(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL.rawValue), value: 1))
        }
        unsafe nghttp2_submit_settings(session, 0, settings, settings.count)
        unsafe nghttp2_session_set_local_window_size(session, 0, 0, limits.connectionWindow)
    }

    // MARK: Input and output

    /// Takes bytes of the connection.
    /// - Returns: `false`: the session is over; what is left to write says why.
    package func receive(_ bytes: Span<UInt8>) -> Bool {
        guard !isTerminated else { return false }
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe nghttp2_session_mem_recv(session, $0.baseAddress, $0.count)
        }
        if result < 0 { failed(CInt(result)) }
        return unsafe !isTerminated && nghttp2_session_want_read(session) != 0
    }

    private func failed(_ error: CInt) {
        switch nghttp2_error(rawValue: error) {
        case NGHTTP2_ERR_FLOODED: exceed(.output)
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS: exceed(.continuations)
        case NGHTTP2_ERR_CALLBACK_FAILURE: break
        default: terminate(.protocolError)
        }
    }

    /// Writes what there is to write, by way of the handler: frames of all streams in fair turns.
    /// - Parameter byteLimit: From which on no more is begun.
    package func flush(upTo byteLimit: Int) {
        room = byteLimit
        while room > 0 {
            var bytes: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &bytes)
            guard count > 0, let bytes = unsafe bytes else { break }
            unsafe handler.write(UnsafeBufferPointer(start: bytes, count: count).span)
            room -= count
        }
    }

    package var wantsWrite: Bool { unsafe nghttp2_session_want_write(session) != 0 }
    /// Nothing will come of it any more but what is left to write.
    package var isOver: Bool { unsafe isTerminated || nghttp2_session_want_read(session) == 0 }

    // MARK: Requests

    /// The request whose head has come, in canonical form. Called from `receivedRequest`.
    package func takeRequest(
        into head: inout MessageHead, scheme: Scheme
    ) throws(HTTP2Error) -> HTTP2RequestFraming {
        let tunnel = try block.canonicalize(scheme: scheme)
        swap(&head, &block.head)
        return HTTP2RequestFraming(
            tunnel: tunnel, endsStream: blockEndsStream, contentLength: head.contentLength)
    }

    /// The block being read ends its stream.
    var blockEndsStream = false

    /// Servers: whose events a stream's are from now on.
    package func attach(_ stream: HTTP2Stream, to id: Int32) {
        stream.id = id
        stream.isReset = false
        stream.hasHead = true
        stream.missingBytes = nil
        openStreamCount += 1
        unsafe nghttp2_session_set_stream_user_data(session, id, Unmanaged.passUnretained(stream).toOpaque())
    }

    /// Another stream may be begun.
    package var canOpenStream: Bool {
        guard !isTerminated, !hasReceivedGoAway else { return false }
        let limit = unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return openStreamCount < (hasReceivedSettings ? limit : min(limit, Self.assumedConcurrentStreams))
            && (unsafe nghttp2_session_check_request_allowed(session)) != 0
    }

    /// The server takes extended CONNECT (RFC 8441); `false` also before it has said so.
    package var peerAllowsExtendedConnect: Bool {
        unsafe nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1
    }

    /// Clients: begins a stream.
    /// - Returns: `false` if none can be begun.
    package func submitRequest(_ head: borrowing MessageHead, on stream: HTTP2Stream, endsStream: Bool) -> Bool {
        writer.request(head)
        return begin(stream, head, endsStream: endsStream && head.upgrade == .none)
    }

    /// Clients: begins a CONNECT stream (RFC 9113 § 8.5).
    /// - Parameter authority: Host and port.
    package func submitTunnel(to authority: [UInt8], on stream: HTTP2Stream) -> Bool {
        writer.connect(authority)
        return begin(stream, emptyHead, endsStream: false)
    }

    private let emptyHead = MessageHead(byteCapacity: 0, fieldCapacity: 0)

    private func begin(_ stream: HTTP2Stream, _ head: borrowing MessageHead, endsStream: Bool) -> Bool {
        stream.isReset = false
        stream.hasHead = false
        stream.missingBytes = nil
        stream.expectsNoBody = head.knownMethod == .head
        var provider = unsafe HTTP2Callbacks.provider(of: stream)
        let id = unsafe withUnsafeMutablePointer(to: &provider) { provider in
            unsafe writer.withFields(of: head) { fields in
                unsafe nghttp2_submit_request(
                    session, nil, fields.baseAddress, fields.count, endsStream ? nil : provider,
                    Unmanaged.passUnretained(stream).toOpaque())
            }
        }
        guard id > 0 else { return false }
        stream.id = id
        openStreamCount += 1
        return true
    }

    // MARK: Responses

    package func submitInterim(_ head: borrowing MessageHead, on stream: HTTP2Stream) {
        guard !stream.isReset else { return }
        writer.response(head)
        unsafe writer.withFields(of: head) { fields in
            _ = unsafe nghttp2_submit_headers(session, 0, stream.id, nil, fields.baseAddress, fields.count, nil)
        }
    }

    package func submitResponse(_ head: borrowing MessageHead, on stream: HTTP2Stream, endsStream: Bool) {
        guard !stream.isReset else { return }
        writer.response(head)
        var provider = unsafe HTTP2Callbacks.provider(of: stream)
        unsafe withUnsafeMutablePointer(to: &provider) { provider in
            unsafe writer.withFields(of: head) { fields in
                _ = unsafe nghttp2_submit_response(
                    session, stream.id, fields.baseAddress, fields.count, endsStream ? nil : provider)
            }
        }
    }

    /// Ends a stream; called from its `sendTrailers`.
    package func submitTrailers(_ trailers: borrowing MessageHead, on stream: HTTP2Stream) {
        writer.trailers(trailers)
        unsafe writer.withFields(of: trailers) { fields in
            _ = unsafe nghttp2_submit_trailer(session, stream.id, fields.baseAddress, fields.count)
        }
    }

    // MARK: Streams

    /// There is something to send again.
    package func resumeData(_ stream: HTTP2Stream) {
        guard stream.id > 0, !stream.isReset else { return }
        unsafe nghttp2_session_resume_data(session, stream.id)
    }

    package func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        guard stream.id > 0, !stream.isReset else { return }
        stream.isReset = true
        reset(stream.id, code)
    }

    package func reset(_ id: Int32, _ code: HTTP2ErrorCode) {
        unsafe nghttp2_submit_rst_stream(session, 0, id, code.rawValue)
    }

    /// Bytes of a body were taken: the other side may send as many more.
    package func consume(_ stream: HTTP2Stream, _ byteCount: Int) {
        unsafe nghttp2_session_consume(session, stream.id, byteCount)
    }

    func stream(_ id: Int32) -> HTTP2Stream? {
        guard let pointer = unsafe nghttp2_session_get_stream_user_data(session, id) else { return nil }
        return unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
    }

    func streamClosed(_ id: Int32, _ code: HTTP2ErrorCode) {
        guard let stream = stream(id) else { return }
        openStreamCount -= 1
        stream.isReset = true
        stream.closed(code)
    }

    // MARK: The connection

    package func ping(_ payload: UInt64) {
        unsafe withUnsafeBytes(of: payload) { bytes in
            _ = unsafe nghttp2_submit_ping(session, 0, bytes.bindMemory(to: UInt8.self).baseAddress)
        }
    }

    /// The windows that streams and the connection have from now on, in bytes.
    package func setWindows(stream: Int32, connection: Int32) {
        let settings = [
            nghttp2_settings_entry(
                settings_id: CInt(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: UInt32(stream))
        ]
        unsafe nghttp2_submit_settings(session, 0, settings, settings.count)
        unsafe nghttp2_session_set_local_window_size(session, 0, 0, connection)
    }

    /// Servers: no more requests, please; those on their way are still answered (RFC 9113 § 6.8).
    package func announceGoAway() {
        if role == .server { unsafe nghttp2_submit_shutdown_notice(session) }
    }

    /// What came up to now is still answered; what comes after is not.
    package func goAway(_ code: HTTP2ErrorCode) {
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        unsafe nghttp2_submit_goaway(session, 0, last, code.rawValue, nil, 0)
    }

    /// Ends it all.
    func terminate(_ code: HTTP2ErrorCode) {
        guard !isTerminated else { return }
        isTerminated = true
        unsafe nghttp2_session_terminate_session(session, code.rawValue)
    }

    func exceed(_ limit: HTTP2Limit) {
        guard !isTerminated else { return }
        terminate(.enhanceYourCalm)
        handler.exceeded(limit)
    }

    func noteSettings() {
        hasReceivedSettings = true
        handler.receivedSettings()
    }

    func noteGoAway(lastStream: Int32, code: HTTP2ErrorCode) {
        hasReceivedGoAway = true
        handler.receivedGoAway(lastStream: lastStream, code: code)
    }
}
