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

    func start(_ exchange: Exchange, waits: Bool = false) {
        hasResponse = false
        isWaiting = waits
        if exchange.requestBody.isNone { noteOutputEndedWithHead() }
        exchange.attach(to: self)
        exchange.replayBody(to: self)
    }

    /// Its head may be sent now.
    func submitWaiting(_ exchange: Exchange, on client: HTTP2ClientConnection) {
        isWaiting = false
        lastOutput = loop.now
        guard let failure = client.submitWaiting(exchange, on: self) else { return }
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
            exchange = nil
            if queuedByteCount > 0 { awaitEnd() }
        }
    }

    func cancel() {
        let code = exchange?.codeForCallee ?? .cancel
        exchange = nil
        setDeadline(nil)
        giveUp(code)
    }

    private func giveUp(_ code: HTTP2ErrorCode) {
        guard isWaiting else { return reset(code) }
        leave()
        worker.giveBack(self)
    }

    override func outputDrained() { exchange?.upstreamDrained() }

    var isUnsent: Bool { isWaiting }

    // MARK: The response

    override func receivedHead(_ head: inout MessageHead, endsStream: Bool) {
        lastInput = loop.now
        guard let exchange else { return }
        guard head.status >= 200 else {
            guard head.status != 101 else { return fail(.badResponse) }
            return exchange.receivedInterim(&head)
        }
        client?.hasServed = true
        switch exchange.tunnel {
        case .none: break
        case .connection:
            guard head.status < 300 else {
                self.exchange = nil
                exchange.tunnelRefused(head)
                return reset(.cancel)
            }
        case .webSocket: if head.status < 300 { head.status = Exchange.switchingProtocols }
        }
        hasResponse = true
        let length: BodyLength = endsStream ? .none : head.contentLength.map { .bytes($0) } ?? .unknown
        exchange.receivedHead(&head, length: length)
        guard !endsStream, self.exchange === exchange, !exchange.isTunnelOpen,
            !ResponseBody.isPossible(status: head.status, answering: exchange.request.knownMethod)
        else { return }
        endWithHead(exchange)
    }

    /// The answer is whole, whatever frames without a byte its sender ends the stream with.
    private func endWithHead(_ exchange: Exchange) {
        self.exchange = nil
        let isRequestSent = isOutputComplete
        exchange.receivedEnd(trailers: worker.noTrailers)
        if isRequestSent { awaitEnd() } else { reset(.noError) }
    }

    override func receivedData(_ bytes: Span<UInt8>) {
        lastInput = loop.now
        guard let exchange else { return received(bodyBytes: bytes.count, isHeld: false) }
        exchange.receivedBody(bytes)
        received(bodyBytes: bytes.count, isHeld: self.exchange != nil && exchange.isResponseCongested)
    }

    override func receivedTrailers(_ trailers: inout MessageHead) {
        exchange?.takeTrailers(&trailers)
        endResponse(trailers)
    }

    override func receivedEnd() { endResponse(worker.noTrailers) }

    private func endResponse(_ trailers: borrowing MessageHead) {
        noteInputComplete()
        guard let exchange else { return }
        if exchange.isTunnelOpen, !isOutputComplete { return exchange.receivedEnd(trailers: trailers) }
        setDeadline(nil)
        self.exchange = nil
        let isRequestSent = isOutputComplete
        exchange.receivedEnd(trailers: trailers)
        // Nobody reads the rest of a request that has its answer.
        if !isRequestSent { reset(.noError) }
    }

    func resumeResponse() { giveBackWindow() }

    func workloadProgress() -> SideProgress? { client?.isConnected ?? false ? progress() : nil }

    // MARK: The end

    override func closed(_ code: HTTP2ErrorCode) {
        giveBackWindow()
        connection?.remove(self)
        if hasResponse { exchange?.noteCut(code) }
        end(failure(of: code))
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

    override func connectionLost() { end(lossOfConnection) }

    private var lossOfConnection: UpstreamFailure {
        guard let client, !hasResponse else { return .badResponse }
        if client.hasFailedHandshake { return .handshakeFailed }
        if !client.isConnected { return .notConnected }
        if isWaiting { return .notSent }
        return client.hasServed ? .staleConnection : .noResponse
    }

    private func end(_ failure: UpstreamFailure) {
        let exchange = exchange
        self.exchange = nil
        worker.giveBack(self)
        exchange?.upstreamFailed(failure)
    }

    private func fail(_ failure: UpstreamFailure) {
        let exchange = exchange
        self.exchange = nil
        setDeadline(nil)
        giveUp(.cancel)
        exchange?.upstreamFailed(failure)
    }
}
