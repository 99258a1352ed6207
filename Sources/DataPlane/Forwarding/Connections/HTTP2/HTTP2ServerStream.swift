import CallOutcomes
import EventLoops
import HTTPSemantics
import WireProtocols

/// A call that came in on an HTTP/2 connection.
final class HTTP2ServerStream: CallStream, DownstreamStream {
    private var isOver = false

    /// One whose call is over, if there is one.
    static func take(from bench: Workbench) -> HTTP2ServerStream {
        guard let used = bench.serverStreams.popLast() else { return HTTP2ServerStream(bench: bench) }
        return unsafe unsafeDowncast(used, to: HTTP2ServerStream.self)
    }

    private func giveBack() {
        reset()
        if bench.serverStreams.count < Workbench.keptCount { bench.serverStreams.append(self) } else { leaveLoop() }
    }

    func start(_ call: any Call, _ framing: HTTP2RequestFraming, from origin: CallOrigin) {
        isOver = false
        if framing.endsStream { noteInputComplete() }
        switch framing.tunnel {
        case .none:
            call.requestBody =
                framing.endsStream ? .none : framing.contentLength.map { .bytes($0) } ?? .unknown
            call.start(from: self, origin: origin)
        case .webSocket:
            call.tunnel = .webSocket
            call.requestBody = .unknown
            call.start(from: self, origin: origin)
        case .connection: call.startTunnel(from: self, origin: origin)
        }
        // What goes on as bytes has no more of them, whatever its head is answered with.
        if framing.endsStream, framing.tunnel != .none, self.call === call {
            call.endRequest(trailers: bench.noTrailers)
        }
    }

    // MARK: The request

    override func receivedData(_ bytes: Span<UInt8>) {
        lastInput = loop.now
        guard let call else { return received(bodyBytes: bytes.count, isHeld: false) }
        call.sendBody(bytes)
        // It may be over: then nobody holds anything.
        received(bodyBytes: bytes.count, isHeld: self.call != nil && call.isRequestCongested)
    }

    override func receivedTrailers(_ trailers: inout MessageHead) {
        endRequest(trailers)
    }

    override func receivedEnd() {
        endRequest(bench.noTrailers)
    }

    private func endRequest(_ trailers: borrowing MessageHead) {
        guard !isInputComplete else { return }
        noteInputComplete()
        call?.endRequest(trailers: trailers)
        releaseEnd()
    }

    /// Nothing more comes on the connection.
    func callerEnded() {
        guard !isInputComplete, let call else { return }
        let isAnswered = call.isResponseComplete && !call.isTunnelOpen
        call.callerGone()
        if !isAnswered { reset(.cancel) }
    }

    func resumeRequest() { giveBackWindow() }

    func callerProgress() -> SideProgress { progress() }

    override func closed(_ code: HTTP2ErrorCode) {
        connection?.remove(self)
        let call = call
        self.call = nil
        call?.callerGone(code)
        giveBack()
    }

    override func connectionLost() {
        let call = call
        self.call = nil
        call?.callerGone()
        giveBack()
    }

    override func outputDrained() { call?.downstreamDrained() }

    // MARK: The response

    func sendHead(_ head: borrowing MessageHead, body: ResponseBody) {
        guard let connection else { return }
        guard HTTP2Session.canCarry(head) else {
            call?.fail(.upstreamFailed)
            return
        }
        if head.status == Tunnel.switchingProtocols {
            // Accepted: HTTP/2 says so as it says it of any CONNECT (RFC 8441 § 4).
            bench.tunnelHead.copy(head)
            bench.tunnelHead.status = 200
            connection.session.submitResponse(bench.tunnelHead, on: self, endsStream: false)
        } else {
            if call?.awaitsRest ?? false { holdEnd() }
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
        let code = call?.codeForCaller ?? .internalError
        if passingOn { resetAfterOutput(code) } else { reset(code) }
    }

    /// The streams beside it do not wait for it: whoever sent too much is told so (RFC 9113 § 8.1).
    var readsRestOfRequest: Bool { call?.awaitsRest ?? false }

    func callEnded() {
        call = nil
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
