import CallOutcomes
import HTTPSemantics

/// What the stream that the call came from has to say.
extension Exchange {
    func sendBody(_ bytes: Span<UInt8>) {
        guard !isOver else { return }
        if tunnel == .webSocket, !isTunnelOpen { return holdEarly(bytes) }
        retained.append(bytes)
        state.course.stream?.sendBody(bytes)
        for mirror in state.mirrors where !mirror.isOver {
            // A copy with a gap is none: one that cannot keep up ends.
            if mirror.isRequestCongested { mirror.callerGone() } else { mirror.sendBody(bytes) }
        }
    }

    func endRequest(trailers: borrowing MessageHead) {
        guard !isOver else { return }
        state.course.requestEnded()
        if tunnel == .webSocket, !isTunnelOpen { return }
        retained.end(trailers: trailers)
        state.course.stream?.endRequest(trailers: trailers)
        for mirror in state.mirrors { mirror.endRequest(trailers: trailers) }
        if isResponseComplete { end() }
    }

    /// The caller takes nothing of its answer any more, and will be cut off: it is late, not gone.
    func noteStalledCaller() { state.outcome.fails(because: .timeout) }

    /// The caller is gone; nobody reads the answer any more.
    func callerGone(because cause: FailureReason) {
        guard !isOver else { return }
        if !state.course.isAnswered { state.outcome.fails(because: cause) }
        abandonUpstream()
        end()
    }

    /// The caller takes bytes again.
    func downstreamDrained() { state.course.stream?.resumeResponse() }

    var queuedRequestByteCount: Int { state.course.stream?.queuedByteCount ?? 0 }
    var isRequestCongested: Bool {
        !state.early.isEmpty || state.course.stream?.isCongested ?? state.course.isWaiting
    }
    var isResponseCongested: Bool { state.downstream?.isCongested ?? false }

    /// The rest of the request is worth waiting for, though its answer is there.
    var awaitsRest: Bool {
        !isRequestComplete && tunnel == .none
            && EarlyAnswer.awaitsRest(
                of: requestBody, expectsContinue: request.hasField(.expect), reason: state.outcome.reason)
    }

    /// Leaves the stream that the call was on.
    func abandonUpstream() { state.course.leaveStream()?.cancel() }
}
