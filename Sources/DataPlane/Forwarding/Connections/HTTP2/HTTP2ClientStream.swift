import EventLoops
import HTTPSemantics
import WireProtocols

/// A call that goes out on an HTTP/2 connection.
final class HTTP2ClientStream: CallStream, UpstreamStream {
    private var hasResponse = false
    /// Its head may not be sent yet: the session knows nothing of it.
    private(set) var isWaiting = false

    private var client: HTTP2ClientConnection? {
        connection.map { unsafe unsafeDowncast($0, to: HTTP2ClientConnection.self) }
    }

    func start(_ exchange: Exchange, waits: Bool = false) {
        hasResponse = false
        isWaiting = waits
        if exchange.requestBody == .none { noteOutputEndedWithHead() }
        exchange.attach(to: self)
        exchange.replayBody(to: self)
        updateDeadline(for: exchange)
    }

    /// Its head may be sent now.
    func submitWaiting(_ exchange: Exchange, on client: HTTP2ClientConnection) {
        isWaiting = false
        guard let failure = client.submitWaiting(exchange, on: self) else { return }
        leave()
        end(failure)
    }

    private func leave() { connection?.remove(self) }

    // MARK: The request

    func sendBody(_ bytes: Span<UInt8>) {
        lastProgress = loop.now
        send(bytes)
    }

    func endRequest(trailers: borrowing MessageHead) {
        lastProgress = loop.now
        endOutput(trailers: trailers)
        // A tunnel whose other way had ended: it is over on both sides.
        if isInputComplete { exchange = nil }
        updateDeadline()
    }

    func cancel() {
        exchange = nil
        setDeadline(nil)
        giveUp()
    }

    private func giveUp() {
        guard isWaiting else { return reset(.cancel) }
        leave()
        worker.giveBack(self)
    }

    override func outputDrained() { exchange?.upstreamDrained() }

    // MARK: The response

    override func receivedHead(_ head: inout MessageHead, endsStream: Bool) {
        lastProgress = loop.now
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
        let body: BodyLength
        if endsStream {
            body = .none
            // An answer without a body, not one whose length nobody knows: HTTP/1.1 has to say so.
            if head.contentLength == nil, head.status != 204, head.status != 304, exchange.request.knownMethod != .head
            {
                head.contentLength = 0
            }
        } else if let length = head.contentLength {
            body = .bytes(length)
        } else {
            body = .unknown
        }
        exchange.receivedHead(&head, body: body)
        if !endsStream, self.exchange === exchange { updateDeadline(for: exchange) }
    }

    override func receivedData(_ bytes: Span<UInt8>) {
        lastProgress = loop.now
        guard let exchange else { return received(bodyBytes: bytes.count, isHeld: false) }
        exchange.receivedBody(bytes)
        received(bodyBytes: bytes.count, isHeld: self.exchange != nil && exchange.isResponseCongested)
    }

    override func receivedTrailers(_ trailers: inout MessageHead) { endResponse(trailers) }

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

    // MARK: The end

    override func closed(_ code: HTTP2ErrorCode) {
        giveBackWindow()
        connection?.remove(self)
        end(code == .refusedStream ? .notSent : hasResponse ? .badResponse : .reset(code))
    }

    override func connectionLost() { end(lossOfConnection) }

    private var lossOfConnection: UpstreamFailure {
        guard let client, !hasResponse else { return .badResponse }
        if client.hasFailedHandshake { return .handshakeFailed }
        if !client.isConnected { return .notConnected }
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
        giveUp()
        exchange?.upstreamFailed(failure)
    }

    // MARK: Deadlines

    override func deadlineReached() {
        guard let exchange else { return }
        if deadline(of: exchange) <= loop.now { return fail(.timeout) }
        updateDeadline()
    }

    private func deadline(of exchange: Exchange) -> DeadlineWheel.Time {
        let timeouts = worker.timeouts
        var deadline = exchange.backendDeadline ?? .max
        guard !exchange.isOpenEnded else { return deadline }
        if hasResponse {
            // Held back by its reader, the response makes no progress through no fault of the callee's.
            if !isHeldBack { deadline = min(deadline, lastProgress + timeouts.stream) }
        } else if isOutputComplete || exchange.tunnel == .webSocket, exchange.backendDeadline == nil,
            exchange.requestDeadline == nil
        {
            // A WebSocket's head is all of its request that there is before the answer.
            deadline = min(deadline, lastProgress + timeouts.response)
        }
        return deadline
    }

    private func updateDeadline() {
        if let exchange { updateDeadline(for: exchange) }
    }

    private func updateDeadline(for exchange: Exchange) {
        setDeadline(min(deadline(of: exchange), loop.now + worker.timeouts.stream))
    }
}
