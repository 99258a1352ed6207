import Authorization
import CallPlanning
import HTTPSemantics
import Manifests
import Telemetry

/// What policies say of a call that decide nothing: those in Shadow, and of AUDIT.
extension Exchange {
    /// Counts which match: once a call, whatever becomes of its tries, and once more for those that have come, or come to say something
    /// else, while it is under way. Where it is asked the call has just been decided, and the facts are those of its decision.
    func observe(_ decision: Decision, of service: ServiceView) {
        if service.lastObserved > state.tries.observed { observeNow(decision, of: service) }
    }

    private func observeNow(_ decision: Decision, of service: ServiceView) {
        let before = state.tries.observed
        state.tries.observed = board.view.tables.number
        // Each look at what is another object's counts references.
        let (board, origin, program, labels) = (board, origin, service.table.program, service.policyLabels)
        if tunnel == .connection {
            program.observeConnection(origin.facts, in: &board.observation)
        } else {
            program.observe(request, origin.facts, in: &board.observation)
        }
        let observed = program.observed
        let first = program.policies.count - observed.count
        for place in board.observation.policies {
            let policy = observed[Int(place)]
            guard policy.since > before else { continue }
            let verdict = board.observation.verdict(for: policy.action, beside: decision)
            note(program.policies[first + Int(place)], labels[first + Int(place)], verdict, of: service.name)
        }
    }

    /// Counts that a policy matches which decides nothing, and tells of it.
    func note(_ policy: ProgramPolicy, _ label: Label, _ verdict: ObservedVerdict, of service: ResourceName) {
        board.count(verdict, for: label)
        // Of what is in Shadow only what it would change is worth a line.
        guard policy.action == .audit || verdict.isChange else { return }
        let (log, hasIdentity) = (board.observationLog, state.plan.caller != nil)
        let match = log.admits(label, verdict, hasIdentity: hasIdentity) {
            PolicyMatch(policy: policy.name, effect: policy.effect, verdict: verdict, hasIdentity: hasIdentity)
        }
        if let match { log.tell(match, observedCall(service)) }
    }

    private func observedCall(_ service: ResourceName) -> ObservedCall {
        let isConnection = tunnel == .connection
        func text(_ range: ByteRange) -> String {
            var text: [UInt8] = []
            request.withBytes(range.prefix(ObservedCall.byteLimit)) { text.append(escaping: $0) }
            return String(decoding: text, as: UTF8.self)
        }
        return ObservedCall(
            caller: state.plan.caller.map { "\($0.id)" }, service: service,
            method: isConnection ? "" : text(request.method), host: isConnection ? "" : text(request.host),
            path: isConnection ? "" : text(request.path), requestID: request.value(of: .requestID).map(text) ?? "")
    }
}
