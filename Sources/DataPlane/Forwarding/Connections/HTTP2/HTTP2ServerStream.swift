import EventLoops
import HTTPSemantics
import WireProtocols

/// A call that came in on an HTTP/2 connection.
final class HTTP2ServerStream: CallStream, DownstreamStream {
    private var isOver = false
    /// Of the request's body, as its head says; `nil`: it does not.
    private var requestByteCount: UInt64?

    /// A body that is no longer than this may come to its end, for a while, after it was answered: 64 KiB. Clients take a
    /// reset that crosses the last of their bytes for a failure, whatever it says (curl 7.88 for one).
    private static let awaitedByteLimit: UInt64 = 64 * 1024
    /// How long it may take, in milliseconds.
    private static let awaitedMilliseconds: UInt64 = 1_000

    func start(_ exchange: Exchange, _ framing: HTTP2RequestFraming, from origin: CallOrigin) {
        isOver = false
        requestByteCount = framing.contentLength
        if framing.endsStream { noteInputComplete() }
        switch framing.tunnel {
        case .none:
            exchange.requestBody =
                framing.endsStream ? .none : framing.contentLength.map { .bytes($0) } ?? .unknown
            exchange.start(from: self, origin: origin)
        case .webSocket:
            exchange.tunnel = .webSocket
            exchange.requestBody = .unknown
            exchange.start(from: self, origin: origin)
        case .connection: exchange.startTunnel(from: self, origin: origin)
        }
        if self.exchange === exchange { updateDeadline(for: exchange) }
    }

    // MARK: The request

    override func receivedData(_ bytes: Span<UInt8>) {
        lastProgress = loop.now
        guard let exchange else { return received(bodyBytes: bytes.count, isHeld: false) }
        exchange.sendBody(bytes)
        // It may be over: then nobody holds anything.
        received(bodyBytes: bytes.count, isHeld: self.exchange != nil && exchange.isRequestCongested)
    }

    override func receivedTrailers(_ trailers: inout MessageHead) {
        endRequest(trailers)
    }

    override func receivedEnd() {
        endRequest(worker.noTrailers)
    }

    private func endRequest(_ trailers: borrowing MessageHead) {
        guard !isInputComplete else { return }
        noteInputComplete()
        exchange?.endRequest(trailers: trailers)
        updateDeadline()
    }

    func resumeRequest() { giveBackWindow() }

    override func closed(_ code: HTTP2ErrorCode) {
        giveBackWindow()
        connection?.remove(self)
        let exchange = exchange
        self.exchange = nil
        exchange?.callerGone()
        worker.giveBack(self)
    }

    override func connectionLost() {
        let exchange = exchange
        self.exchange = nil
        exchange?.callerGone()
        worker.giveBack(self)
    }

    override func outputDrained() { exchange?.downstreamDrained() }

    // MARK: The response

    func sendHead(_ head: borrowing MessageHead, body: BodyLength) {
        guard let connection else { return }
        guard HTTP2Session.canCarry(head) else {
            exchange?.fail(.upstreamFailed)
            return
        }
        if body == .none { noteOutputEndedWithHead() }
        if head.status == Exchange.switchingProtocols {
            // Accepted: HTTP/2 says so as it says it of any CONNECT (RFC 8441 § 4).
            worker.tunnelHead.copy(head)
            worker.tunnelHead.status = 200
            connection.session.submitResponse(worker.tunnelHead, on: self, endsStream: false)
        } else {
            connection.session.submitResponse(head, on: self, endsStream: body == .none)
        }
        connection.requestOutput()
    }

    func sendInterim(_ head: borrowing MessageHead) {
        guard let connection else { return }
        connection.session.submitInterim(head, on: self)
        connection.requestOutput()
    }

    func sendBody(_ bytes: Span<UInt8>) { send(bytes) }

    func endResponse(trailers: borrowing MessageHead) { endOutput(trailers: trailers) }

    var carriesTrailers: Bool { true }
    var upgradesBySuccess: Bool { true }

    func cutResponse() { reset(.internalError) }

    /// The streams beside it do not wait for it: whoever sent too much is told so (RFC 9113 § 8.1).
    var readsRestOfRequest: Bool { false }

    func exchangeEnded() {
        exchange = nil
        setDeadline(nil)
        isOver = true
        giveBackWindow()
    }

    /// The answer is whole before the request was: nobody wants the rest (RFC 9113 § 8.1).
    override func sentEnd() {
        guard isOver, !isInputComplete else { return }
        guard let requestByteCount, requestByteCount <= Self.awaitedByteLimit else { return reset(.noError) }
        setDeadline(loop.now + Self.awaitedMilliseconds)
    }

    // MARK: Deadlines

    func requestDeadlineChanged() { updateDeadline() }

    override func deadlineReached() {
        guard let exchange else { return isOver ? reset(.noError) : () }
        let now = loop.now
        if let due = exchange.requestDeadline, due <= now { return exchange.requestTimedOut() }
        if let due = bodyDeadline(exchange), due <= now { return exchange.fail(.timeout, status: 408) }
        if isStalled(now) { return reset(.cancel) }
        updateDeadline()
    }

    /// Held back by its reader, the request makes no progress through no fault of the caller's.
    private func bodyDeadline(_ exchange: Exchange) -> DeadlineWheel.Time? {
        isInputComplete || isHeldBack || exchange.isResponseStarted || exchange.isOpenEnded
            ? nil : lastProgress + worker.timeouts.requestBody
    }

    /// A caller that does not take what waits for it.
    private func isStalled(_ now: DeadlineWheel.Time) -> Bool {
        queuedByteCount > 0 && lastProgress + worker.timeouts.stream <= now
    }

    private func updateDeadline() {
        if let exchange { updateDeadline(for: exchange) }
    }

    private func updateDeadline(for exchange: Exchange) {
        var deadline = loop.now + worker.timeouts.stream
        if let due = exchange.requestDeadline { deadline = min(deadline, due) }
        if let due = bodyDeadline(exchange) { deadline = min(deadline, due) }
        setDeadline(deadline)
    }
}
