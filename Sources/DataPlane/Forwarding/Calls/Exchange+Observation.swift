import Authorization
import CallPlanning
import HTTPSemantics
import Manifests

/// What policies say of a call that decide nothing: those in Shadow, and of AUDIT.
extension Exchange {
    /// Counts which match: once a call, whatever becomes of its tries, and once more for those that have come, or come to say something
    /// else, while it is under way. Where it is asked the call has just been decided, and the facts are those of its decision.
    func observe(_ decision: Decision, of service: ServiceView) {
        guard service.lastObserved > state.tries.observed else { return }
        let before = state.tries.observed
        state.tries.observed = board.view.tables.number
        let program = service.table.program
        let origin = origin
        if tunnel == .connection {
            program.observeConnection(origin.facts, in: &board.observation)
        } else {
            program.observe(request, origin.facts, in: &board.observation)
        }
        let first = program.policies.count - program.observed.count
        for index in board.observation.policies.indices {
            let place = Int(board.observation.policies[index])
            let policy = program.observed[place]
            guard policy.since > before else { continue }
            let verdict = board.observation.verdict(for: policy.action, beside: decision)
            let label = service.policyLabels[first + place]
            board.count(verdict, for: label)
            // Of what is in Shadow only what it would change is worth a line.
            guard policy.action == .audit || verdict.isChange,
                let match = board.observationLog.admits(program.policies[first + place], label, verdict)
            else { continue }
            board.observationLog.tell(match, observedCall(service))
        }
    }

    private func observedCall(_ service: ServiceView) -> ObservedCall {
        let isConnection = tunnel == .connection
        func text(_ range: ByteRange) -> String {
            var text: [UInt8] = []
            request.withBytes(range.prefix(ObservedCall.byteLimit)) { text.append(escaping: $0) }
            return String(decoding: text, as: UTF8.self)
        }
        return ObservedCall(
            caller: state.plan.caller.map { "\($0.id)" }, service: service.name,
            method: isConnection ? "" : text(request.method), host: isConnection ? "" : text(request.host),
            path: isConnection ? "" : text(request.path), requestID: request.value(of: .requestID).map(text) ?? "")
    }
}
