import HTTPSemantics

/// Heads, bodies and trailers that come from the peer.
extension HTTP2Session {
    /// A header block of which not all has come.
    struct HeadersUnderWay {
        enum Fate {
            case request, response, trailers
            /// One stream too many.
            case refused
            case discarded
        }

        var id: Int32 = 0
        var endsStream = false
        var fate = Fate.discarded
        /// CONTINUATION comes next.
        var isOpen = false
    }

    /// A DATA frame of which not all has come.
    struct DataUnderWay {
        var id: Int32 = 0
        var endsStream = false
        /// It is for a stream that takes it.
        var isWanted = false
        /// The byte that tells how much padding there is comes next.
        var awaitsPadding = false
        /// Bytes of the body that are still to come; the rest is padding.
        var contentLeft = 0
        var isAllPadding = false
    }

    // MARK: Header blocks

    func beganHeaders(_ header: HTTP2FrameHeader) {
        let id = header.streamID
        headers.id = id
        headers.endsStream = header.endsStream
        headers.isOpen = !header.endsHeaders
        headers.fate = .discarded
        let stream = streams[id]
        switch verdict(on: .headers, of: stream, id) {
        case .taken:
            if let stream {
                headers.fate = role == .client && stream.state.awaitsHead ? .response : .trailers
            } else if role == .server, id & 1 == 1 {
                beganRequest(id)
            } else {
                terminate(.protocolError)
            }
        case .ignored: break
        case .streamError(let code): fail(stream, id, code)
        case .connectionError(let code): terminate(code)
        }
    }

    private func beganRequest(_ id: Int32) {
        lastPeerStream = id
        guard !saysGoAway else { return noteClosed(id, .resetHere) }
        lastTakenStream = id
        headers.fate = openStreamCount < Int(limits.concurrentStreams) ? .request : .refused
    }

    func receivedHeaders(_ header: HTTP2FrameHeader, _ payload: Span<UInt8>) {
        var start = 0
        var padding = 0
        if header.isPadded {
            padding = Int(payload[0])
            start = 1
        }
        // What priority it has means nothing any more (RFC 9113 § 5.3.2).
        if header.hasPriority { start += 5 }
        guard padding <= payload.count - start else { return terminate(.protocolError) }
        let fragment = payload.extracting(start..<(payload.count - padding))
        if headers.isOpen { fragments.append(copying: fragment) } else { receivedBlock(fragment) }
    }

    func receivedContinuation(_ header: HTTP2FrameHeader, _ payload: Span<UInt8>) {
        fragments.append(copying: payload)
        guard header.endsHeaders else { return }
        headers.isOpen = false
        // Out of the session's reach for the time of the call, and seldom needed again.
        var whole = ByteBuffer()
        swap(&whole, &fragments)
        receivedBlock(whole.span)
    }

    private func receivedBlock(_ bytes: Span<UInt8>) {
        switch headers.fate {
        case .request: block.begin(.request)
        case .response: block.begin(.response)
        case .trailers: block.begin(.trailers)
        case .refused, .discarded: block.begin(.discarded)
        }
        do throws(HPACKDecoder.Failure) {
            try decoder.decode(bytes, scratch: &memory.strings, into: &block, limits: limits)
        } catch {
            return error == .bomb ? exceed(.headerList) : terminate(.compressionError)
        }
        let id = headers.id
        let endsStream = headers.endsStream
        switch headers.fate {
        case .request: receivedRequest(id, endsStream: endsStream)
        case .response, .trailers:
            // The frame's header may have come with less.
            guard let stream = streams[id], stream.state.mayReceive else { return }
            receivedBlock(of: stream, endsStream: endsStream)
            closeIfDone(stream, id)
        case .refused:
            submitReset(id, .refusedStream)
            spendProvokedReset()
        case .discarded: break
        }
    }

    private func receivedRequest(_ id: Int32, endsStream: Bool) {
        if let error = block.exceeded { return answerTooLarge(id, error, endsStream: endsStream) }
        if let error = block.finish() ?? bodyError(endsStream) {
            refuse(id, error, endsStream: endsStream)
            handler.refusedStream(id, error)
        } else {
            tell(ofRequest: id, endsStream: endsStream)
        }
    }

    /// A request that announces a body and has none.
    private func bodyError(_ endsStream: Bool) -> HTTP2Error? {
        guard endsStream, let length = block.head.contentLength, length > 0, !block.isTunnel else { return nil }
        return .contentLengthMismatch
    }

    private func receivedBlock(of stream: HTTP2Stream, endsStream: Bool) {
        if let error = block.exceeded ?? block.finish(keepsReason: isWithNode) { return refuse(stream, error) }
        if block.kind == .response {
            receivedResponse(stream, endsStream: endsStream)
        } else {
            receivedTrailers(stream, endsStream: endsStream)
        }
    }

    private func receivedResponse(_ stream: HTTP2Stream, endsStream: Bool) {
        let status = block.head.status
        guard status >= 200 else {
            if endsStream { return refuse(stream, .missingFinalResponse) }
            return stream.receivedHead(&block.head, endsStream: false)
        }
        stream.isTunnel = stream.isTunnel && status < 300
        stream.mayHaveBody = ResponseBody.isPossible(
            status: status, answering: stream.isHeadRequest ? .head : .other)
        if stream.isTunnel { block.head.contentLength = nil }
        if stream.mayHaveBody { stream.declaredByteCount = block.head.contentLength }
        guard !endsStream || hasWholeBody(stream) else { return refuse(stream, .contentLengthMismatch) }
        let id = stream.id
        if endsStream { stream.state.receiveEnd() } else { stream.state.receiveHead() }
        stream.receivedHead(&block.head, endsStream: endsStream)
        if endsStream, isOpen(stream, id) { stream.receivedEnd() }
    }

    private func receivedTrailers(_ stream: HTTP2Stream, endsStream: Bool) {
        guard endsStream else { return refuse(stream, .unexpectedHead) }
        guard hasWholeBody(stream) else { return refuse(stream, .contentLengthMismatch) }
        let id = stream.id
        stream.state.receiveEnd()
        stream.receivedTrailers(&block.head)
        if isOpen(stream, id) { stream.receivedEnd() }
    }

    private func hasWholeBody(_ stream: HTTP2Stream) -> Bool {
        stream.declaredByteCount.map { $0 == stream.receivedByteCount || stream.mayEndShort } ?? true
    }

    /// After a call that may have ended anything.
    private func isOpen(_ stream: HTTP2Stream, _ id: Int32) -> Bool {
        !isAbandoned && stream.id == id && !stream.state.isResetting
    }

    // MARK: Bodies

    func beganData(_ header: HTTP2FrameHeader) {
        let id = header.streamID
        let byteCount = header.payloadByteCount
        data = DataUnderWay(
            id: id, endsStream: header.endsStream, awaitsPadding: header.isPadded, contentLeft: byteCount)
        let stream = streams[id]
        let verdict = verdict(on: .data, of: stream, id)
        if case .connectionError(let code) = verdict { return terminate(code) }
        // Of all streams together, whoever takes it.
        guard receiveWindow.receive(byteCount) else { return terminate(.flowControlError) }
        switch verdict {
        case .taken:
            guard let stream else { return }
            guard stream.receiveWindow.receive(byteCount) else { return fail(stream, .flowControlError) }
            data.isWanted = true
        case .ignored, .connectionError: break
        case .streamError(let code): fail(stream, id, code)
        }
    }

    /// - Parameter isLast: The frame ends with these bytes.
    func receivedDataPayload(_ bytes: Span<UInt8>, isLast: Bool) {
        // Whoever they are for, and whenever they are taken: a stream that waits has its own window, and no other's share of this one.
        receiveWindow.take(bytes.count)
        var start = 0
        if data.awaitsPadding, bytes.count > 0 {
            let padding = Int(bytes[0])
            guard padding < data.contentLeft else { return terminate(.protocolError) }
            data.awaitsPadding = false
            data.contentLeft -= 1 + padding
            data.isAllPadding = data.contentLeft == 0
            start = 1
        }
        let contentCount = min(data.contentLeft, bytes.count - start)
        data.contentLeft -= contentCount
        if contentCount < bytes.count { takePadding(bytes.count - contentCount) }
        if contentCount > 0 { receivedContent(bytes.extracting(start..<(start + contentCount))) }
        if isLast, goesOn { receivedDataEnd() }
    }

    private func takePadding(_ byteCount: Int) {
        if data.isWanted, let stream = streams[data.id] { giveBack(byteCount, of: stream) }
    }

    private func receivedContent(_ bytes: Span<UInt8>) {
        guard data.isWanted, let stream = streams[data.id], stream.state.mayReceive else { return }
        stream.unconsumedByteCount += bytes.count
        stream.receivedByteCount += UInt64(bytes.count)
        guard !stream.state.awaitsHead, stream.mayHaveBody else { return refuse(stream, .unexpectedBody) }
        if let declared = stream.declaredByteCount, stream.receivedByteCount > declared {
            return refuse(stream, .contentLengthMismatch)
        }
        stream.receivedData(bytes)
    }

    private func receivedDataEnd() {
        guard data.endsStream else {
            // One of padding alone; those without any payload are counted already.
            if data.isAllPadding, !budgets.emptyData.spend(limit: limits.emptyData, now: now) { exceed(.emptyData) }
            return
        }
        guard data.isWanted, let stream = streams[data.id], stream.state.mayReceive else { return }
        guard !stream.state.awaitsHead else { return refuse(stream, .unexpectedBody) }
        guard hasWholeBody(stream) else { return refuse(stream, .contentLengthMismatch) }
        stream.state.receiveEnd()
        stream.receivedEnd()
        closeIfDone(stream, data.id)
    }
}
