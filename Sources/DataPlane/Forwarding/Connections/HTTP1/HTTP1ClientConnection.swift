import Cryptography
import EventLoops
import HTTPSemantics
import TransportSecurity
import WireProtocols

/// Fields of a WebSocket's handshake over HTTP/1.1 that are each hop's own (RFC 6455 § 11.3).
enum WebSocketFields {
    static let key: StaticString = "sec-websocket-key"
    static let accept: StaticString = "sec-websocket-accept"
}

/// A connection to an endpoint that speaks HTTP/1.1: one call at a time, then back to its pool.
final class HTTP1ClientConnection: StreamConnection, PooledConnection, UpstreamStream {
    private let pool: any HTTP1ConnectionOwner
    private var call: (any Call)?
    private var framing = HTTP1Framing()
    private var decoder = HTTP1BodyDecoder()
    private var scan = HTTP1ScanState()
    private var pending: [UInt8] = []

    private var requestIsChunked = false
    /// Of the call under way, if it asks for a WebSocket.
    private var webSocketKey: WebSocketKey?
    /// The workload has agreed: what comes is no HTTP.
    private var isTunnel = false
    private var isRequestSent = false
    private var hasResponseBytes = false
    /// `writtenByteCount` before this call.
    private var writtenBefore: UInt64 = 0
    private var isReadingBody = false
    private var keepsAlive = true
    private var isConnected = false
    private var reuse = ConnectionReuse()
    private var callCount = 0
    private let connectDeadline: DeadlineWheel.Time

    init(bench: Workbench, pool: any HTTP1ConnectionOwner, transport: consuming Transport) {
        self.pool = pool
        connectDeadline = bench.loop.now + bench.timeouts.connect
        super.init(bench: bench, transport: transport, state: .connecting)
    }

    // MARK: A call

    /// Of one from the pool: when its last call was over.
    var idleSince: DeadlineWheel.Time { reuse.idleSince }

    /// Of one from the pool: it may carry this call.
    func isFit(for call: any Call) -> Bool {
        let isRepeatable = call.request.isIdempotent && call.requestBody.isNone
        switch reuse.verdict(at: loop.now, isRepeatable: isRepeatable) {
        case .use where !mayHaveInput: return true
        case .use, .lookFirst:
            // Not by reading: the call's body may still lie where what is read would go.
            if !hasUnreadInput { return true }
        case .discard: break
        }
        close()
        return false
    }

    /// Sends the head of a call; its body follows.
    func begin(_ call: any Call) {
        self.call = call
        callCount += 1
        hasResponseBytes = false
        writtenBefore = writtenByteCount
        isReadingBody = false
        keepsAlive = true
        scan = HTTP1ScanState()
        isRequestSent = call.requestBody.isNone
        requestIsChunked = call.requestBody.isUnknown && call.tunnel == .none
        webSocketKey = call.tunnel == .webSocket ? WebSocketKey.random() : nil
        if let webSocketKey {
            call.request.setField(name: WebSocketFields.key.bytes, known: .other, value: webSocketKey.value.span)
        }
        bench.output.removeAll()
        HTTP1Serializer.appendRequest(
            call.request, body: webSocketKey == nil ? HTTP1Framing.Body(call.requestBody) : .none,
            to: &bench.output)
        write(bench.output)
        call.attach(to: self)
        call.replayBody(to: self)
        if !isOpen { setDeadline(connectDeadline) }
    }

    func sendBody(_ bytes: Span<UInt8>) {
        writeBody(bytes, chunked: requestIsChunked)
    }

    func endRequest(trailers: borrowing MessageHead) {
        isRequestSent = true
        if isTunnel { return endTunnelOutput() }
        guard requestIsChunked else { return }
        bench.output.removeAll()
        HTTP1Serializer.appendLastChunk(trailers: trailers, to: &bench.output)
        write(bench.output)
    }

    private func endTunnelOutput() {
        if hasInputEnded {
            call = nil
            finish()
        } else {
            endOutput()
        }
    }

    func cancel() {
        call = nil
        abort()
    }

    var isUnsent: Bool { !isConnected }

    /// An answer that came before the request was whole.
    override var readsAfterFailedWrite: Bool { true }

    func resumeResponse() { resumeReading() }

    func workloadProgress() -> SideProgress? { isOpen ? progress() : nil }

    // MARK: Life

    override func opened() {
        isConnected = true
        bench.counters.upstreamConnects += 1
        pool.reached()
        setDeadline(nil)
    }

    override func connectFailed(errno: CInt) { pool.failed(.system(errno: errno)) }

    override func handshakeFailed(_ failure: TLSFailure) { pool.handshakeFailed(failure) }

    override func closed() { pool.forget(self) }

    override func broken() { fail(hasResponseBytes ? .badResponse : isConnected ? noResponse : .notConnected) }

    private var noResponse: UpstreamFailure {
        if writtenByteCount == writtenBefore { return callCount > 1 ? .notSent : .notConnected }
        return callCount > 1 ? .staleConnection : .noResponse
    }

    override func inputEnded() {
        guard let call else { return close() }
        if isTunnel {
            if isRequestSent {
                self.call = nil
                finish()
            }
            return call.receivedEnd(trailers: bench.noTrailers)
        }
        if isReadingBody, decoder.endsWithConnection {
            keepsAlive = false
            return endResponse(of: call, hasTrailers: false)
        }
        close()
        fail(hasResponseBytes ? .badResponse : noResponse)
    }

    override func outputDrained() {
        call?.upstreamDrained()
    }

    private func fail(_ failure: UpstreamFailure, _ fault: StaticString? = nil) {
        let call = call
        self.call = nil
        abort()
        call?.upstreamFailed(failure, fault)
    }

    // MARK: Deadlines

    /// How long a call takes is none of the connection's: `CallDeadlines`.
    override func deadlinePassed() {
        guard isOpen else {
            pool.failed(.late)
            return fail(.notConnected)
        }
        if call == nil { close() }
    }

    // MARK: Responses

    override func received(_ bytes: Span<UInt8>) {
        guard call != nil else { return abort() }  // nobody asked
        // An answer to what was not sent yet is somebody else's, or nobody's.
        guard writtenByteCount > writtenBefore else {
            return fail(callCount > 1 ? .notSent : .badResponse, "unasked-response")
        }
        hasResponseBytes = true
        guard pending.isEmpty else {
            pending.append(copying: bytes)
            let all = pending
            pending = []
            let used = process(all.span)
            guard isOpen, call != nil, used < all.count else { return }
            // A head that trickles in is not copied once more with each of its pieces.
            if used == 0 { pending = all } else { pending.append(copying: all.span.extracting(used...)) }
            return
        }
        let used = process(bytes)
        guard isOpen, call != nil, used < bytes.count else { return }
        pending.append(copying: bytes.extracting(used...))
    }

    private func process(_ bytes: Span<UInt8>) -> Int {
        var used = 0
        do throws(HTTP1Error) {
            // Held once: each look at the property counts a reference.
            guard let call else { return 0 }
            while used < bytes.count, isOpen, self.call === call {
                let rest = bytes.extracting(used...)
                if isTunnel {
                    call.receivedBody(rest)
                    if call.isResponseCongested { pauseReading() }
                    return bytes.count
                } else if isReadingBody {
                    switch try decoder.next(rest, trailers: &bench.trailers, limits: bench.limits) {
                    case .data(let range):
                        call.receivedBody(rest.extracting(range))
                        if call.isResponseCongested { pauseReading() }
                        used += range.upperBound
                        if decoder.isComplete {
                            if used < bytes.count { keepsAlive = false }
                            endResponse(of: call, hasTrailers: false)
                        }
                    case .needsMore(let consumed):
                        used += consumed
                        if consumed == 0 { return used }
                    case .end(let consumed):
                        used += consumed
                        if used < bytes.count { keepsAlive = false }
                        endResponse(of: call, hasTrailers: true)
                    }
                } else {
                    guard let consumed = try parseHead(rest, of: call) else { return used }
                    used += consumed
                    if !isReadingBody, hasFinalHead, self.call === call {
                        if used < bytes.count { keepsAlive = false }
                        endResponse(of: call, hasTrailers: false)
                    }
                }
            }
        } catch {
            fail(.badResponse, error.name)
        }
        return used
    }

    private var hasFinalHead = false

    private func parseHead(_ bytes: Span<UInt8>, of call: any Call) throws(HTTP1Error) -> Int? {
        guard
            let consumed = try HTTP1ResponseParser.parse(
                bytes, into: &bench.responseHead, framing: &framing, limits: bench.limits, scan: &scan,
                requestMethod: call.request.knownMethod)
        else { return nil }
        scan = HTTP1ScanState()
        hasFinalHead = bench.responseHead.status >= 200
        guard hasFinalHead else {
            if bench.responseHead.status == Tunnel.switchingProtocols {
                try acceptUpgrade(of: call)
                return consumed
            }
            call.receivedInterim(&bench.responseHead)
            if call.isResponseCongested { pauseReading() }
            return consumed
        }
        if !framing.keepsAlive { keepsAlive = false }
        decoder = HTTP1BodyDecoder(framing.body)
        isReadingBody = if case .none = framing.body { false } else { true }
        call.receivedHead(&bench.responseHead, length: BodyLength(framing.body))
        return consumed
    }

    /// Only what was asked for, and proved to be understood (RFC 6455 § 4.1).
    private func acceptUpgrade(of call: any Call) throws(HTTP1Error) {
        guard let webSocketKey, framing.isUpgrade, framing.upgradesToWebSocket,
            let accept = bench.responseHead.value(named: WebSocketFields.accept.bytes),
            bench.responseHead.withBytes(accept, { ASCII.equal($0, webSocketKey.accept.span) })
        else { throw HTTP1Error.unexpectedUpgrade }
        bench.responseHead.removeField(name: WebSocketFields.accept.bytes, known: .other)
        isTunnel = true
        keepsAlive = false
        call.receivedHead(&bench.responseHead, length: .unknown)
    }

    /// - Parameter hasTrailers: `bench.trailers` are this response's. Else they are whatever call's came last.
    private func endResponse(of call: any Call, hasTrailers: Bool) {
        self.call = nil
        isReadingBody = false
        // A callee that answers before it has read the request may still be reading it.
        if keepsAlive, isRequestSent, isOpen, !hasInputEnded, pending.isEmpty, queuedByteCount == 0,
            reuse.becameIdle(
                at: loop.now, timeout: bench.timeouts.upstreamIdle,
                peerTimeout: framing.keepAliveSeconds.map { UInt64($0) * 1_000 })
        {
            // Its last bytes may have found the caller slow; the next call's caller is another.
            resumeReading()
            setDeadline(reuse.end)
            pool.give(self)
        } else {
            close()
        }
        if hasTrailers {
            call.receivedEnd(trailers: bench.trailers)
        } else {
            call.receivedEnd(trailers: bench.noTrailers)
        }
    }
}
