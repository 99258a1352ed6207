import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import Telemetry

/// The tries of one call. Each of them, the first as the last, goes by what the worker serves at that moment: service, rules
/// and endpoints are never those of a generation before.
extension Exchange: RetriedCall {
    /// The plan's service as it is served now; `nil`: it is gone. What a listener that is gone still leads to is of another
    /// generation, too.
    func currentService() -> ServiceView? {
        guard let planned = state.plan.service else { return nil }
        if let now = board.view.service(planned) { return now }
        guard let now = board.view.service(named: planned.name), now.table.inner == planned.inner else { return nil }
        state.plan.moveOn(to: now.table)
        // Endpoints are numbered anew: of those that were tried, only the last is known still.
        let last = state.tries.endpoint.flatMap { now.endpoint(like: $0, isLocal: origin.endsHere) }
        state.tries.triedEndpoints = last?.bit ?? 0
        return now
    }

    /// Sends the call to an endpoint that was not tried, if it is allowed there.
    /// - Parameters:
    ///   - service: The plan's, of the view at hand.
    ///   - isFresh: Not on a connection that has idled.
    ///   - reason: Why it fails if there is no such endpoint.
    func attempt(at service: ServiceView, isFresh: Bool = false, orFail reason: FailureReason = .noEndpoint) {
        let refusal = service.table.refusal(
            of: request, isConnection: tunnel == .connection, hasIdentity: state.plan.caller != nil)
        if let refusal { return fail(refusal) }
        state.tries.isJudged = false
        guard let endpoint = pickEndpoint(of: service) else {
            // Nobody would receive it; but who may not call a service learns nothing of its endpoints.
            guard judge(service, endpoint: nil) else { return fail(.denied) }
            guard let host = service.host else { return fail(reason) }
            return hand(to: host)
        }
        state.tries.endpoint = endpoint
        if !endpoint.isMesh, !judge(service, endpoint: endpoint) { return fail(.denied) }
        connect(to: endpoint, of: service, isFresh: isFresh)
    }

    /// A try came to nothing, before anything of the answer was passed on.
    func tryFailed(_ failure: UpstreamFailure) {
        guard let service = currentService() else { return fail(.noRoute) }
        removeHopFields()
        let step = state.tries.ladder.next(
            after: failure,
            RetryLadder.Facts(
                isKept: retained.isWhole, isIdempotent: request.isIdempotent,
                isNode: state.tries.endpoint?.isMesh ?? false,
                hasOther: service.hasEndpoint(isLocal: origin.endsHere, notIn: state.tries.triedEndpoints),
                age: loop.now - min(loop.now, state.startedAt / 1000), connectTimeout: bench.timeouts.connect))
        switch step {
        case .again(let isFresh): resend(to: service, isFresh: isFresh)
        case .other(let isFresh): attempt(at: service, isFresh: isFresh)
        case .wait(let milliseconds):
            state.course.wait()
            board.retries.add(self, after: milliseconds)
        case .fail(let reason, let status): fail(reason, status: status)
        }
    }

    private func resend(to service: ServiceView, isFresh: Bool) {
        guard let endpoint = state.tries.endpoint,
            let current = service.endpoint(like: endpoint, isLocal: origin.endsHere)
        else {
            return attempt(at: service, isFresh: isFresh)
        }
        state.tries.triedEndpoints |= current.bit
        state.tries.endpoint = current.endpoint
        if !current.endpoint.isMesh, current.endpoint !== endpoint, !judge(service, endpoint: current.endpoint) {
            return fail(.denied)
        }
        connect(to: current.endpoint, of: service, isFresh: isFresh)
    }

    /// The time to wait is over.
    func tryAgain() {
        guard !state.awaitsIdentity, state.course.waited() else { return }
        guard let isCallers = isCallersStill() else { return holdBack() }
        guard isCallers else { return refuseProcess() }
        guard let service = currentService() else { return fail(.noRoute) }
        state.tries.triedEndpoints = 0
        attempt(at: service)
        if !isOver, !isRequestCongested { state.downstream?.resumeRequest() }
    }

    /// Another generation serves, or the same one with other endpoints. What is under way is judged by it if this node judged it
    /// before, and goes elsewhere if nothing of it was sent and its endpoint is one no more.
    func judgeAgain() {
        guard !isOver, let before = state.plan.service else { return }
        let isCallers = isCallersStill()
        guard isCallers ?? true else { return refuseProcess() }
        let isUnsent = state.course.stream?.isUnsent ?? state.course.isWaiting
        // What another node has is that node's to judge.
        guard state.tries.isJudged || isUnsent else { return }
        forgetDistrustedProxy()
        guard let service = currentService(), service.table.isTCP == (tunnel == .connection) else {
            return fail(.noRoute)
        }
        guard service.table.takesCalls(withIdentity: state.plan.caller != nil) else { return fail(.denied) }
        removeHopFields()
        if state.tries.isJudged, !isAllowedStill(by: service) { return fail(.denied) }
        guard isUnsent, !state.course.isWaiting, let endpoint = state.tries.endpoint else { return }
        guard isCallers != nil else {
            guard retained.isWhole else { return fail(.connectFailed) }
            abandonUpstream()
            return holdBack()
        }
        guard service.table !== before else { return addHopFields(for: endpoint) }
        let pool = endpoint.knownPool(for: state.plan.caller)
        if let current = service.endpoint(like: endpoint, isLocal: origin.endsHere),
            self.pool(of: current.endpoint, service) === pool
        {
            state.tries.triedEndpoints = current.bit
            state.tries.endpoint = current.endpoint
            addHopFields(for: current.endpoint)
        } else {
            // Whom it would be sent to is not who answers for the service now.
            guard retained.isWhole else { return fail(.connectFailed) }
            state.tries.triedEndpoints = 0
            abandonUpstream()
            attempt(at: service)
        }
    }

    /// What a proxy said that is no longer trusted is no longer so.
    private func forgetDistrustedProxy() {
        guard !state.plan.client.isPeer, case .routes(let gateway) = origin.role.directory,
            let listener = gateway.listeners.first(where: { $0.label == state.plan.gatewayListener }),
            !listener.trusts(origin.peer.ip)
        else { return }
        state.plan.client = .peer
    }

    /// A random one that was not tried yet.
    private func pickEndpoint(of service: ServiceView) -> EndpointView? {
        service.endpoint(isLocal: origin.endsHere, tried: &state.tries.triedEndpoints, using: &bench.random)
    }
}
