import Attestation
import Authorization
import CallOutcomes
import CallPlanning

/// Who makes the call, where that is a process of this host: the kernel is asked, and selectors decide, those of each generation anew.
extension Exchange: IdentifiedCall {
    /// Goes on when as much as that is known of the process.
    func identify(_ depth: FactDepth) {
        state.course.wait()
        origin.process(bench).findOut(depth, for: self)
    }

    func identified() {
        guard !isOver else { return }
        // A call that waited for nothing is under way, and its generation is another.
        guard state.course.waited() else { return judgeAgain() }
        begin()
        if !isOver, !isRequestCongested { state.downstream?.resumeRequest() }
    }

    func notIdentified() { fail(.overloaded, status: 503) }

    func refuseProcess() {
        origin.process(bench).refused(at: origin.role, in: board.view.tables)
        fail(.notAttested)
    }

    /// Whether the process that made the call may still have made it, as the generation at hand sees it.
    /// - Returns: `nil`: that is being found out, and the call is judged again then.
    func isCallersStill() -> Bool? {
        guard let admission = origin.role.admission else { return true }
        switch origin.source.verdict(of: admission, in: board.view.tables) {
        case .admitted(let index):
            return admission.candidates.count == 1 || admission.candidates[index].caller.id == state.plan.caller?.id
        case .nobody, .several: return false
        case .needs(let depth):
            // The connection that a copy's original came by may be gone.
            guard !state.isMirror else { return false }
            origin.process(bench).findOut(depth, for: self)
            return nil
        }
    }
}
