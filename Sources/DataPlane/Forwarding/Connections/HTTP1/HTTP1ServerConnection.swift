import Authorization
import CallOutcomes
import CallPlanning
import Cryptography
import EventLoops
import HTTPSemantics
import Telemetry
import TransportSecurity
import WireProtocols

/// A caller's HTTP/1.1 connection (RFC 9112): one request after the other, each answered before the next is begun.
final class HTTP1ServerConnection: StreamConnection, ServerConnection, DownstreamStream {
    let host: any CallerHost
    let listener: Listener
    let peer: NetworkAddress
    private var origin: CallOrigin?

    private var call: (any Call)?
    private var framing = HTTP1Framing()
    private var decoder = HTTP1BodyDecoder()
    private var scan = HTTP1ScanState()
    /// Input that could not be used yet: part of a head, or requests that came before their turn.
    private var pending: [UInt8] = []
    private var isProcessing = false
    private var isDraining = false

    /// Of the request under way, if it asks for a WebSocket.
    private var webSocketKey: WebSocketKey?
    private var requestCount = 0
    private var keepsAlive = true
    private var responseLength = BodyLength.none
    /// Bytes that had been written, or were about to be, when the answer under way began.
    private var responseStart: UInt64 = 0
    /// When the first byte of the head under way came; 0: none has.
    private var headStarted: DeadlineWheel.Time = 0
    /// Since when no call is under way.
    private var idleSince: DeadlineWheel.Time
    private var hasReleasedBuffers = false
    var registryIndex = -1

    /// Bytes of requests that came before their turn, kept while one is under way: 64 KiB.
    private static let pendingByteLimit = 64 * 1024
    /// How long a connection accepted just before its listener closed may take to begin its request, in milliseconds.
    private static let lateRequestMilliseconds: UInt64 = 1_000

    init(
        bench: Workbench, host: any CallerHost, listener: Listener, peer: NetworkAddress, transport: consuming Transport
    ) {
        self.host = host
        self.listener = listener
        self.peer = peer
        idleSince = bench.loop.now
        super.init(bench: bench, transport: transport, state: .handshaking)
    }

    // MARK: Life

    override func opened() {
        if isSecure {
            beginTerm(with: peer)
            origin = CallOrigin(
                listener: listener, peer: peer, descriptor: descriptor, caller: peerID.map { bench.callers.caller($0) },
                serverName: serverName
            )
        } else {
            let origin = CallOrigin(listener: listener, peer: peer, descriptor: descriptor)
            origin.lookAtProcess(bench)
            self.origin = origin
        }
        if isSecure, applicationProtocol == "h2" {
            HTTP2ServerConnection.takeOver(self, for: host, origin: origin!, received: [UInt8]().span)
        } else {
            updateDeadline()
        }
    }

    override func handshakeFailed(_ failure: TLSFailure) {
        host.handshakeFailed(failure, listener: listener, peer: peer)
    }

    override func closed() {
        host.connectionClosed(self)
        let call = call
        self.call = nil
        call?.callerGone()
    }

    override func inputEnded() {
        guard let call else {
            // What came before the end may still have its turn.
            return pending.isEmpty && queuedByteCount == 0 ? close() : resumeAtEndOfTurn()
        }
        // A half-closed caller still reads; one that promised more has gone. A WebSocket is asked for whole with its head.
        if call.tunnel == .webSocket { return call.endRequest(trailers: bench.noTrailers) }
        guard call.isRequestComplete else {
            // What it was answered all the same may still be on its way.
            return call.isResponseComplete ? call.callerGone() : close()
        }
        if pending.isEmpty { keepsAlive = false }
    }

    override func outputDrained() {
        guard let call else { return resumeAtEndOfTurn() }
        call.downstreamDrained()
    }

    override func resumed() {
        guard call == nil, isOpen else { return }
        resumeReading()
        processPending()
        if call == nil, isOpen, hasInputEnded, !isCongested { finish() }
    }

    /// The request under way, or here already, is the last: ends with its answer, at once if there is none.
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        keepsAlive = false
        guard isOpen, call == nil, pending.isEmpty else { return }
        readNow()
        if isOpen, call == nil, pending.isEmpty { finish() }
    }

    var quietSince: DeadlineWheel.Time? {
        switch state {
        case .handshaking: idleSince
        case .open: call == nil && queuedByteCount == 0 ? idleSince : nil
        case .connecting, .finishing, .lingering, .closed: nil
        }
    }

    func judgeAgain() { call?.judgeAgain() }
    var queuedRequestByteCount: Int { call?.queuedRequestByteCount ?? 0 }

    // MARK: Deadlines

    override func deadlinePassed() {
        guard isOpen else { return close() }
        guard lookAtTerm(), isOpen else { return }
        // How long a call takes is none of the connection's: `CallDeadlines`.
        guard call == nil else { return setDeadline(termDue) }
        let now = loop.now
        if hasReaderStalled() { return abort() }
        guard headDeadline <= now else {
            if idleSince + Self.bufferReleaseMilliseconds <= now {
                releaseIdleBuffers()
                hasReleasedBuffers = true
            }
            return updateDeadline()
        }
        if headStarted == 0 { return finish() }
        let received = pending
        refuse(
            status: 408, reason: .timeout, detail: "request-head",
            answering: HTTP1RequestParser.method(of: received.span))
    }

    override func termEnds() { drain() }

    private var headDeadline: DeadlineWheel.Time {
        headStarted != 0
            ? headStarted + bench.timeouts.requestHead
            : idleSince + (isDraining ? Self.lateRequestMilliseconds : bench.timeouts.idle)
    }

    private func updateDeadline() {
        let deadline = min(headDeadline, outputDeadline ?? .max, termDue ?? .max)
        let isRelease = isSecure && !hasReleasedBuffers && headStarted == 0
        setDeadline(isRelease ? min(deadline, idleSince + Self.bufferReleaseMilliseconds) : deadline)
    }

    // MARK: Requests

    override func received(_ bytes: Span<UInt8>) {
        guard pending.isEmpty else {
            pending.append(copying: bytes)
            return processPending()
        }
        if requestCount == 0, call == nil, !isSecure, HTTP2Preface.begins(bytes) { return speakHTTP2(bytes) }
        let used = process(bytes)
        guard isOpen, used < bytes.count else { return }
        keep(bytes.extracting(used...))
    }

    /// Prior knowledge (RFC 9113 § 3.3): no HTTP/1.1 request begins like this.
    private func speakHTTP2(_ bytes: Span<UInt8>) {
        HTTP2ServerConnection.takeOver(self, for: host, origin: origin!, received: bytes)
    }

    /// What was kept, when its turn has come.
    private func processPending() {
        guard !isProcessing, !pending.isEmpty, isOpen else { return }
        let bytes = pending
        pending = []
        if requestCount == 0, call == nil, !isSecure, HTTP2Preface.begins(bytes.span) {
            return speakHTTP2(bytes.span)
        }
        let used = process(bytes.span)
        guard isOpen, used < bytes.count else { return }
        // A head that trickles in is not copied once more with each of its pieces.
        if used == 0 { pending = bytes } else { pending.append(copying: bytes.span.extracting(used...)) }
        kept()
    }

    private func keep(_ bytes: Span<UInt8>) {
        pending.append(copying: bytes)
        kept()
    }

    private func kept() {
        if call == nil, isCongested {
            pauseReading()
        } else if call == nil {
            if headStarted == 0 { headStarted = loop.now }
            updateDeadline()
        } else if pending.count >= Self.pendingByteLimit {
            pauseReading()
        }
    }

    /// - Returns: How many bytes were used; the rest must wait.
    private func process(_ bytes: Span<UInt8>) -> Int {
        isProcessing = true
        defer { isProcessing = false }
        var used = 0
        while used < bytes.count, isOpen {
            let rest = bytes.extracting(used...)
            let step: Int?
            if let call {
                guard !call.isRequestComplete else { return used }
                step = webSocketKey == nil ? processBody(rest, of: call) : processTunnel(rest, of: call)
            } else {
                // A caller who does not read its answers gets no more of them.
                guard !isCongested else { return used }
                step = processHead(rest)
            }
            guard let step else { return used }
            used += step
        }
        return used
    }

    private func processHead(_ bytes: Span<UInt8>) -> Int? {
        let call = host.takeCall()
        do throws(HTTP1Error) {
            let consumed = try HTTP1RequestParser.parse(
                bytes, into: &call.request, framing: &framing, limits: bench.limits, scan: &scan,
                scheme: listener.view.role.scheme)
            guard let consumed else {
                host.giveBack(call)
                return nil
            }
            begin(call)
            return consumed
        } catch {
            if error == .malformedRequest(.missingHost), let consumed = parseWithoutHost(bytes, into: call) {
                begin(call)
                return consumed
            }
            host.giveBack(call)
            refuse(
                status: error.status, reason: error.reason, detail: error.name,
                answering: HTTP1RequestParser.method(of: bytes))
            return bytes.count
        }
    }

    /// Load balancers ask for their targets' health in HTTP/1.0, without `Host`. To a Gateway, and a port that is one service's, that
    /// is as if they had named the address that they came to, which is no listener's or route's hostname; anywhere else nothing says
    /// which service is meant.
    private func parseWithoutHost(_ bytes: Span<UInt8>, into call: any Call) -> Int? {
        guard listener.view.role.takesHostless, let address = localAddress else { return nil }
        scan = HTTP1ScanState()
        do throws(HTTP1Error) {
            let consumed = try HTTP1RequestParser.parse(
                bytes, into: &call.request, framing: &framing, limits: bench.limits, scan: &scan,
                scheme: listener.view.role.scheme, allowsNoHost: true)
            let host = Array("\(address)".utf8)
            guard let consumed, (try? call.request.setHost(canonicalizing: host.span)) != nil else { return nil }
            call.request.addHostField()
            return consumed
        } catch {
            return nil
        }
    }

    private func begin(_ call: any Call) {
        requestCount += 1
        headStarted = 0
        scan = HTTP1ScanState()
        decoder = HTTP1BodyDecoder(framing.body)
        keepsAlive = framing.keepsAlive && requestCount < bench.settings.requestsPerConnection && !isDraining
        call.requestBody = BodyLength(framing.body)
        webSocketKey = call.request.upgrade == .webSocket ? takeWebSocketKey(call) : nil
        self.call = call
        call.start(from: self, origin: origin!)
    }

    /// What the proof is that the caller means a WebSocket. It is this hop's own: the next has another, or none.
    /// - Returns: `nil`, and the request is like any other, if there is none.
    private func takeWebSocketKey(_ call: any Call) -> WebSocketKey? {
        let key = call.request.value(named: WebSocketFields.key.bytes).flatMap {
            call.request.withBytes($0) { WebSocketKey($0) }
        }
        guard let key else {
            call.request.upgrade = .none
            return nil
        }
        call.request.removeField(name: WebSocketFields.key.bytes, known: .other)
        call.requestBody = .unknown
        call.tunnel = .webSocket
        return key
    }

    private func processBody(_ bytes: Span<UInt8>, of call: any Call) -> Int? {
        do throws(HTTP1Error) {
            switch try decoder.next(bytes, trailers: &bench.trailers, limits: bench.limits) {
            case .data(let range):
                call.sendBody(bytes.extracting(range))
                if call.isRequestCongested { pauseReading() }
                if decoder.isComplete { call.endRequest(trailers: bench.noTrailers) }
                return range.upperBound
            case .needsMore(let consumed): return consumed
            case .end(let consumed):
                call.endRequest(trailers: bench.trailers)
                return consumed
            }
        } catch {
            keepsAlive = false
            call.fail(error.reason, status: error.status)
            return bytes.count
        }
    }

    /// Bytes of what the connection has become; the call keeps those that came too early.
    private func processTunnel(_ bytes: Span<UInt8>, of call: any Call) -> Int {
        call.sendBody(bytes)
        if call.isRequestCongested { pauseReading() }
        return bytes.count
    }

    func resumeRequest() { resumeReading() }

    func callerProgress() -> SideProgress { progress() }

    // MARK: Responses

    func sendInterim(_ head: borrowing MessageHead) {
        guard framing.minorVersion >= 1 else { return }
        bench.output.removeAll()
        HTTP1Serializer.appendInterimResponse(head, to: &bench.output)
        write(bench.output)
    }

    func sendHead(_ head: borrowing MessageHead, body: ResponseBody) {
        responseStart = writtenByteCount + UInt64(queuedByteCount)
        if let webSocketKey {
            // Either it becomes another protocol, or what came early may be one already.
            keepsAlive = false
            if head.status == Tunnel.switchingProtocols { return acceptUpgrade(head, webSocketKey) }
        }
        // A request that was not taken whole leaves its rest on the connection.
        if let call, !call.isRequestComplete, !call.awaitsRest,
            call.isResponseComplete || framing.expectsContinue
        {
            keepsAlive = false
        }
        responseLength = body.length
        // HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
        if body.length.isUnknown, framing.minorVersion == 0 { keepsAlive = false }
        bench.output.removeAll()
        HTTP1Serializer.appendResponse(
            head, body: body, keepsAlive: keepsAlive, minorVersion: framing.minorVersion, to: &bench.output)
        write(bench.output)
    }

    private func acceptUpgrade(_ head: borrowing MessageHead, _ key: WebSocketKey) {
        responseLength = .none
        bench.output.removeAll()
        HTTP1Serializer.appendSwitchingProtocols(
            head, to: .webSocket, accept: key.accept.span, output: &bench.output)
        write(bench.output)
    }

    func sendBody(_ bytes: Span<UInt8>) {
        writeBody(bytes, chunked: responseLength.isUnknown && framing.minorVersion >= 1)
    }

    func endResponse(trailers: borrowing MessageHead) {
        if call?.isTunnelOpen ?? false { return endOutput() }
        guard responseLength.isUnknown, framing.minorVersion >= 1 else { return }
        bench.output.removeAll()
        HTTP1Serializer.appendLastChunk(trailers: trailers, to: &bench.output)
        write(bench.output)
    }

    var readsRestOfRequest: Bool { keepsAlive && isOpen }

    var carriesTrailers: Bool { false }
    var upgradesBySuccess: Bool { false }

    func retractResponse() -> Bool {
        guard isOpen, offeredByteCount <= responseStart else { return false }
        truncateOutput(to: Int(responseStart - writtenByteCount))
        return true
    }

    func cutResponse(passingOn: Bool) {
        keepsAlive = false
        if passingOn { abortAfterOutput() } else { abort() }
    }

    /// The call is over on both sides: the next request's turn.
    func callEnded() {
        let isWhole = call?.isRequestComplete ?? true
        call = nil
        guard isOpen else { return }
        guard keepsAlive, isWhole, !hasInputEnded || isProcessing || !pending.isEmpty else { return finish() }
        webSocketKey = nil
        headStarted = 0
        idleSince = loop.now
        hasReleasedBuffers = false
        updateDeadline()
        if isReadingPaused || !pending.isEmpty { resumeAtEndOfTurn() }
    }

    /// Answers a request that could not be taken, and closes: where the next one begins is in doubt.
    private func refuse(status: UInt16, reason: FailureReason, detail: StaticString, answering method: KnownMethod) {
        keepsAlive = false
        responseLength = .none
        let id = RequestID.random(using: &bench.random)
        host.refused(status: status, reason: reason, detail: detail, requestID: id, listener: listener, peer: peer)
        bench.replies.identify(by: id.span)
        bench.replies.write(
            status: status, reason: origin?.tellsReason ?? false ? reason : .none, location: nil, answering: method,
            to: self)
        finish()
    }
}
