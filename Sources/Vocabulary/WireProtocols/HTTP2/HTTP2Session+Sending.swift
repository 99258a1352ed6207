import CallOutcomes
package import HTTPSemantics

/// What goes to the peer.
extension HTTP2Session {
    private typealias FrameType = HTTP2FrameHeader.FrameType
    private typealias Flag = HTTP2FrameHeader.Flag

    /// What a frame means once it is written.
    enum Consequence {
        /// The stream has ended on this side.
        case ended(Int32)
        /// It is over.
        case reset(Int32)
    }

    // MARK: Messages

    /// A head of HTTP/1.1 can be sent over HTTP/2.
    package static func canCarry(_ head: borrowing MessageHead) -> Bool {
        let fieldByteLimit = HTTP2Limits.fieldByteLimit
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
        memory.encoder.encode(.request, head, endsStream: endsStream, with: &encoder)
        submitRequest(on: stream, endsStream: endsStream)
        stream.isHeadRequest = head.knownMethod == .head
        stream.isTunnel = head.upgrade != .none || head.knownMethod == .connect
        return true
    }

    /// Client: asks for a tunnel (RFC 9113 § 8.5).
    /// - Parameters:
    ///   - authority: Host and port.
    ///   - head: Whose fields the request has; nothing else of it is sent.
    /// - Returns: `false` if no stream can be opened.
    package func submitTunnel(
        to authority: Span<UInt8>, _ head: borrowing MessageHead, on stream: HTTP2Stream
    ) -> Bool {
        guard canOpenStream else { return false }
        memory.encoder.encodeTunnel(to: authority, head, with: &encoder)
        submitRequest(on: stream, endsStream: false)
        stream.isTunnel = true
        return true
    }

    package func submitTunnel(
        to authority: [UInt8], _ head: borrowing MessageHead, on stream: HTTP2Stream
    ) -> Bool {
        submitTunnel(to: authority.span, head, on: stream)
    }

    /// Opens a stream with the block that was encoded last.
    private func submitRequest(on stream: HTTP2Stream, endsStream: Bool) {
        let id = nextStream
        // Below 0 after the last number there is.
        nextStream &+= 2
        open(stream, id)
        queueHead(of: stream, endsStream: endsStream)
    }

    /// Server: sends a 1xx response; the final one follows.
    package func submitInterim(_ head: borrowing MessageHead, on stream: HTTP2Stream) {
        guard isSendable(stream) else { return }
        memory.encoder.encode(.response, head, endsStream: false, with: &encoder)
        queueBlock(stream.id, endsStream: false)
    }

    /// Server: sends the head of the final response.
    package func submitResponse(_ head: borrowing MessageHead, on stream: HTTP2Stream, endsStream: Bool) {
        guard isSendable(stream) else { return }
        memory.encoder.encode(.response, head, endsStream: endsStream, with: &encoder)
        queueHead(of: stream, endsStream: endsStream)
    }

    /// Sends the trailer section, which ends the stream: in answer to `sendTrailers`.
    package func submitTrailers(_ trailers: borrowing MessageHead, on stream: HTTP2Stream) {
        guard isSendable(stream) else { return }
        memory.encoder.encode(.trailers, trailers, endsStream: true, with: &encoder)
        queueHead(of: stream, endsStream: true)
    }

    /// The stream has something to send again.
    package func resumeData(_ stream: HTTP2Stream) {
        guard isSendable(stream) else { return }
        queueData(of: stream)
    }

    private func isSendable(_ stream: HTTP2Stream) -> Bool {
        isOwn(stream) && stream.state.maySend && goesOn
    }

    func isOwn(_ stream: HTTP2Stream) -> Bool { stream.id != 0 && stream.session == ObjectIdentifier(self) }

    // MARK: Resets

    /// Ends a stream at once, on both sides; `closed` follows when it is sent.
    package func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        guard isOwn(stream), goesOn, stream.state.reset(code) else { return }
        sendQueue.remove(stream)
        queueReset(stream.id, code)
        consequences.append(.reset(stream.id))
    }

    /// Server: ends the stream of a request that got none attached.
    package func reset(_ id: Int32, _ code: HTTP2ErrorCode) {
        guard id != answeredStream, goesOn else { return }
        submitReset(id, code)
    }

    /// Ends a stream that is none of this side's, or none any more.
    func submitReset(_ id: Int32, _ code: HTTP2ErrorCode) {
        queueReset(id, code)
        noteClosed(id, .resetHere)
    }

    /// Ends a stream over a frame that it cannot take.
    func fail(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) { reset(stream, code) }

    /// The same for one that may be over.
    func fail(_ stream: HTTP2Stream?, _ id: Int32, _ code: HTTP2ErrorCode) {
        if let stream { fail(stream, code) } else { submitReset(id, code) }
    }

    /// Ends a request that nobody was told of, or that has no canonical form.
    func refuse(_ id: Int32, _ error: HTTP2Error, endsStream: Bool) {
        if let status = error.status {
            answer(id, status, refusing: error, endsStream: endsStream)
        } else {
            submitReset(id, .protocolError)
        }
    }

    /// Ends a stream whose message went wrong.
    func refuse(_ stream: HTTP2Stream, _ error: HTTP2Error) {
        let id = stream.id
        stream.mistake = error
        reset(stream, .protocolError)
        handler.refusedStream(id, error)
    }

    /// - Parameters:
    ///   - endsStream: The request is whole.
    ///   - grpcStatus: For a caller that goes by it, whatever `status` is; only of fields over a limit.
    private func answer(
        _ id: Int32, _ status: UInt16, refusing error: HTTP2Error, endsStream: Bool, _ grpcStatus: GRPCStatus? = nil
    ) {
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
        handler.completeAnswer(&reply, refusing: error)
        memory.encoder.encode(.response, reply, endsStream: true, with: &encoder)
        queueBlock(id, endsStream: true)
        if endsStream { noteClosed(id, .ended) } else { submitReset(id, .noError) }
    }

    /// The caller is told why. The connection goes on: on one between nodes other callers' requests are under way, too.
    func answerTooLarge(_ id: Int32, _ error: HTTP2Error, endsStream: Bool) {
        let type = block.head.value(of: .contentType)
        let isGRPC = type.map { block.head.withBytes($0) { GRPCContentType.matches($0) } } ?? false
        answer(id, 431, refusing: error, endsStream: endsStream, isGRPC ? .resourceExhausted : nil)
        handler.refusedStream(id, error)
        spendProvokedReset()
    }

    /// Counts what a client makes us throw away.
    func spendProvokedReset() {
        if !budgets.provokedResets.spend(limit: limits.resets, now: now) { exceed(.provokedResets) }
    }

    // MARK: Frames

    func queueHeader(_ type: UInt8, _ id: Int32 = 0, flags: UInt8 = 0, payloadByteCount: Int) {
        waitingFrameCount += 1
        let header = HTTP2FrameHeader(payloadByteCount: payloadByteCount, type: type, flags: flags, streamID: id).bytes
        output.append(copying: header.span)
    }

    private func queueHead(of stream: HTTP2Stream, endsStream: Bool) {
        queueBlock(stream.id, endsStream: endsStream)
        if endsStream {
            stream.state.queueEnd()
            consequences.append(.ended(stream.id))
        } else {
            stream.state.sendHead()
            queueData(of: stream)
        }
    }

    /// Queues the block that was encoded last.
    private func queueBlock(_ id: Int32, endsStream: Bool) {
        payForPing()
        let byteCount = memory.encoder.block.count
        var type = FrameType.headers
        var flags = endsStream ? Flag.endStream : 0
        var offset = 0
        repeat {
            let end = min(offset + HTTP2FrameHeader.payloadByteLimit, byteCount)
            if end == byteCount { flags |= Flag.endHeaders }
            queueHeader(type, id, flags: flags, payloadByteCount: end - offset)
            output.append(copying: offset..<end, of: memory.encoder.block)
            type = FrameType.continuation
            flags = 0
            offset = end
        } while offset < byteCount
    }

    private func queueReset(_ id: Int32, _ code: HTTP2ErrorCode) {
        queueHeader(FrameType.resetStream, id, payloadByteCount: 4)
        output.append(bigEndian: code.rawValue)
        guard role == .server else { return }
        switch code {
        // What the peer gave cause for.
        case .protocolError, .flowControlError, .streamClosed, .frameSizeError: spendProvokedReset()
        default: break
        }
    }

    func queueGoAway(lastStream: Int32, _ code: HTTP2ErrorCode) {
        queueHeader(FrameType.goAway, payloadByteCount: 8)
        output.append(bigEndian: UInt32(lastStream))
        output.append(bigEndian: code.rawValue)
    }

    // MARK: Bodies

    /// Gives a stream its turn. Whether a window is in its way is found out then: only bytes need one (RFC 9113 § 6.9).
    func queueData(of stream: HTTP2Stream) {
        guard stream.state.maySendData else { return }
        sendQueue.append(stream)
    }

    /// Sends a frame of what a stream has. It may also have nothing, or trailers, or bytes that no window has room for.
    /// - Returns: Bytes.
    func sendData(of stream: HTTP2Stream) -> Int {
        let limit = max(0, min(stream.sendWindow, sendWindow, HTTP2FrameHeader.payloadByteLimit))
        switch stream.nextData(limit: limit) {
        case .wait: return 0
        case .trailers:
            stream.sendTrailers()
            return 0
        case .bytes(let count, let isLast):
            precondition(count >= 0 && count <= limit)
            guard count > 0 || isLast else {
                // One whose own window is full has its next turn when that is wider.
                if stream.sendWindow > 0, sendWindow <= 0 { sendQueue.hold(stream) }
                return 0
            }
            let id = stream.id
            let header = HTTP2FrameHeader(
                payloadByteCount: count, type: FrameType.data, flags: isLast ? Flag.endStream : 0, streamID: id
            ).bytes
            stream.sendWindow -= count
            sendWindow -= count
            payForPing()
            handler.write(header.span)
            if count > 0 { stream.writeData(count) }
            if !isAbandoned, stream.id == id {
                if isLast { ended(stream) } else { queueData(of: stream) }
            }
            return HTTP2FrameHeader.byteCount + count
        }
    }

    // MARK: What was written

    func applyConsequences() {
        let count = consequences.count
        for index in 0..<count {
            guard !isAbandoned else { break }
            switch consequences[index] {
            case .ended(let id): if let stream = streams[id] { ended(stream) }
            case .reset(let id):
                if let stream = streams[id] { close(stream, .noError, .resetHere) }
            }
        }
        consequences.removeFirst(count)
    }

    private func ended(_ stream: HTTP2Stream) {
        let id = stream.id
        guard stream.state.sendEnd() else { return }
        stream.sentEnd()
        closeIfDone(stream, id)
    }
}
