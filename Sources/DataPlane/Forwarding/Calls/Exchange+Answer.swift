import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import Telemetry

/// Answers of Heddle's own, and what follows when an answer is whole.
extension Exchange {
    /// Answers for the callee, or cuts the answer that is under way.
    func fail(_ reason: FailureReason, status: UInt16?) {
        guard !isOver else { return }
        // Nothing is left to fail but the rest of a request that has its answer.
        guard !state.course.isAnswered else { return end() }
        state.outcome.reason = reason
        let isAnswerBegun = state.course.isAnswerBegun
        abandonUpstream()
        if isAnswerBegun {
            cut(reason)
            end()
        } else {
            reply(status: status ?? reason.status, location: nil)
        }
    }

    /// Ends an answer that is under way. To a gRPC caller the trailers say why, if it was our decision; a callee that broke
    /// off must not look as if it had ended.
    private func cut(_ reason: FailureReason) {
        guard reason != .upstreamFailed, isGRPCRequest, let downstream = state.downstream, downstream.carriesTrailers,
            isAsLongAsTold
        else {
            state.downstream?.cutResponse(passingOn: reason == .upstreamFailed)
            return
        }
        let status = reason.grpcStatus(status: reason.status, hasCaller: state.plan.caller != nil)
        state.outcome.grpcStatus = status
        bench.replies.writeTrailers(status, reason: origin.tellsReason ? reason : .none, to: downstream)
    }

    /// Trailers end an answer, and one that is shorter than its head has told is malformed (RFC 9113 § 8.1.1).
    private var isAsLongAsTold: Bool {
        state.outcome.toldByteCount.map { $0 == state.outcome.responseByteCount } ?? true
    }

    /// The whole answer is ours.
    func reply(status: UInt16, location: [UInt8]?) {
        state.outcome.status = status
        state.course.answerEnded()
        let reason = state.outcome.reason
        let toldReason = origin.tellsReason ? reason : .none
        request.identify(using: &bench.random)
        if let id = request.value(of: .requestID) { request.withBytes(id) { bench.replies.identify(by: $0) } }
        if isGRPCRequest {
            let grpcStatus = reason.grpcStatus(status: status, hasCaller: state.plan.caller != nil)
            state.outcome.grpcStatus = grpcStatus
            bench.replies.write(grpcStatus, reason: toldReason, to: state.downstream)
        } else {
            bench.replies.write(
                status: status, reason: toldReason, location: location, answering: request.knownMethod,
                to: state.downstream)
        }
        answered()
    }

    /// The answer is whole, and the request may not be.
    func answered() {
        guard !isRequestComplete, let downstream = state.downstream, downstream.readsRestOfRequest else { return end() }
        retained.drop()
        if awaitsRest {
            state.restDeadline = loop.now + EarlyAnswer.awaitedMilliseconds
            updateDeadline()
        }
        // Whoever held it back is gone.
        downstream.resumeRequest()
    }
}
