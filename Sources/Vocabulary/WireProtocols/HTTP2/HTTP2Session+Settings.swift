import HTTPSemantics

/// Settings, windows, and signs of life.
extension HTTP2Session {
    private typealias FrameType = HTTP2FrameHeader.FrameType
    private typealias Flag = HTTP2FrameHeader.Flag
    private typealias Identifier = HTTP2Settings.Identifier

    // MARK: Ours

    func submitFirstSettings() {
        let window = (Identifier.initialWindowSize, UInt32(limits.streamWindow))
        let headers = (Identifier.maxHeaderListSize, UInt32(limits.headerListByteCount))
        let settings =
            switch role {
            case .server:
                [
                    (Identifier.maxConcurrentStreams, limits.concurrentStreams), window, headers,
                    (Identifier.enableConnectProtocol, 1), (Identifier.noRFC7540Priorities, 1),
                ]
            case .client: [(Identifier.enablePush, 0), window, headers]
            }
        submit(settings)
        growConnectionWindow(to: limits.connectionWindow)
    }

    private func submit(_ settings: [(identifier: UInt16, value: UInt32)]) {
        awaitsAcknowledgement = true
        hasWaitingSettings = true
        queueHeader(FrameType.settings, payloadByteCount: settings.count * HTTP2Settings.entryByteCount)
        for setting in settings {
            output.append(UInt8(truncatingIfNeeded: setting.identifier >> 8))
            output.append(UInt8(truncatingIfNeeded: setting.identifier))
            output.append(bigEndian: setting.value)
        }
    }

    /// Sets how much may be on its way here at a time, in bytes. A window never becomes smaller.
    /// - Parameters:
    ///   - stream: What a stream may come to have when what it received is taken.
    ///   - connection: Of all together.
    package func setWindows(stream: Int32, connection: Int32) {
        widestStreamWindow = max(widestStreamWindow, Int(stream))
        growConnectionWindow(to: connection)
    }

    private func growConnectionWindow(to byteCount: Int32) {
        let added = Int(byteCount) - receiveWindow.limit
        guard added > 0, goesOn else { return }
        receiveWindow.grow(by: added)
        queueWindowUpdate(0, added)
    }

    /// Sends PING; `receivedPingAcknowledgement` tells of the answer.
    package func ping(_ payload: UInt64) {
        guard goesOn else { return }
        queueHeader(FrameType.ping, payloadByteCount: 8)
        output.append(bigEndian: UInt32(truncatingIfNeeded: payload >> 32))
        output.append(bigEndian: UInt32(truncatingIfNeeded: payload))
    }

    // MARK: The peer's

    /// Client: another stream may be opened now.
    package var canOpenStream: Bool {
        role == .client && goesOn && !saysGoAway && !hasGoAway && nextStream > 0 && openStreamCount < peerStreamLimit
    }

    /// Client: the streams that the server takes at a time. Not known before `receivedSettings`.
    package var peerStreamLimit: Int { Int(peer.maxConcurrentStreams) }

    /// Client: the server takes what RFC 8441 asks for. Not known before `receivedSettings`.
    package var peerAllowsExtendedConnect: Bool { peer.allowsExtendedConnect }

    func receivedSettings(_ header: HTTP2FrameHeader, _ payload: Span<UInt8>) {
        guard !header.isAcknowledgement else { return receivedSettingsAcknowledgement() }
        hasPeerSettings = true
        let windowBefore = peer.initialWindow
        for offset in stride(from: 0, to: payload.count, by: HTTP2Settings.entryByteCount) {
            let identifier = UInt16(payload[offset]) << 8 | UInt16(payload[offset + 1])
            let value = payload.value(at: offset + 2)
            if let code = peer.set(identifier, to: value, isServers: role == .client) { return terminate(code) }
        }
        encoder.setTableLimit(peer.headerTableSize)
        if peer.initialWindow != windowBefore, !changeSendWindows(by: peer.initialWindow - windowBefore) {
            return terminate(.flowControlError)
        }
        acknowledge(FrameType.settings, payload.extracting(0..<0))
        guard goesOn else { return }
        handler.receivedSettings()
    }

    /// - Returns: `false` if one would be more than a window can be: the whole connection's error (RFC 9113 § 6.9.2).
    private func changeSendWindows(by byteCount: Int) -> Bool {
        var isWithinLimit = true
        streams.visit { stream in
            stream.sendWindow += byteCount
            if stream.sendWindow > HTTP2Settings.windowLimit { isWithinLimit = false }
            queueData(of: stream)
        }
        return isWithinLimit
    }

    private func receivedSettingsAcknowledgement() {
        guard awaitsAcknowledgement else { return terminate(.protocolError) }
        awaitsAcknowledgement = false
        settingsSince = nil
    }

    func receivedPing(_ header: HTTP2FrameHeader, _ payload: Span<UInt8>) {
        guard header.isAcknowledgement else { return acknowledge(FrameType.ping, payload) }
        handler.receivedPingAcknowledgement(
            UInt64(payload.value(at: 0)) << 32 | UInt64(payload.value(at: 4)))
    }

    private func acknowledge(_ type: UInt8, _ payload: Span<UInt8>) {
        waitingAcknowledgementCount += 1
        guard waitingAcknowledgementCount <= limits.queuedAcknowledgements else { return exceed(.output) }
        queueHeader(type, flags: Flag.acknowledgement, payloadByteCount: payload.count)
        output.append(copying: payload)
    }

    func receivedWindowUpdate(_ id: Int32, _ payload: Span<UInt8>) {
        let added = Int(payload.value(at: 0) & 0x7FFF_FFFF)
        guard id != 0 else {
            guard added > 0 else { return terminate(.protocolError) }
            sendWindow += added
            return sendWindow > HTTP2Settings.windowLimit ? terminate(.flowControlError) : ()
        }
        let stream = streams[id]
        switch verdict(on: .windowUpdate, of: stream, id) {
        case .taken: break
        case .ignored: return
        case .streamError(let code): return fail(stream, id, code)
        case .connectionError(let code): return terminate(code)
        }
        guard let stream else { return }
        guard added > 0 else { return fail(stream, .protocolError) }
        stream.sendWindow += added
        guard stream.sendWindow <= HTTP2Settings.windowLimit else { return fail(stream, .flowControlError) }
        queueData(of: stream)
    }

    // MARK: Windows

    /// So many bytes that the stream received are taken: the peer may send as many again.
    package func consume(_ stream: HTTP2Stream, _ byteCount: Int) {
        guard isOwn(stream), !isAbandoned else { return }
        let byteCount = min(byteCount, stream.unconsumedByteCount)
        guard byteCount > 0 else { return }
        stream.unconsumedByteCount -= byteCount
        giveBack(byteCount, of: stream)
    }

    func giveBack(_ byteCount: Int, of stream: HTTP2Stream) {
        stream.receiveWindow.take(byteCount)
        guard stream.receiveWindow.isDue else { return }
        let update = stream.receiveWindow.giveBack()
        // Of one that has ended nothing more comes.
        guard stream.state.mayReceive, goesOn else { return }
        queueWindowUpdate(stream.id, update + widen(stream))
    }

    /// Only of a stream whose bytes are taken, and not by more than half of what is left for all: what all may have waiting here
    /// together stays within their first windows and the connection's.
    /// - Returns: By how much.
    private func widen(_ stream: HTTP2Stream) -> Int {
        let wanted = widestStreamWindow - stream.receiveWindow.limit
        let added = min(wanted, (receiveWindow.limit - widenedByteCount) / 2)
        guard added > 0 else { return 0 }
        stream.receiveWindow.grow(by: added)
        widenedByteCount += added
        return added
    }

    /// The window of all streams together. Told of as late as other frames are written: what comes before goes by the one before.
    var owesWindow: Bool { receiveWindow.isDue && goesOn }

    func giveBackWindow() {
        if owesWindow { queueWindowUpdate(0, receiveWindow.giveBack()) }
    }

    private func queueWindowUpdate(_ id: Int32, _ byteCount: Int) {
        queueHeader(FrameType.windowUpdate, id, payloadByteCount: 4)
        output.append(bigEndian: UInt32(byteCount))
    }
}

extension Span<UInt8> {
    /// Four bytes in the order of the network.
    func value(at offset: Int) -> UInt32 {
        UInt32(self[offset]) << 24 | UInt32(self[offset + 1]) << 16 | UInt32(self[offset + 2]) << 8
            | UInt32(self[offset + 3])
    }
}
