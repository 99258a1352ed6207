import CallPlanning
import HTTPSemantics
import Routing

/// Copies of a call whose answers nobody reads (Gateway API's RequestMirror).
extension Exchange {
    func mirror(by rule: BoundRule) {
        if !rule.rule.mirrors.isEmpty { mirror(rule.rule.mirrors, of: rule) }
        let backendMirrors = rule.rule.backends[state.plan.backend].mirrors
        if !backendMirrors.isEmpty { mirror(backendMirrors, of: rule) }
    }

    private func mirror(_ mirrors: [RouteMirror], of rule: BoundRule) {
        for mirror in mirrors where mirror.isChosen(using: &bench.random) {
            let copy = Exchange.take(from: board)
            copy.start(asCopyOf: self, to: rule.service(of: mirror))
            if !copy.isOver { state.mirrors.append(copy) }
        }
    }

    /// A copy of another call as it was sent, for another service.
    private func start(asCopyOf original: Exchange, to service: ServiceTable) {
        request.copy(original.request)
        original.state.plan.rewriteCopy(&request)
        requestBody = original.requestBody
        begin(from: MirrorSink.shared, origin: original.origin)
        state.isMirror = true
        state.plan = CallPlan(copying: original.state.plan, for: service)
        board.copyBegan(self)
        send()
        if !isOver { setFirstDeadline() }
    }
}

/// Takes the answer to a mirrored call and forgets it.
/// It knows nothing of any call: one serves all.
final class MirrorSink: DownstreamStream, Sendable {
    static let shared = MirrorSink()

    func sendHead(_ head: borrowing MessageHead, body: ResponseBody) {}
    func sendInterim(_ head: borrowing MessageHead) {}
    func sendBody(_ bytes: Span<UInt8>) {}
    func endResponse(trailers: borrowing MessageHead) {}
    func retractResponse() -> Bool { false }
    func cutResponse(passingOn: Bool) {}
    func resumeRequest() {}
    var isCongested: Bool { false }
    func callerProgress() -> SideProgress { .unobserved }
    var readsRestOfRequest: Bool { false }
    var carriesTrailers: Bool { false }
    var upgradesBySuccess: Bool { false }
    func callEnded() {}
}
