import Authorization
import CallPlanning
import EventLoops
import HTTPSemantics

/// The time that a request tells its callee.
enum ToldTime {
    /// As the caller told it, or not at all.
    case asItCame
    /// The caller told none.
    case added
    /// What is left stands in the place of what the caller told.
    case shortened(from: ByteRange)
}

/// What a try adds to the request for the hop that it takes: whose call it is, that it is a copy, what is left of its time, that
/// trailers are taken.
/// Rules never see it: before a call is judged once more it is as it was before its first try.
extension Exchange {
    /// Once a try: what the last one added is gone.
    func addHopFields(for endpoint: EndpointView) {
        // No request, and no fields.
        guard tunnel != .connection else { return }
        assert(!hasHopFields)
        // Between nodes the certificate says it.
        if !endpoint.isMesh, let caller = state.plan.caller {
            let principal = caller.principal
            request.addField(.heddleCaller, value: principal.span)
        }
        if state.plan.isCopy { request.markCopy(isBetweenNodes: endpoint.isMesh) }
        tellTimeLeft()
        // Said of this hop: Heddle takes trailers, and passes them on.
        if endpoint.reach == .node || endpoint.reach == .plain(.http2), tunnel == .none {
            request.addField(.te, value: ("trailers" as StaticString).bytes)
        }
    }

    /// Neither a caller nor a route can say what is removed here: `CallPlan.find` and the manifests see to it.
    func removeHopFields() {
        request.removeField(.heddleCaller)
        request.removeField(.heddleCopy)
        request.removeField(.te)
        switch state.tries.toldTime {
        case .asItCame: return
        case .added: request.removeField(.grpcTimeout)
        case .shortened(let told): request.setField(.grpcTimeout, to: told)
        }
        state.tries.toldTime = .asItCame
    }

    /// For whoever judges to be sure that there are none.
    var hasHopFields: Bool {
        guard case .asItCame = state.tries.toldTime else { return true }
        return [.heddleCaller, .heddleCopy, .te].contains { request.hasField($0) }
    }

    /// What is left of the time, for whoever is next.
    private func tellTimeLeft() {
        guard let requestDeadline = state.requestDeadline,
            request.hasField(.grpcTimeout) || state.plan.service?.isGRPC ?? false, isGRPCRequest
        else {
            return
        }
        state.tries.toldTime = request.value(of: .grpcTimeout).map { .shortened(from: $0) } ?? .added
        let left = requestDeadline > loop.now ? requestDeadline - loop.now : 0
        request.setField(.grpcTimeout, to: GRPCTimeout.text(milliseconds: max(left, 1)).span)
    }
}
