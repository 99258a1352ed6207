import EventLoops
import HTTPSemantics
import WireProtocols

/// A call that goes out on an HTTP/2 connection.
final class HTTP2ClientStream: CallStream, UpstreamStream {
    private var hasResponse = false
    /// Its head may not be sent yet: the session knows nothing of it.
    private(set) var isWaiting = false
    /// Its head was sent before the other side had said how many streams it takes.
    var isAheadOfSettings = false

    private var client: HTTP2ClientConnection? {
        connection.map { unsafe unsafeDowncast($0, to: HTTP2ClientConnection.self) }
    }

    /// One whose call is over, if there is one.
    static func take(from bench: Workbench) -> HTTP2ClientStream {
        guard let used = bench.clientStreams.popLast() else { return HTTP2ClientStream(bench: bench) }
        return unsafe unsafeDowncast(used, to: HTTP2ClientStream.self)
    }

    func giveBack() {
        reset()
        if bench.clientStreams.count < Workbench.keptCount { bench.clientStreams.append(self) } else { leaveLoop() }
    }

    func start(_ call: any Call, waits: Bool = false) {
        hasResponse = false
        isWaiting = waits
        if call.requestBody.isNone { noteOutputEndedWithHead() }
        call.attach(to: self)
        call.replayBody(to: self)
    }

    /// Its head may be sent now.
    func submitWaiting(_ call: any Call, on client: HTTP2ClientConnection) {
        isWaiting = false
        lastOutput = loop.now
        guard let failure = client.submitWaiting(call, on: self) else { return }
        leave()
        end(failure)
    }

    /// Waits on another connection, with all that is queued: nothing of it was sent.
    func move(to client: HTTP2ClientConnection) {
        leave()
        connection = client
        client.add(self)
    }

    /// Waits no more: its head was not sent, and will not be.
    func giveUpWaiting(_ failure: UpstreamFailure) {
        leave()
        end(failure)
    }

    private func leave() { connection?.remove(self) }

    // MARK: The request

    func sendBody(_ bytes: Span<UInt8>) { send(bytes) }

    func endRequest(trailers: borrowing MessageHead) {
        endOutput(trailers: trailers)
        // A tunnel whose other way had ended: it is over on both sides.
        if isInputComplete {
            call = nil
            if queuedByteCount > 0 { awaitEnd() }
        }
    }

    func cancel() {
        let code = call?.codeForCallee ?? .cancel
        call = nil
        setDeadline(nil)
        giveUp(code)
    }

    private func giveUp(_ code: HTTP2ErrorCode) {
        guard isWaiting else { return reset(code) }
        leave()
        giveBack()
    }

    override func outputDrained() { call?.upstreamDrained() }

    var isUnsent: Bool { isWaiting }

    // MARK: The response

    override func receivedHead(_ head: inout MessageHead, endsStream: Bool) {
        lastInput = loop.now
        guard let call else { return }
        guard head.status >= 200 else {
            guard head.status != 101 else { return fail(.badResponse, "unexpected-upgrade") }
            return call.receivedInterim(&head)
        }
        client?.hasServed = true
        switch call.tunnel {
        case .none: break
        case .connection:
            guard head.status < 300 else {
                self.call = nil
                call.tunnelRefused(head)
                return reset(.cancel)
            }
        case .webSocket: if head.status < 300 { head.status = Tunnel.switchingProtocols }
        }
        hasResponse = true
        let length: BodyLength = endsStream ? .none : head.contentLength.map { .bytes($0) } ?? .unknown
        call.receivedHead(&head, length: length)
        guard !endsStream, self.call === call, !call.isTunnelOpen,
            !ResponseBody.isPossible(status: head.status, answering: call.request.knownMethod)
        else { return }
        endWithHead(call)
    }

    /// The answer is whole, whatever frames without a byte its sender ends the stream with.
    private func endWithHead(_ call: any Call) {
        self.call = nil
        let isRequestSent = isOutputComplete
        call.receivedEnd(trailers: bench.noTrailers)
        if isRequestSent { awaitEnd() } else { reset(.noError) }
    }

    override func receivedData(_ bytes: Span<UInt8>) {
        lastInput = loop.now
        guard let call else { return received(bodyBytes: bytes.count, isHeld: false) }
        call.receivedBody(bytes)
        received(bodyBytes: bytes.count, isHeld: self.call != nil && call.isResponseCongested)
    }

    override func receivedTrailers(_ trailers: inout MessageHead) {
        call?.takeTrailers(&trailers)
        endResponse(trailers)
    }

    override func receivedEnd() { endResponse(bench.noTrailers) }

    private func endResponse(_ trailers: borrowing MessageHead) {
        noteInputComplete()
        guard let call else { return }
        if call.isTunnelOpen, !isOutputComplete { return call.receivedEnd(trailers: trailers) }
        setDeadline(nil)
        self.call = nil
        let isRequestSent = isOutputComplete
        call.receivedEnd(trailers: trailers)
        // Nobody reads the rest of a request that has its answer.
        if !isRequestSent { reset(.noError) }
    }

    func resumeResponse() { giveBackWindow() }

    func workloadProgress() -> SideProgress? { client?.isConnected ?? false ? progress() : nil }

    // MARK: The end

    override func closed(_ code: HTTP2ErrorCode) {
        connection?.remove(self)
        if hasResponse { call?.noteCut(code) }
        end(failure(of: code), mistake?.name ?? (hasResponse && code != .noError ? code.name : nil))
    }

    private func failure(of code: HTTP2ErrorCode) -> UpstreamFailure {
        if hasResponse { return .badResponse }
        switch code {
        case .refusedStream: return .notSent
        // Servers of gRPC say so of what is above their limit; it could not be known when this was sent.
        case .enhanceYourCalm where isAheadOfSettings: return .notSent
        default: return .reset(code)
        }
    }

    override func connectionLost() { end(lossOfConnection, client?.fault) }

    private var lossOfConnection: UpstreamFailure {
        guard let client, !hasResponse else { return .badResponse }
        if client.hasFailedHandshake { return .handshakeFailed }
        if !client.isConnected { return .notConnected }
        if isWaiting { return .notSent }
        return client.hasServed ? .staleConnection : .noResponse
    }

    private func end(_ failure: UpstreamFailure, _ fault: StaticString? = nil) {
        let call = call
        self.call = nil
        giveBack()
        call?.upstreamFailed(failure, fault)
    }

    private func fail(_ failure: UpstreamFailure, _ fault: StaticString) {
        let call = call
        self.call = nil
        setDeadline(nil)
        giveUp(.cancel)
        call?.upstreamFailed(failure, fault)
    }
}
