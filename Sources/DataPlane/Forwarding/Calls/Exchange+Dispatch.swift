import Authorization
import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import Telemetry
import WireProtocols

/// Carries out what `CallPlan` says: its service and route, copies, its rewriting; then a try.
extension Exchange {
    func dispatch() {
        let origin = origin  // each look at the state's counts references
        let role = origin.role
        notePlainCall(from: origin, at: role)
        let step = state.plan.find(
            &request, from: origin.source, at: role, in: board.view.tables, using: &bench.random)
        if state.plan.client.isUnreadable { bench.counters.unreadableClientAddresses += 1 }
        carryOut(step)
    }

    func dispatchTunnel() {
        // Of all that another node's CONNECT may say, this alone is taken: under it the call stands in both logs.
        request.identify(using: &bench.random)
        let origin = origin
        let role = origin.role
        notePlainCall(from: origin, at: role)
        carryOut(
            state.plan.findConnection(from: origin.source, at: role, in: board.view.tables, using: &bench.random))
    }

    /// Counted when it begins: whoever is still there is to be seen while he is.
    private func notePlainCall(from origin: CallOrigin, at role: ListenerRole) {
        guard let service = role.plainService else { return }
        bench.plainCallers.record(origin.peer.ip, callingAt: loop.now, service: service.label)
    }

    private func carryOut(_ step: CallPlan.Step) {
        switch step {
        case .refuse(.notAttested, _): refuseProcess()
        case .refuse(let reason, let status): fail(reason, status: status)
        case .identify(let depth): identify(depth)
        case .answer(let status): reply(status: status, location: nil)
        case .redirect:
            guard let (status, location) = state.plan.redirect(of: request, from: origin.source) else {
                return fail(.noRoute)
            }
            reply(status: status, location: location)
        case .send: send()
        case .sendRouted:
            // Nobody reads a copy's answer, so that no copy can go on as something else.
            if tunnel == .none, let rule = state.plan.rule, rule.hasMirrors, !state.plan.isCopy { mirror(by: rule) }
            state.plan.rewrite(&request)
            state.requestDeadline = state.plan.rule?.requestMilliseconds.map { loop.now + $0 }
            send()
        }
    }

    /// The caller's own deadline.
    /// - Returns: `false` if it is none.
    private func adoptCallersDeadline() -> Bool {
        switch request.callersPatience() {
        case .unknown: return true
        case .malformed: return false
        case .milliseconds(let milliseconds):
            state.requestDeadline = min(state.startedAt / 1000 + milliseconds, state.requestDeadline ?? .max)
            return true
        }
    }

    // MARK: Endpoints

    /// To the plan's service.
    func send() {
        guard adoptCallersDeadline() else { return fail(.malformed) }
        guard let service = currentService() else { return fail(.noRoute) }
        attempt(at: service)
    }

    func connect(to endpoint: EndpointView, of service: ServiceView, isFresh: Bool) {
        addHopFields(for: endpoint)
        state.tries.deadline = state.plan.rule?.backendMilliseconds.map { loop.now + $0 }
        if state.tries.deadline != nil { updateDeadline() }
        guard let pool = pool(of: endpoint, service) else {
            return fail(.noEndpoint)
        }
        pool.open(self, fresh: isFresh)
    }

    /// The connections there that carry its caller's calls.
    func pool(of endpoint: EndpointView, _ service: ServiceView) -> (any EndpointPool)? {
        endpoint.pool(for: state.plan.caller, accounts: service.accounts, table: service.table, of: board)
    }

    // MARK: Authorization

    /// Asks the program of the service whose workload is to receive the call.
    func judge(_ service: ServiceView, endpoint: EndpointView?) -> Bool {
        state.tries.isJudged = true
        let decision = decide(service, endpoint: endpoint)
        observe(decision, of: service)
        if decision.isAllowed { board.count(decision, of: service) } else { noteDenial(decision, of: service) }
        return decision.isAllowed
    }

    /// What was allowed once, and counted then, may be denied by now.
    func isAllowedStill(by service: ServiceView) -> Bool {
        let decision = decide(service, endpoint: state.tries.endpoint)
        observe(decision, of: service)
        if !decision.isAllowed { noteDenial(decision, of: service) }
        return decision.isAllowed
    }

    private func noteDenial(_ decision: Decision, of service: ServiceView) {
        board.count(decision, of: service)
        request.identify(using: &bench.random)
        note(decision, by: service.table.program, of: service.name)
    }

    func decide(_ service: ServiceView, endpoint: EndpointView?) -> Decision {
        let isConnection = tunnel == .connection
        // No rule asks a connection for fields, and another node's CONNECT may have any.
        assert(isConnection || !hasHopFields)
        let origin = origin  // as in dispatch
        origin.setFacts(
            caller: state.plan.caller, client: state.plan.client, destination: endpoint?.address,
            callProtocol: isConnection ? .tcp : .http)
        return isConnection
            ? service.table.program.decideConnection(origin.facts) : service.table.program.decide(request, origin.facts)
    }
}
