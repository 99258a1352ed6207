import CNghttp2
import HTTPSemantics

/// What goes to the peer.
extension HTTP2Session {
    private typealias FrameType = HTTP2FrameScanner.FrameType
    private typealias Flag = HTTP2FrameScanner.Flag

    // MARK: Messages

    /// Bytes of a name or a value that a peer which reads with nghttp2 takes; over it, its connection ends.
    private static let fieldByteLimit = 65_536

    /// A head of HTTP/1.1 can be sent over HTTP/2.
    package static func canCarry(_ head: borrowing MessageHead) -> Bool {
        // No field is longer than the head.
        guard head.end > fieldByteLimit else { return true }
        guard head.path.count + 1 + head.query.count <= fieldByteLimit else { return false }
        for index in 0..<head.fieldCount {
            let field = head.fields[index]
            guard field.name.count <= fieldByteLimit, field.value.count <= fieldByteLimit else { return false }
        }
        return true
    }

    /// Client: sends the head of a request. One with an upgrade is an extended CONNECT: the owner has asked
    /// `peerAllowsExtendedConnect`, or knows the peer.
    /// - Returns: `false` if no stream can be opened.
    package func submitRequest(_ head: borrowing MessageHead, on stream: HTTP2Stream, endsStream: Bool) -> Bool {
        guard canOpenStream else { return false }
        let id = unsafe memory.encoder.withFields(.request, head, endsStream: endsStream) { fields, count in
            unsafe submitRequest(fields, count, on: stream, endsStream: endsStream)
        }
        guard id > 0 else { return false }
        begin(stream, id)
        stream.isHeadRequest = head.knownMethod == .head
        stream.isTunnel = head.upgrade != .none || head.knownMethod == .connect
        return true
    }

    /// Client: asks for a tunnel (RFC 9113 § 8.5).
    /// - Parameter authority: Host and port.
    /// - Returns: `false` if no stream can be opened.
    package func submitTunnel(to authority: Span<UInt8>, on stream: HTTP2Stream) -> Bool {
        guard canOpenStream else { return false }
        let id = unsafe memory.encoder.withTunnel(to: authority) { fields, count in
            unsafe submitRequest(fields, count, on: stream, endsStream: false)
        }
        guard id > 0 else { return false }
        begin(stream, id)
        stream.isTunnel = true
        return true
    }

    package func submitTunnel(to authority: [UInt8], on stream: HTTP2Stream) -> Bool {
        submitTunnel(to: authority.span, on: stream)
    }

    private func submitRequest(
        _ fields: UnsafeMutablePointer<nghttp2_nv>, _ count: Int, on stream: HTTP2Stream, endsStream: Bool
    ) -> Int32 {
        let pointer = unsafe Unmanaged.passUnretained(stream).toOpaque()
        guard !endsStream else {
            return unsafe nghttp2_submit_request(handle, nil, fields, count, nil, pointer)
        }
        var provider = unsafe Self.provider(of: stream)
        return unsafe nghttp2_submit_request(handle, nil, fields, count, &provider, pointer)
    }

    private func begin(_ stream: HTTP2Stream, _ id: Int32) {
        stream.begin(id, in: self)
        openStreamCount += 1
    }

    /// Server: sends a 1xx response; the final one follows.
    package func submitInterim(_ head: borrowing MessageHead, on stream: HTTP2Stream) {
        guard isSendable(stream) else { return }
        unsafe memory.encoder.withFields(.response, head, endsStream: false) { fields, count in
            _ = unsafe nghttp2_submit_headers(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, nil, fields, count, nil)
        }
    }

    /// Server: sends the head of the final response.
    package func submitResponse(_ head: borrowing MessageHead, on stream: HTTP2Stream, endsStream: Bool) {
        guard isSendable(stream) else { return }
        unsafe memory.encoder.withFields(.response, head, endsStream: endsStream) { fields, count in
            guard !endsStream else {
                _ = unsafe nghttp2_submit_response(handle, stream.id, fields, count, nil)
                return
            }
            var provider = unsafe Self.provider(of: stream)
            _ = unsafe nghttp2_submit_response(handle, stream.id, fields, count, &provider)
        }
    }

    /// Sends the trailer section, which ends the stream: in answer to `sendTrailers`.
    package func submitTrailers(_ trailers: borrowing MessageHead, on stream: HTTP2Stream) {
        guard isSendable(stream) else { return }
        unsafe memory.encoder.withFields(.trailers, trailers, endsStream: true) { fields, count in
            _ = unsafe nghttp2_submit_trailer(handle, stream.id, fields, count)
        }
    }

    /// The stream has something to send again.
    package func resumeData(_ stream: HTTP2Stream) {
        guard isSendable(stream) else { return }
        // One that does not wait, or whose head is not sent yet, is asked anyway.
        _ = unsafe nghttp2_session_resume_data(handle, stream.id)
    }

    private func isSendable(_ stream: HTTP2Stream) -> Bool { isOwn(stream) && !stream.isReset && !isAbandoned }

    private func isOwn(_ stream: HTTP2Stream) -> Bool { stream.id != 0 && stream.session == ObjectIdentifier(self) }

    private static func provider(of stream: HTTP2Stream) -> nghttp2_data_provider {
        unsafe nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
            read_callback: HTTP2Callbacks.dataProvider)
    }

    // MARK: Flow control

    /// So many bytes that the stream received are taken: the peer may send as many again.
    package func consume(_ stream: HTTP2Stream, _ byteCount: Int) {
        guard isOwn(stream), !isAbandoned else { return }
        let byteCount = min(byteCount, stream.unconsumedByteCount)
        guard byteCount > 0 else { return }
        stream.unconsumedByteCount -= byteCount
        _ = unsafe nghttp2_session_consume(handle, stream.id, byteCount)
    }

    // MARK: Resets

    /// Ends a stream at once, on both sides; `closed` follows when it is sent.
    package func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        guard isSendable(stream) else { return }
        stream.resetCode = code
        submitReset(stream.id, code)
    }

    /// Server: ends the stream of a request that got none attached.
    package func reset(_ id: Int32, _ code: HTTP2ErrorCode) {
        guard id != answeredStream, !isAbandoned else { return }
        submitReset(id, code)
    }

    func submitReset(_ id: Int32, _ code: HTTP2ErrorCode) {
        _ = unsafe nghttp2_submit_rst_stream(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
    }

    /// Ends a request that nobody was told of, or that has no canonical form.
    func refuse(_ id: Int32, _ error: HTTP2Error) {
        if let status = error.status { answer(id, status) } else { submitReset(id, .protocolError) }
    }

    /// Ends a stream whose message went wrong.
    func refuse(_ stream: HTTP2Stream, _ error: HTTP2Error) {
        let id = stream.id
        reset(stream, .protocolError)
        handler.refusedStream(id, error)
    }

    /// - Parameter grpcStatus: For a caller that goes by it, whatever `status` is; only of fields over a limit.
    private func answer(_ id: Int32, _ status: UInt16, _ grpcStatus: GRPCStatus? = nil) {
        answeredStream = id
        reply.removeAll()
        reply.status = status
        reply.contentLength = 0
        if let grpcStatus {
            reply.addField(.grpcStatus, value: Array("\(grpcStatus.rawValue)".utf8).span)
            reply.addField(
                name: ("grpc-message" as StaticString).bytes,
                value: ("overloaded: the request's fields are over a limit" as StaticString).bytes)
        }
        unsafe memory.encoder.withFields(.response, reply, endsStream: true) { fields, count in
            _ = unsafe nghttp2_submit_response(handle, id, fields, count, nil)
        }
    }

    /// The caller is told why. The connection goes on: on one between nodes other callers' requests are under way, too.
    func answerTooLarge(_ id: Int32, _ error: HTTP2Error) {
        let type = block.head.value(of: .contentType)
        let isGRPC = type.map { block.head.withBytes($0) { GRPCContentType.matches($0) } } ?? false
        answer(id, 431, isGRPC ? .resourceExhausted : nil)
        handler.refusedStream(id, error)
        spendProvokedReset()
    }

    /// Counts what a client makes us throw away.
    func spendProvokedReset() {
        if !budgets.provokedResets.spend(limit: limits.resets, now: now) { exceed(.provokedResets) }
    }

    // MARK: What nghttp2 asks and tells

    func nextData(_ limit: Int, _ flags: UnsafeMutablePointer<UInt32>, _ pointer: UnsafeMutableRawPointer) -> Int {
        guard !isAbandoned else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        let stream = unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
        guard isSendable(stream) else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        switch stream.nextData(limit: limit) {
        case .wait: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        case .bytes(let count, let isLast):
            precondition(count >= 0 && count <= limit)
            guard count > 0 || isLast else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
            unsafe flags.pointee = NGHTTP2_DATA_FLAG_NO_COPY.rawValue | (isLast ? NGHTTP2_DATA_FLAG_EOF.rawValue : 0)
            return count
        case .trailers:
            stream.sendTrailers()
            unsafe flags.pointee =
                NGHTTP2_DATA_FLAG_NO_COPY.rawValue | NGHTTP2_DATA_FLAG_EOF.rawValue
                | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            return 0
        }
    }

    func sendData(_ header: Span<UInt8>, _ byteCount: Int, _ pointer: UnsafeMutableRawPointer) -> CInt {
        guard !isAbandoned else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        let stream = unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
        handler.write(header)
        if byteCount > 0 { stream.writeData(byteCount) }
        payForPing()
        flushedByteCount += header.count + byteCount
        if isAbandoned { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        return flushedByteCount < flushLimit ? 0 : NGHTTP2_ERR_PAUSE.rawValue
    }

    func sentFrame(_ frame: UnsafePointer<nghttp2_frame>) -> CInt {
        guard !isAbandoned else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        closingCause = .ended
        let id = unsafe CNghttp2_frame_stream(frame)
        switch unsafe CNghttp2_frame_type(frame) {
        case FrameType.headers:
            payForPing()
            if unsafe CNghttp2_frame_flags(frame) & Flag.endStream != 0 { sentEnd(id) }
        case FrameType.data: if unsafe CNghttp2_frame_flags(frame) & Flag.endStream != 0 { sentEnd(id) }
        case FrameType.settings where unsafe CNghttp2_frame_flags(frame) & Flag.acknowledgement == 0:
            // One that knows what comes may have acknowledged it already.
            if unacknowledgedSettings > 0 { settingsSince = settingsSince ?? now }
        case FrameType.resetStream:
            closingCause = .resetHere
            sentReset(HTTP2ErrorCode(rawValue: unsafe CNghttp2_reset_code(frame)))
        case FrameType.goAway: if unsafe CNghttp2_goaway_code(frame) != 0 { stopReceiving() }
        default: break
        }
        return isAbandoned ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0
    }

    private func sentEnd(_ id: Int32) {
        if let stream = stream(id) { return stream.sentEnd() }
        // A request that was answered here, without being read to its end.
        guard role == .server, unsafe nghttp2_session_get_stream_remote_close(handle, id) == 0 else { return }
        submitReset(id, .noError)
    }

    /// Counts resets that the peer gave cause for.
    private func sentReset(_ code: HTTP2ErrorCode) {
        guard role == .server else { return }
        switch code {
        case .protocolError, .flowControlError, .streamClosed, .frameSizeError:
            spendProvokedReset()
        default: break
        }
    }

    func didNotSend(_ frame: UnsafePointer<nghttp2_frame>, _ error: CInt) -> CInt {
        guard !isAbandoned else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        guard unsafe CNghttp2_frame_type(frame) == FrameType.headers else { return 0 }
        switch error {
        case NGHTTP2_ERR_STREAM_CLOSED.rawValue, NGHTTP2_ERR_STREAM_CLOSING.rawValue,
            NGHTTP2_ERR_SESSION_CLOSING.rawValue, NGHTTP2_ERR_STREAM_SHUT_WR.rawValue:
            break
        default:
            // nghttp2 ends a request that it could not send; an answer would be waited for.
            if role == .server { submitReset(unsafe CNghttp2_frame_stream(frame), .internalError) }
        }
        return 0
    }

    /// The stream that is attached to an identifier.
    func stream(_ id: Int32) -> HTTP2Stream? {
        guard let pointer = unsafe nghttp2_session_get_stream_user_data(handle, id) else { return nil }
        let stream = unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
        return stream.id == id && stream.session == ObjectIdentifier(self) ? stream : nil
    }
}
