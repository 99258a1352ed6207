import CallOutcomes
import CallPlanning
import HTTPSemantics
import Routing
import WireProtocols

/// What the stream that the call is on has to say.
extension Exchange {
    /// Interim responses of one call: 100. A workload that has more to say before it answers never will.
    static let interimLimit: UInt8 = 100

    /// Sends the head, and what is known of the body, on a stream.
    func attach(to stream: any UpstreamStream) { state.course.sent(on: stream) }

    func replayBody(to stream: any UpstreamStream) {
        // The stream may fail of it, and the call then drops what it has retained.
        let bytes = retained.bytes
        if !bytes.isEmpty { stream.sendBody(bytes.span) }
        // What is a WebSocket's comes when it is accepted.
        guard isRequestComplete, !requestBody.isNone, tunnel != .webSocket else { return }
        stream.endRequest(trailers: retained.trailers)
    }

    func upstreamDrained() { state.downstream?.resumeRequest() }

    func receivedInterim(_ head: inout MessageHead) {
        guard state.outcome.interimCount < Self.interimLimit else {
            state.outcome.fault = "too-many-interim-responses"
            return fail(.upstreamFailed)
        }
        state.outcome.interimCount += 1
        head.removeHopByHopFields()
        head.removeHeddleFields()
        state.downstream?.sendInterim(head)
    }

    /// - Parameter length: How its sender ends the body; whether there is one, its status says.
    func receivedHead(_ head: inout MessageHead, length: BodyLength) {
        if tunnel == .webSocket, 200..<300 ~= head.status, state.downstream?.upgradesBySuccess ?? false {
            // The workload took it for any request. Its answer would be taken for the first bytes of a WebSocket.
            state.outcome.fault = "no-websockets"
            return fail(.upstreamFailed)
        }
        let refusal = refusal(in: head)
        state.outcome.refusalElsewhere = refusal
        if !refusal.isNone, !origin.tellsReason {
            // The other node told its reason to this one; this caller is told none, in whatever form.
            return fail(refusal, status: head.status == 200 ? nil : head.status)
        }
        retained.drop()
        state.course.answerBegan()
        state.outcome.status = head.status
        head.removeHopByHopFields()
        head.removeHeddleFields()
        if !refusal.isNone {
            head.addField(.heddleReason, value: refusal.name.bytes)
            // It is said in gRPC's words.
            if head.status == 200, isGRPCRequest { state.outcome.status = refusal.status }
        }
        if let rule = state.plan.rule { rule.rule.modifyResponse(&head, backend: state.plan.backend) }
        let body = ResponseBody(length, status: head.status, answering: request.knownMethod)
        if !body.mayTellLength { head.contentLength = nil }
        state.outcome.toldByteCount = head.contentLength
        if tunnel != .connection { bench.date.add(to: &head) }
        state.outcome.grpcStatusInHead = head.value(of: .grpcStatus).flatMap { GRPCStatus(head.bytes($0)) }
        state.downstream?.sendHead(head, body: body)
        if tunnel != .none { tunnelAnswered() }
    }

    func receivedBody(_ bytes: Span<UInt8>) {
        state.outcome.responseByteCount += UInt64(bytes.count)
        state.downstream?.sendBody(bytes)
    }

    /// Bytes that did not come by here.
    func passedResponse(_ byteCount: Int) { state.outcome.responseByteCount += UInt64(byteCount) }

    /// The response is whole; the upstream stream has let go of the call.
    func receivedEnd(trailers: borrowing MessageHead) {
        if isTunnelOpen {
            // Half of it: the other way may go on.
            state.course.answerHalfEnded()
            state.downstream?.endResponse(trailers: trailers)
            return isRequestComplete ? end() : ()
        }
        state.course.answerEnded()
        state.outcome.grpcStatus = state.outcome.grpcStatusInHead
        noteStatus(trailers)
        state.downstream?.endResponse(trailers: trailers)
        answered()
    }

    /// How a gRPC call ended, as its callee says in the trailers.
    func noteStatus(_ head: borrowing MessageHead) {
        guard let field = head.value(of: .grpcStatus) else { return }
        state.outcome.grpcStatus = GRPCStatus(head.bytes(field))
    }

    func upstreamFailed(_ failure: UpstreamFailure, _ fault: StaticString?) {
        guard !isOver else { return }
        state.outcome.fault = fault ?? failure.fault
        let isAnswerBegun = state.course.isAnswerBegun
        let isTunnelOpen = isTunnelOpen
        _ = state.course.leaveStream()
        guard isAnswerBegun else { return tryFailed(failure) }
        // Another node may have said why.
        let refusal = state.outcome.refusalElsewhere
        let reason = refusal.isNone ? FailureReason.upstreamFailed : refusal
        if !isTunnelOpen, state.downstream?.retractResponse() ?? false {
            // Nobody has heard of it: it never was.
            state.course.answerRetracted()
            state.outcome.responseByteCount = 0
            return fail(reason)
        }
        state.outcome.reason = reason
        state.downstream?.cutResponse(passingOn: true)
        end()
    }
}
