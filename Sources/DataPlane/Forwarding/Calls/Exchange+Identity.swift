import Attestation
import Authorization
import CallOutcomes
import CallPlanning

/// Who makes the call, where that is a process of this host: the kernel is asked, and selectors decide, those of each generation anew.
extension Exchange: IdentifiedCall {
    /// Goes on when as much as that is known of the process.
    func identify(_ depth: FactDepth) {
        state.awaitsIdentity = true
        state.course.wait()
        origin.process(bench).findOut(depth, for: self)
    }

    func identified() {
        guard !isOver else { return }
        // One that is planned waits for something else, or for nothing: it is judged by what is known now.
        guard state.awaitsIdentity else { return judgeAgain() }
        state.awaitsIdentity = false
        guard state.course.waited() else { return }
        begin()
        if !isOver, !isRequestCongested { state.downstream?.resumeRequest() }
    }

    func notIdentified() { fail(.overloaded, status: 503) }

    func refuseProcess() {
        if !state.course.isAnswered, let refusal = origin.process(bench).refused(at: origin.role, in: board.view.tables)
        {
            state.outcome.processRefusal = refusal
            request.identify(using: &bench.random)
            note(refusal)
        }
        fail(.notAttested)
    }

    /// Whether the process that made the call may still have made it, as the generation at hand sees it.
    /// - Returns: `nil`: that is being found out. Nothing is sent meanwhile, and the call is judged again then.
    func isCallersStill() -> Bool? {
        guard let admission = origin.role.admission else { return true }
        // Nobody asked who it is before this generation did. To look never waits; to find out more may. The connection that a copy's
        // original came by may be gone.
        if !state.isMirror { origin.process(bench).look() }
        switch origin.source.verdict(of: admission, in: board.view.tables) {
        case .admitted(let index):
            // At a workload's own listener it is that workload, whatever its account is by now.
            guard case .hostsOfCaller = origin.role.directory else { return true }
            return admission.candidates[index].caller.id == state.plan.caller?.id
        case .nobody, .several: return false
        case .needs(let depth):
            guard !state.isMirror else { return true }
            origin.process(bench).findOut(depth, for: self)
            return nil
        }
    }

    /// Waits until it is known who makes it, and is tried again then as one that has waited for a node.
    func holdBack() {
        state.course.wait()
        board.retries.add(self, after: Self.identityMilliseconds)
    }

    /// After which it is seen whether it is known who makes a call.
    private static var identityMilliseconds: UInt64 { 2 }
}
