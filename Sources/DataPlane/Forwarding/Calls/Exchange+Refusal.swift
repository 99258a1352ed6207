import CallOutcomes
import CallPlanning
import HTTPSemantics
import Telemetry
import WireProtocols

extension Exchange {
    /// Its line in the access log, if it has one.
    func log(_ microseconds: UInt64) {
        guard board.view.accessLog.has(status: state.outcome.status, reason: state.outcome.reason) else { return }
        let end = CallEnd(
            isConnection: tunnel == .connection, status: state.outcome.status, reason: state.outcome.reason,
            detail: connectFailure?.explanation ?? answerFault,
            processRefusal: state.outcome.reason == .notAttested ? state.outcome.processRefusal : nil,
            endpoint: state.tries.endpoint?.address,
            microseconds: microseconds,
            responseByteCount: state.outcome.responseByteCount)
        board.accessLog.record(end, request: request, plan: state.plan, origin: origin)
    }

    /// What was wrong with its endpoint's answer, or with there being none.
    private var answerFault: String? {
        guard state.outcome.reason == .upstreamFailed, state.outcome.refusalElsewhere.isNone else { return nil }
        return state.outcome.fault?.description
    }

    /// Why its endpoint could not be connected to, the last time that this was tried.
    var connectFailure: ConnectFailure? {
        guard state.outcome.reason == .connectFailed, state.outcome.refusalElsewhere.isNone else { return nil }
        return state.tries.endpoint?.knownPool(for: state.plan.caller)?.outage?.failure
    }
}

/// What another node says of answers that are its own.
extension Exchange {
    /// Why the endpoint's node has answered by itself, as it says, or a service that Heddle answers for. A workload cannot say so: its
    /// own node removes the field, and what comes from no node of the mesh is not asked.
    /// - Returns: `.none` if it does not say; `.upstreamFailed` for what no node of this version says.
    func refusal(in head: borrowing MessageHead) -> FailureReason {
        // Without an endpoint it is one of this node's own services that has answered.
        guard state.tries.endpoint?.isMesh ?? true, let field = head.value(of: .heddleReason) else { return .none }
        return FailureReason(told: head.bytes(field)) ?? .upstreamFailed
    }

    /// What is about to end the answer: another node may say here that it has cut it, where the call is gRPC's.
    func takeTrailers(_ trailers: inout MessageHead) {
        let told = refusal(in: trailers)
        guard !told.isNone else { return }
        trailers.removeHeddleFields()
        guard isGRPCRequest else { return }
        let reason = told.mayCutAnswer ? told : .upstreamFailed
        state.outcome.refusalElsewhere = reason
        guard !origin.tellsReason else { return trailers.addField(.heddleReason, value: reason.name.bytes) }
        // This caller is told what the status is called, and no more.
        noteStatus(trailers)
        trailers.setField(
            name: LocalReplies.messageName.bytes, known: .other,
            value: Array((state.outcome.grpcStatus ?? .unknown).name.utf8).span)
    }
}
