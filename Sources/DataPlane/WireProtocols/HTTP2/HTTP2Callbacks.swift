import CNghttp2
import HTTPSemantics

/// nghttp2's way into a session: C functions that find their session and tell it what came.
enum HTTP2Callbacks {
    /// CONTINUATION frames of a header block.
    private static let continuationLimit = 16

    static func makeSession(
        _ role: HTTP2Session.Role, _ limits: HTTP2Limits, _ memory: HTTP2Memory, owner: HTTP2Session
    ) -> OpaquePointer {
        var option: OpaquePointer?
        unsafe nghttp2_option_new(&option)
        defer { unsafe nghttp2_option_del(option) }
        // The other side may send more when somebody took what it sent, and not before.
        unsafe nghttp2_option_set_no_auto_window_update(option, 1)
        unsafe nghttp2_option_set_no_closed_streams(option, 1)
        unsafe nghttp2_option_set_max_outbound_ack(option, limits.queuedAcknowledgements)
        unsafe nghttp2_option_set_max_continuations(option, continuationLimit)
        var session: OpaquePointer?
        let me = unsafe Unmanaged.passUnretained(owner).toOpaque()
        let result = unsafe memory.withCallbacks { memory in
            switch role {
            case .client: unsafe nghttp2_session_client_new3(&session, callbacks.pointer, me, option, memory)
            case .server: unsafe nghttp2_session_server_new3(&session, callbacks.pointer, me, option, memory)
            }
        }
        precondition(result == 0, "nghttp2 makes no session: out of memory")
        return unsafe session!
    }

    /// Asks a stream for its bytes.
    static func provider(of stream: HTTP2Stream) -> nghttp2_data_provider {
        unsafe nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
            read_callback: { _, _, _, limit, flags, source, _ in
                let stream = unsafe HTTP2Callbacks.stream(source)
                switch stream.nextData(limit: limit) {
                case .bytes(let count, let isLast):
                    unsafe flags!.pointee = NGHTTP2_DATA_FLAG_NO_COPY.rawValue
                    if isLast { unsafe flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
                    return count
                case .wait: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
                case .trailers:
                    unsafe flags!.pointee =
                        NGHTTP2_DATA_FLAG_NO_COPY.rawValue | NGHTTP2_DATA_FLAG_EOF.rawValue
                        | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                    stream.sendTrailers()
                    return 0
                }
            })
    }

    private static func stream(_ source: UnsafeMutablePointer<nghttp2_data_source>?) -> HTTP2Stream {
        unsafe Unmanaged<HTTP2Stream>.fromOpaque(source!.pointee.ptr).takeUnretainedValue()
    }

    private static func session(_ pointer: UnsafeMutableRawPointer?) -> HTTP2Session {
        unsafe Unmanaged<HTTP2Session>.fromOpaque(pointer!).takeUnretainedValue()
    }

    /// SAFETY: made once, never changed after, read by sessions of all threads.
    @safe
    private struct Table: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    private static let callbacks: Table = {
        var table: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&table)
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(table) { _, frame, owner in
            unsafe HTTP2Callbacks.session(owner).beginBlock(frame!)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(table) { _, _, name, nameCount, value, valueCount, _, owner in
            unsafe HTTP2Callbacks.session(owner).appendField(
                UnsafeBufferPointer(start: name, count: nameCount).span,
                UnsafeBufferPointer(start: value, count: valueCount).span)
        }
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(table) { _, _, _, _, _, _, _, owner in
            unsafe HTTP2Callbacks.session(owner).block.fail(.invalidFieldValue)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(table) { _, frame, owner in
            unsafe HTTP2Callbacks.session(owner).received(frame!)
        }
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table) { _, frame, error, owner in
            unsafe HTTP2Callbacks.session(owner).refused(frame!, error)
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) { _, _, id, bytes, count, owner in
            unsafe HTTP2Callbacks.session(owner).receivedData(
                id, UnsafeBufferPointer(start: bytes, count: count).span)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(table) { _, id, code, owner in
            unsafe HTTP2Callbacks.session(owner).streamClosed(id, HTTP2ErrorCode(rawValue: code))
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(table) { _, frame, owner in
            unsafe HTTP2Callbacks.session(owner).sent(frame!)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(table) { _, _, header, count, source, owner in
            unsafe HTTP2Callbacks.session(owner).writeData(
                UnsafeBufferPointer(start: header, count: 9).span, count, of: HTTP2Callbacks.stream(source))
        }
        return unsafe Table(pointer: table!)
    }()
}

/// What the callbacks do. The result is nghttp2's: 0, or how it goes on.
extension HTTP2Session {
    private static let stop = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

    // MARK: Header blocks

    fileprivate func beginBlock(_ frame: UnsafePointer<nghttp2_frame>) {
        let header = unsafe frame.pointee.hd
        let stream = stream(header.stream_id)
        block.begin(role == .server ? (stream == nil ? .request : .trailers) : stream?.hasHead ?? true ? .trailers : .response)
    }

    fileprivate func appendField(_ name: Span<UInt8>, _ value: Span<UInt8>) -> CInt {
        block.append(name: name, value: value)
        if block.listByteCount > limits.headerListByteCount {
            exceed(.headerList)
        } else if block.fieldCount > limits.fieldCount {
            exceed(.fieldCount)
        } else {
            return 0
        }
        return Self.stop
    }

    fileprivate func endBlock(_ frame: UnsafePointer<nghttp2_frame>) {
        let header = unsafe frame.pointee.hd
        let id = header.stream_id
        blockEndsStream = UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        block.end()
        let stream = stream(id)
        if let error = block.error { return refuse(id, stream, error) }
        switch block.kind {
        case .request:
            if blockEndsStream, block.head.contentLength ?? 0 > 0 { return refuse(id, stream, .contentLengthMismatch) }
            let length = block.head.contentLength
            handler.receivedRequest(id, endsStream: blockEndsStream)
            if !blockEndsStream { self.stream(id)?.missingBytes = length }
        case .response: if let stream { receivedResponse(stream) }
        case .trailers:
            guard let stream else { return }
            guard stream.missingBytes ?? 0 == 0 else { return refuse(id, stream, .contentLengthMismatch) }
            stream.receivedTrailers(&block.head)
            stream.receivedEnd()
        }
    }

    private func receivedResponse(_ stream: HTTP2Stream) {
        let status = block.head.status
        if status < 200 {
            // HTTP/2 switches no protocols, and an interim response is not the last.
            guard !blockEndsStream, status != 101 else { return refuse(stream.id, stream, .invalidStatus) }
            return stream.receivedHead(&block.head, endsStream: false)
        }
        stream.hasHead = true
        let isBodiless = stream.expectsNoBody || status == 204 || status == 304
        let length = isBodiless ? 0 : block.head.contentLength
        if blockEndsStream, length ?? 0 > 0 { return refuse(stream.id, stream, .contentLengthMismatch) }
        stream.missingBytes = length
        let endsStream = blockEndsStream
        stream.receivedHead(&block.head, endsStream: endsStream)
        if endsStream { stream.receivedEnd() }
    }

    /// Not a message (RFC 9113 § 8.1.1).
    private func refuse(_ id: Int32, _ stream: HTTP2Stream?, _ error: HTTP2Error) {
        if let stream { reset(stream, .protocolError) } else { reset(id, .protocolError) }
        handler.refusedStream(id, error)
    }

    // MARK: Frames

    fileprivate func received(_ frame: UnsafePointer<nghttp2_frame>) -> CInt {
        let header = unsafe frame.pointee.hd
        switch nghttp2_frame_type(rawValue: UInt32(header.type)) {
        case NGHTTP2_HEADERS: unsafe endBlock(frame)
        case NGHTTP2_DATA: receivedDataFrame(header)
        case NGHTTP2_RST_STREAM:
            if !counters.resets.count(upTo: limits.resets, now: now) { exceed(.resets) }
        case NGHTTP2_SETTINGS:
            if UInt32(header.flags) & NGHTTP2_FLAG_ACK.rawValue == 0 {
                if counters.settings.count(upTo: limits.settings, now: now) { noteSettings() } else { exceed(.settings) }
            }
        case NGHTTP2_PING: unsafe receivedPing(frame)
        case NGHTTP2_GOAWAY:
            unsafe noteGoAway(
                lastStream: frame.pointee.goaway.last_stream_id,
                code: HTTP2ErrorCode(rawValue: frame.pointee.goaway.error_code))
        default: break
        }
        return isTerminated ? Self.stop : 0
    }

    private func receivedPing(_ frame: UnsafePointer<nghttp2_frame>) {
        guard unsafe UInt32(frame.pointee.hd.flags) & NGHTTP2_FLAG_ACK.rawValue != 0 else {
            if !counters.pings.count(upTo: limits.pings, now: now) { exceed(.pings) }
            return
        }
        let payload = unsafe withUnsafeBytes(of: frame.pointee.ping.opaque_data) { unsafe $0.loadUnaligned(as: UInt64.self) }
        handler.receivedPingAcknowledgement(payload)
    }

    private func receivedDataFrame(_ header: nghttp2_frame_hd) {
        let endsStream = UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        if header.length == 0, !endsStream, !counters.emptyData.count(upTo: limits.emptyData, now: now) {
            return exceed(.emptyData)
        }
        guard endsStream, let stream = stream(header.stream_id), !stream.isReset else { return }
        guard stream.missingBytes ?? 0 == 0 else { return refuse(stream.id, stream, .contentLengthMismatch) }
        stream.receivedEnd()
    }

    fileprivate func receivedData(_ id: Int32, _ bytes: Span<UInt8>) {
        guard let stream = stream(id), !stream.isReset else {
            unsafe nghttp2_session_consume(pointer, id, bytes.count)
            return
        }
        if let missing = stream.missingBytes {
            guard UInt64(bytes.count) <= missing else {
                unsafe nghttp2_session_consume(pointer, id, bytes.count)
                return refuse(id, stream, .contentLengthMismatch)
            }
            stream.missingBytes = missing - UInt64(bytes.count)
        }
        stream.receivedData(bytes)
    }

    /// nghttp2 refused a frame, and says so to the other side by itself.
    fileprivate func refused(_ frame: UnsafePointer<nghttp2_frame>, _ error: CInt) -> CInt {
        let header = unsafe frame.pointee.hd
        guard nghttp2_frame_type(rawValue: UInt32(header.type)) == NGHTTP2_HEADERS else { return 0 }
        handler.refusedStream(header.stream_id, block.error ?? .invalidPseudoHeader)
        return 0
    }

    // MARK: Output

    fileprivate func sent(_ frame: UnsafePointer<nghttp2_frame>) {
        let header = unsafe frame.pointee.hd
        switch nghttp2_frame_type(rawValue: UInt32(header.type)) {
        case NGHTTP2_RST_STREAM:
            // Who makes us reset streams costs us as much as one who resets them (CVE-2025-8671).
            let isProvoked = unsafe HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code).isProvoked
            if isProvoked, !counters.provokedResets.count(upTo: limits.resets, now: now) { exceed(.provokedResets) }
        case NGHTTP2_HEADERS, NGHTTP2_DATA:
            if UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0 { stream(header.stream_id)?.sentEnd() }
        default: break
        }
    }

    fileprivate func writeData(_ header: Span<UInt8>, _ count: Int, of stream: HTTP2Stream) -> CInt {
        guard !stream.isReset else { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue }
        guard room > 0 else { return NGHTTP2_ERR_WOULDBLOCK.rawValue }
        handler.write(header)
        if count > 0 { stream.writeData(count) }
        room -= header.count + count
        return 0
    }
}

extension HTTP2ErrorCode {
    /// The other side did what it must not.
    fileprivate var isProvoked: Bool { self == .protocolError || self == .flowControlError || self == .streamClosed }
}
