import HTTPSemantics

/// Frames that come from the peer.
extension HTTP2Session {
    private typealias FrameType = HTTP2FrameHeader.FrameType

    /// Pings that frames of data and heads pay for ahead.
    private static let paidPingLimit = 1000
    /// Streams whose reset may still come after their end.
    private static let lateResetLimit = 1000

    /// A frame's header has come.
    func began(_ header: HTTP2FrameHeader) {
        if let code = violation(of: header) { return terminate(code) }
        if let limit = exceededLimit(by: header) { return exceed(limit) }
        switch header.type {
        case FrameType.data: beganData(header)
        case FrameType.headers: beganHeaders(header)
        default: break
        }
    }

    /// What is wrong with a frame whatever its payload is.
    private func violation(of header: HTTP2FrameHeader) -> HTTP2ErrorCode? {
        guard header.payloadByteCount <= HTTP2FrameHeader.payloadByteLimit else { return .frameSizeError }
        // The preface ends with SETTINGS (RFC 9113 § 3.4).
        guard hasPeerSettings || (header.type == FrameType.settings && !header.isAcknowledgement) else {
            return .protocolError
        }
        let continues = header.type == FrameType.continuation
        guard headers.isOpen == continues, !continues || header.streamID == headers.id else { return .protocolError }
        if let isStreams = Self.isOfStream(header.type), isStreams != (header.streamID != 0) { return .protocolError }
        return Self.hasPossibleSize(header) ? nil : .frameSizeError
    }

    /// Whether a frame is about one stream or about the connection; `nil`: about either, or nobody knows.
    private static func isOfStream(_ type: UInt8) -> Bool? {
        switch type {
        case FrameType.data, FrameType.headers, FrameType.priority, FrameType.resetStream, FrameType.continuation: true
        case FrameType.settings, FrameType.ping, FrameType.goAway: false
        default: nil
        }
    }

    private static func hasPossibleSize(_ header: HTTP2FrameHeader) -> Bool {
        let count = header.payloadByteCount
        return switch header.type {
        case FrameType.data: !header.isPadded || count >= 1
        case FrameType.headers: count >= (header.isPadded ? 1 : 0) + (header.hasPriority ? 5 : 0)
        case FrameType.priority: count == 5
        case FrameType.resetStream, FrameType.windowUpdate: count == 4
        case FrameType.settings: header.isAcknowledgement ? count == 0 : count % HTTP2Settings.entryByteCount == 0
        case FrameType.ping: count == 8
        case FrameType.goAway: count >= 8
        default: true
        }
    }

    /// Counts what is limited.
    private func exceededLimit(by header: HTTP2FrameHeader) -> HTTP2Limit? {
        switch header.type {
        case FrameType.data:
            payForPing()
            guard header.payloadByteCount == 0, !header.endsStream else { return nil }
            return budgets.emptyData.spend(limit: limits.emptyData, now: now) ? nil : .emptyData
        case FrameType.headers:
            payForPing()
            budgets.continuations = 0
            return nil
        case FrameType.continuation:
            budgets.continuations += 1
            return budgets.continuations <= limits.continuations ? nil : .continuations
        case FrameType.settings where !header.isAcknowledgement:
            guard header.payloadByteCount <= HTTP2Settings.entryByteCount * limits.settingsEntries else {
                return .settings
            }
            return budgets.settings.spend(limit: limits.settings, now: now) ? nil : .settings
        case FrameType.ping where !header.isAcknowledgement:
            guard budgets.paidPings == 0 else {
                budgets.paidPings -= 1
                return nil
            }
            return budgets.pings.spend(limit: limits.pings, now: now) ? nil : .pings
        default: return nil
        }
    }

    func payForPing() { budgets.paidPings = min(budgets.paidPings + 1, Self.paidPingLimit) }

    /// A frame is whole, and is none of DATA.
    func received(_ header: HTTP2FrameHeader, _ payload: Span<UInt8>) {
        switch header.type {
        case FrameType.headers: receivedHeaders(header, payload)
        case FrameType.continuation: receivedContinuation(header, payload)
        case FrameType.resetStream: receivedReset(header.streamID, payload)
        case FrameType.settings: receivedSettings(header, payload)
        // A client has said that it takes none, and a server is never sent one (§ 8.4).
        case FrameType.pushPromise: terminate(.protocolError)
        case FrameType.ping: receivedPing(header, payload)
        case FrameType.goAway: receivedGoAway(payload)
        case FrameType.windowUpdate:
            receivedWindowUpdate(header.streamID, payload)
        // PRIORITY says nothing any more (§ 5.3.2), and of other types nobody knows what they say (§ 5.5).
        default: break
        }
    }

    private func receivedReset(_ id: Int32, _ payload: Span<UInt8>) {
        let stream = streams[id]
        if case .connectionError(let code) = verdict(on: .resetStream, of: stream, id) { return terminate(code) }
        if role == .server, isCheapReset(of: stream), !budgets.resets.spend(limit: limits.resets, now: now) {
            return exceed(.resets)
        }
        guard let stream else { return }
        close(stream, HTTP2ErrorCode(rawValue: payload.value(at: 0)), .resetByPeer)
    }

    /// A reset of those that a flood is made of (CVE-2023-44487): it makes room for the next stream before this one has cost
    /// its sender anything. One that has waited, or that has its answer, does not; nor does one that crosses the end of its stream.
    private func isCheapReset(of stream: HTTP2Stream?) -> Bool {
        guard let stream else {
            guard budgets.lateResets > 0 else { return true }
            budgets.lateResets -= 1
            return false
        }
        return stream.state.isUnanswered && now &- stream.begunAt < HTTP2Limits.youngMilliseconds
    }

    private func receivedGoAway(_ payload: Span<UInt8>) {
        let last = Int32(payload.value(at: 0) & 0x7FFF_FFFF)
        guard last <= lastStreamOfGoAway else { return terminate(.protocolError) }
        lastStreamOfGoAway = last
        hasGoAway = true
        handler.receivedGoAway(lastStream: last, code: HTTP2ErrorCode(rawValue: payload.value(at: 4)))
        guard role == .client else { return }
        // Streams that the peer did not look at; it may not know of their frames.
        for id in streams.ids(above: last) {
            guard !isAbandoned else { return }
            if let stream = streams[id] { close(stream, .refusedStream, .resetHere) }
        }
    }

    // MARK: States (RFC 9113 § 5.1)

    /// A stream that nobody has opened yet: all that servers might open are.
    func isIdle(_ id: Int32) -> Bool {
        guard id & 1 == 1 else { return true }
        return role == .server ? id > lastPeerStream : id >= nextStream
    }

    /// What a frame of the peer's is to a stream; `nil`: to none that is open.
    func verdict(on frame: HTTP2StreamState.Frame, of stream: HTTP2Stream?, _ id: Int32) -> HTTP2StreamState.Verdict {
        if let stream { return stream.state.verdict(on: frame) }
        guard !isIdle(id) else { return HTTP2StreamState.idle.verdict(on: frame) }
        // How it was closed is looked up only where it matters.
        let cause = frame.isOfMessage ? closedStreams.cause(of: id) : .forgotten
        return HTTP2StreamState.closed(cause).verdict(on: frame)
    }

    /// Closes a stream that both sides have ended.
    func closeIfDone(_ stream: HTTP2Stream, _ id: Int32) {
        guard !isAbandoned, stream.id == id, stream.state.hasEnded else { return }
        close(stream, .noError, .ended)
    }

    /// A stream is over. Where the peer has not said so, its own reset may still come.
    func noteClosed(_ id: Int32, _ cause: HTTP2StreamState.Cause) {
        closedStreams.add(id, cause)
        if cause != .resetByPeer { budgets.lateResets = min(budgets.lateResets + 1, Self.lateResetLimit) }
    }

    func close(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode, _ cause: HTTP2StreamState.Cause) {
        // What it was to be reset with is why it is over, whoever was first.
        let code = stream.state.resetCode ?? code
        streams.remove(stream.id)
        sendQueue.remove(stream)
        stream.state = .closed(cause)
        noteClosed(stream.id, cause)
        stream.leave()
        widenedByteCount -= stream.receiveWindow.limit - firstStreamWindow
        stream.closed(code)
    }
}
