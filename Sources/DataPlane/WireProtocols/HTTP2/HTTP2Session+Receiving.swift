import CNghttp2
import HTTPSemantics

/// What comes from the peer, as the scanner and nghttp2 find it.
extension HTTP2Session {
    private typealias FrameType = HTTP2FrameScanner.FrameType
    private typealias Flag = HTTP2FrameScanner.Flag

    /// Pings that frames of data and heads pay for ahead.
    private static let paidPingLimit = 1000

    // MARK: Ahead of nghttp2

    /// Why a frame ends the connection as soon as its header is seen.
    enum Refusal {
        case limit(HTTP2Limit)
        case violation(HTTP2ErrorCode)
    }

    /// Counts what is limited.
    func refusal(of header: HTTP2FrameScanner.Header) -> Refusal? {
        // nghttp2 does not look at the size of CONTINUATION, nor at the stream of PRIORITY (RFC 9113 §§ 4.2, 6.3).
        guard header.payloadByteCount <= HTTP2FrameScanner.payloadByteLimit else { return .violation(.frameSizeError) }
        switch header.type {
        case FrameType.data:
            payForPing()
            guard header.payloadByteCount == 0, header.flags & Flag.endStream == 0 else { return nil }
            return budgets.emptyData.spend(limit: limits.emptyData, now: now) ? nil : .limit(.emptyData)
        case FrameType.headers:
            payForPing()
            budgets.continuations = 0
            return nil
        case FrameType.continuation:
            budgets.continuations += 1
            return budgets.continuations <= limits.continuations ? nil : .limit(.continuations)
        case FrameType.resetStream where role == .server:
            return budgets.resets.spend(limit: limits.resets, now: now) ? nil : .limit(.resets)
        case FrameType.settings where header.flags & Flag.acknowledgement == 0:
            guard header.payloadByteCount <= 6 * limits.settingsEntries else { return .limit(.settings) }
            return budgets.settings.spend(limit: limits.settings, now: now) ? nil : .limit(.settings)
        case FrameType.ping where header.flags & Flag.acknowledgement == 0:
            guard budgets.paidPings == 0 else {
                budgets.paidPings -= 1
                return nil
            }
            return budgets.pings.spend(limit: limits.pings, now: now) ? nil : .limit(.pings)
        case FrameType.pushPromise:
            // A client has said that it takes none, and a server is never sent one (RFC 9113 § 8.4).
            return .violation(.protocolError)
        case FrameType.priority where header.streamID == 0: return .violation(.protocolError)
        default: return nil
        }
    }

    func payForPing() { budgets.paidPings = min(budgets.paidPings + 1, Self.paidPingLimit) }

    /// Answers frames for streams that are over, which nghttp2 leaves out without a word (RFC 9113 § 5.1).
    func checkState(of header: HTTP2FrameScanner.Header) {
        frameHasData = false
        earlierFrameCount = waitingFrameCount
        let id = header.streamID
        guard id != 0, isPast(id), unsafe nghttp2_session_find_stream(handle, id) == nil else { return }
        switch closedStreams.memory(of: id) {
        case .closed(.ended): terminate(.streamClosed)
        case .closed(.resetByPeer): submitReset(id, .streamClosed)
        case .skipped: terminate(.protocolError)
        case .closed(.resetHere), .forgotten: break
        }
    }

    /// A stream that clients open, and not one that is still to be opened.
    private func isPast(_ id: Int32) -> Bool {
        guard id & 1 == 1 else { return false }
        switch role {
        case .server: return id <= lastPeerStream
        case .client: return unsafe UInt32(id) < nghttp2_session_get_next_stream_id(handle)
        }
    }

    // MARK: Header blocks

    func beganHeaders(_ frame: UnsafePointer<nghttp2_frame>) -> CInt {
        guard !isAbandoned else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        let id = unsafe CNghttp2_frame_stream(frame)
        switch unsafe UInt32(CNghttp2_headers_category(frame)) {
        case NGHTTP2_HCAT_REQUEST.rawValue: return beganRequest(id)
        case NGHTTP2_HCAT_RESPONSE.rawValue: block.begin(.response)
        default: block.begin(role == .client && stream(id)?.hasHead == false ? .response : .trailers)
        }
        return 0
    }

    private func beganRequest(_ id: Int32) -> CInt {
        lastPeerStream = id
        openStreamCount += 1
        guard openStreamCount <= Int(limits.concurrentStreams) else {
            submitReset(id, .refusedStream)
            spendProvokedReset()
            // The block is decoded, for those that follow it, and thrown away.
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        // Streams take turns: whatever it asks for, none of them is served to its end first.
        var turns = nghttp2_extpri(urgency: UInt32(NGHTTP2_EXTPRI_DEFAULT_URGENCY), inc: 1)
        unsafe nghttp2_session_change_extpri_stream_priority(handle, id, &turns, 1)
        block.begin(.request)
        return 0
    }

    func receivedField(_ name: Span<UInt8>, _ value: Span<UInt8>, isNeverIndexed: Bool) -> CInt {
        guard goesOn == 0 else { return goesOn }
        block.add(name, value, isNeverIndexed: isNeverIndexed, limits: limits)
        if block.isBomb { exceed(.headerList) }
        return goesOn
    }

    private func receivedHeaders(_ id: Int32, endsStream: Bool) {
        if block.kind == .request {
            if let error = block.exceeded { return answerTooLarge(id, error) }
            if let error = block.finish() ?? bodyError(endsStream) {
                refuse(id, error)
                handler.refusedStream(id, error)
            } else {
                tell(ofRequest: id, endsStream: endsStream)
            }
            return
        }
        guard let stream = stream(id), !stream.isReset else { return }
        if let error = block.exceeded ?? block.finish() { return refuse(stream, error) }
        if block.kind == .response {
            receivedResponse(stream, endsStream: endsStream)
        } else {
            receivedTrailers(stream, endsStream: endsStream)
        }
    }

    /// A request that announces a body and has none.
    private func bodyError(_ endsStream: Bool) -> HTTP2Error? {
        guard endsStream, let length = block.head.contentLength, length > 0, !block.isTunnel else { return nil }
        return .contentLengthMismatch
    }

    private func receivedResponse(_ stream: HTTP2Stream, endsStream: Bool) {
        let status = block.head.status
        guard status >= 200 else {
            if endsStream { return refuse(stream, .missingFinalResponse) }
            return stream.receivedHead(&block.head, endsStream: false)
        }
        stream.hasHead = true
        stream.isTunnel = stream.isTunnel && status < 300
        stream.mayHaveBody = !stream.isHeadRequest && status != 204 && status != 304
        if stream.isTunnel { block.head.contentLength = nil }
        if stream.mayHaveBody { stream.declaredByteCount = block.head.contentLength }
        guard !endsStream || hasWholeBody(stream) else { return refuse(stream, .contentLengthMismatch) }
        let id = stream.id
        stream.receivedHead(&block.head, endsStream: endsStream)
        if endsStream, isOpen(stream, id) { stream.receivedEnd() }
    }

    private func receivedTrailers(_ stream: HTTP2Stream, endsStream: Bool) {
        guard endsStream else { return refuse(stream, .unexpectedHead) }
        guard hasWholeBody(stream) else { return refuse(stream, .contentLengthMismatch) }
        let id = stream.id
        stream.receivedTrailers(&block.head)
        if isOpen(stream, id) { stream.receivedEnd() }
    }

    private func hasWholeBody(_ stream: HTTP2Stream) -> Bool {
        stream.declaredByteCount.map { $0 == stream.receivedByteCount } ?? true
    }

    /// After a call that may have ended anything.
    private func isOpen(_ stream: HTTP2Stream, _ id: Int32) -> Bool {
        !isAbandoned && stream.id == id && !stream.isReset
    }

    // MARK: Bodies

    func receivedData(_ id: Int32, _ bytes: Span<UInt8>) -> CInt {
        guard goesOn == 0 else { return goesOn }
        frameHasData = true
        guard let stream = stream(id), !stream.isReset else {
            unsafe nghttp2_session_consume(handle, id, bytes.count)
            return 0
        }
        stream.unconsumedByteCount += bytes.count
        stream.receivedByteCount += UInt64(bytes.count)
        guard stream.hasHead, stream.mayHaveBody else {
            refuse(stream, .unexpectedBody)
            return goesOn
        }
        if let declared = stream.declaredByteCount, stream.receivedByteCount > declared {
            refuse(stream, .contentLengthMismatch)
            return goesOn
        }
        stream.receivedData(bytes)
        return goesOn
    }

    private func receivedData(_ id: Int32, endsStream: Bool, payloadByteCount: Int) {
        guard endsStream else {
            // One of padding alone; those without any payload are counted already.
            if !frameHasData, payloadByteCount > 0, !budgets.emptyData.spend(limit: limits.emptyData, now: now) {
                exceed(.emptyData)
            }
            return
        }
        guard let stream = stream(id), !stream.isReset else { return }
        guard stream.hasHead else { return refuse(stream, .unexpectedBody) }
        guard hasWholeBody(stream) else { return refuse(stream, .contentLengthMismatch) }
        stream.receivedEnd()
    }

    // MARK: Frames

    func receivedFrame(_ frame: UnsafePointer<nghttp2_frame>) -> CInt {
        guard goesOn == 0 else { return goesOn }
        closingCause = .ended
        let id = unsafe CNghttp2_frame_stream(frame)
        let flags = unsafe CNghttp2_frame_flags(frame)
        switch unsafe CNghttp2_frame_type(frame) {
        case FrameType.headers: receivedHeaders(id, endsStream: flags & Flag.endStream != 0)
        case FrameType.data:
            receivedData(
                id, endsStream: flags & Flag.endStream != 0, payloadByteCount: unsafe CNghttp2_frame_length(frame))
        case FrameType.resetStream: closingCause = .resetByPeer
        case FrameType.settings where flags & Flag.acknowledgement == 0:
            // Besides its acknowledgement nghttp2 answers it with resets alone: of streams whose windows overflow. That is
            // the whole connection's error (RFC 9113 § 6.9.2).
            guard waitingFrameCount <= earlierFrameCount + 1 else {
                terminate(.flowControlError)
                break
            }
            handler.receivedSettings()
        case FrameType.settings:
            // nghttp2 gives up who acknowledges what was not sent.
            unacknowledgedSettings -= 1
            if settingsSince != nil { settingsSince = unacknowledgedSettings == 0 ? nil : now }
        case FrameType.ping where flags & Flag.acknowledgement != 0:
            var payload: UInt64 = 0
            for index in 0..<8 { payload = unsafe payload << 8 | UInt64(CNghttp2_ping_payload(frame)[index]) }
            handler.receivedPingAcknowledgement(payload)
        case FrameType.goAway:
            // Streams that the peer did not look at are closed next; it may not know of their frames.
            closingCause = .resetHere
            handler.receivedGoAway(
                lastStream: unsafe CNghttp2_goaway_stream(frame),
                code: HTTP2ErrorCode(rawValue: unsafe CNghttp2_goaway_code(frame)))
        default: break
        }
        return goesOn
    }

    func streamClosed(_ id: Int32, _ code: UInt32) -> CInt {
        guard !isAbandoned else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        openStreamCount -= 1
        closedStreams.add(id, closingCause)
        guard let stream = stream(id) else { return 0 }
        // What nobody took any more must not stay missing from the connection's window.
        if stream.unconsumedByteCount > 0 {
            unsafe nghttp2_session_consume_connection(handle, stream.unconsumedByteCount)
        }
        stream.id = 0
        stream.session = nil
        // Both sides may have ended it before the reset was written.
        stream.closed(stream.resetCode ?? HTTP2ErrorCode(rawValue: code))
        return isAbandoned ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0
    }
}
