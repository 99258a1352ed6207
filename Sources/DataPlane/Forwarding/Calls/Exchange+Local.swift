import Authorization
import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import ServiceContracts

/// Calls that Heddle answers for itself.
extension Exchange {
    /// Hands the call to a service on this node. It has been judged, as every call that ends here.
    func hand(to host: ServiceHost) {
        // None of them speaks it, and a body that is framed otherwise would be taken for what it is not.
        guard !isGRPCRequest else { return fail(.noRoute) }
        guard tunnel == .none else { return fail(.malformed, status: 501) }
        guard let caller = state.plan.caller else { return fail(.denied) }
        tellToContinue()
        guard !isOver else { return }
        let stream = LocalServiceStream(
            LocalRequest(
                copying: request, hasBody: !requestBody.isNone, caller: caller, peerAddress: origin.peer.ip,
                remoteAddress: origin.facts.remoteAddress, isRemoteAddressUnreadable: state.plan.client.isUnreadable),
            to: host, bench: bench, among: board.locals)
        guard stream.start(self) else { return fail(.overloaded, status: FailureReason.overloadedStatus) }
        // There is no other try.
        retained.drop()
    }

    /// Nobody else says so (RFC 9110 § 10.1.1).
    private func tellToContinue() {
        guard request.hasField(.expect) else { return }
        request.removeField(.expect)
        guard !isRequestComplete else { return }
        bench.responseHead.removeAll()
        bench.responseHead.status = 100
        receivedInterim(&bench.responseHead)
    }

    /// What the rules of a resource say of the call as a whole: counted, and kept if it is a refusal, as what those of a service say.
    func note(_ verdict: LocalVerdict) {
        guard let service = state.plan.service else { return }
        let program = verdict.program.program
        board.count(verdict.decision, labels: verdict.program.policyLabels)
        if !verdict.isAllowed {
            request.identify(using: &bench.random)
            note(
                verdict.decision, by: program, of: service.name,
                at: ResourcePlace(verdict.resource, path: verdict.path))
        }
        let first = program.policies.count - program.observed.count
        for observed in verdict.observed {
            let index = first + observed.place
            note(
                program.policies[index], verdict.program.policyLabels[index], observed.verdict, of: service.name)
        }
    }
}

extension FailureReason {
    /// Of a call that finds no room, rather than one that is too large.
    static let overloadedStatus: UInt16 = 503
}
