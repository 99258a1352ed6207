import CallOutcomes
import CallPlanning
import EventLoops

/// The one timer of a call: what it waits for is `CallDeadlines`' to say.
extension Exchange: EventHandler {
    func ready(_ events: ReadyEvents) {}
    func turnEnded() {}

    func deadlineReached() {
        guard !isOver else { return }
        switch CallDeadlines(bench.timeouts).verdict(on: deadlineFacts, at: loop.now) {
        case .goesOn(let next): setDeadline(next)
        case .expired(let expiry): expire(expiry)
        }
    }

    /// A call has begun: nothing of it can be due before the shortest of all times is over.
    func setFirstDeadline() {
        var next = loop.now + bench.timeouts.shortestOfCalls
        if let requestDeadline = state.requestDeadline { next = min(next, requestDeadline) }
        if let tryDeadline = state.tries.deadline { next = min(next, tryDeadline) }
        // It may have its answer already.
        if let restDeadline = state.restDeadline { next = min(next, restDeadline) }
        setDeadline(next)
    }

    /// A deadline came, or went, that is not a matter of progress.
    func updateDeadline() {
        switch CallDeadlines(bench.timeouts).verdict(on: deadlineFacts, at: loop.now) {
        case .goesOn(let next): setDeadline(next)
        // Not here, in the middle of whatever it is.
        case .expired: setDeadline(loop.now)
        }
    }

    /// A stream of messages, which lasts as long as its two sides want: only what its route or its caller says ends it; or one of
    /// which the route says that it may take as long as it takes.
    private var isOpenEnded: Bool {
        (state.plan.rule?.isUnlimited ?? false) || isTunnelOpen || (state.plan.service?.isGRPC ?? false)
    }

    private var deadlineFacts: CallDeadlines.Facts {
        CallDeadlines.Facts(
            began: state.startedAt / 1000, requestDeadline: state.requestDeadline, tryDeadline: state.tries.deadline,
            restDeadline: state.restDeadline, isOpenEnded: isOpenEnded, isTunnel: tunnel != .none,
            isRequestComplete: isRequestComplete, isResponseStarted: state.course.isAnswerBegun,
            isResponseComplete: isResponseComplete, isTunnelOpen: isTunnelOpen,
            caller: state.downstream?.callerProgress() ?? .unobserved,
            workload: state.course.stream?.workloadProgress())
    }

    private func expire(_ expiry: CallDeadlines.Expiry) {
        switch expiry {
        case .timedOut, .workloadStalled, .tunnelIdle: fail(.timeout)
        case .requestStalled: fail(.timeout, status: 408)
        case .restMissing: fail(.callerGone)
        case .callerStalled:
            // Nobody reads what could be said.
            noteStalledCaller()
            state.downstream?.cutResponse(passingOn: false)
            callerGone()
        }
    }
}
