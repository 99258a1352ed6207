import EventLoops
import HTTPSemantics
import WireProtocols

/// A call that came in on an HTTP/2 connection.
final class HTTP2ServerStream: CallStream, DownstreamStream {
    private var isOver = false

    func start(_ exchange: Exchange, _ framing: HTTP2RequestFraming, from origin: CallOrigin) {
        isOver = false
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
        // What goes on as bytes has no more of them, whatever its head is answered with.
        if framing.endsStream, framing.tunnel != .none, self.exchange === exchange {
            exchange.endRequest(trailers: worker.noTrailers)
        }
    }

    // MARK: The request

    override func receivedData(_ bytes: Span<UInt8>) {
        lastInput = loop.now
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
        releaseEnd()
    }

    /// Nothing more comes on the connection.
    func callerEnded() {
        guard !isInputComplete, let exchange else { return }
        let isAnswered = exchange.isResponseComplete && !exchange.isTunnelOpen
        exchange.callerGone()
        if !isAnswered { reset(.cancel) }
    }

    func resumeRequest() { giveBackWindow() }

    func callerProgress() -> SideProgress { progress() }

    override func closed(_ code: HTTP2ErrorCode) {
        giveBackWindow()
        connection?.remove(self)
        let exchange = exchange
        self.exchange = nil
        exchange?.callerGone(code)
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

    func sendHead(_ head: borrowing MessageHead, body: ResponseBody) {
        guard let connection else { return }
        guard HTTP2Session.canCarry(head) else {
            exchange?.fail(.upstreamFailed)
            return
        }
        if head.status == Exchange.switchingProtocols {
            // Accepted: HTTP/2 says so as it says it of any CONNECT (RFC 8441 § 4).
            worker.tunnelHead.copy(head)
            worker.tunnelHead.status = 200
            connection.session.submitResponse(worker.tunnelHead, on: self, endsStream: false)
        } else {
            if exchange?.awaitsRest ?? false { holdEnd() }
            let endsStream = body.length.isNone && !holdsEnd
            if endsStream { noteOutputEndedWithHead() }
            connection.session.submitResponse(head, on: self, endsStream: endsStream)
        }
        connection.requestOutput()
    }

    func sendInterim(_ head: borrowing MessageHead) {
        guard let connection else { return }
        connection.session.submitInterim(head, on: self)
        connection.requestOutput()
    }

    func sendBody(_ bytes: Span<UInt8>) { send(bytes) }

    func endResponse(trailers: borrowing MessageHead) {
        if holdsEnd { mayEndShort = true }
        endOutput(trailers: trailers)
    }

    var carriesTrailers: Bool { true }
    var upgradesBySuccess: Bool { true }

    /// Its head is on its way, in the order in which heads were compressed.
    func retractResponse() -> Bool { false }

    func cutResponse(passingOn: Bool) {
        let code = exchange?.codeForCaller ?? .internalError
        if passingOn { resetAfterOutput(code) } else { reset(code) }
    }

    /// The streams beside it do not wait for it: whoever sent too much is told so (RFC 9113 § 8.1).
    var readsRestOfRequest: Bool { exchange?.awaitsRest ?? false }

    func exchangeEnded() {
        exchange = nil
        isOver = true
        giveBackWindow()
        releaseEnd()
        // It may never be taken.
        if queuedByteCount > 0 { awaitEnd() }
    }

    /// The answer is whole before the request was: nobody wants the rest (RFC 9113 § 8.1).
    override func sentEnd() {
        if isOver, !isInputComplete { reset(.noError) }
    }
}
