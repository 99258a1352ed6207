import EventLoops

/// The one timer of a call: what it waits for is `CallDeadlines`' to say.
extension Exchange: EventHandler {
    func ready(_ events: ReadyEvents) {}
    func turnEnded() {}

    func deadlineReached() {
        guard !isOver else { return }
        switch CallDeadlines(bench.timeouts).verdict(on: deadlineState, at: loop.now) {
        case .goesOn(let next): setDeadline(next)
        case .expired(let expiry): expire(expiry)
        }
    }

    /// A call has begun: nothing of it can be due before the shortest of all times is over.
    func setFirstDeadline() {
        var next = loop.now + bench.timeouts.shortestOfCalls
        if let requestDeadline { next = min(next, requestDeadline) }
        if let backendDeadline { next = min(next, backendDeadline) }
        // It may have its answer already.
        if let restDeadline { next = min(next, restDeadline) }
        setDeadline(next)
    }

    /// A deadline came, or went, that is not a matter of progress.
    func updateDeadline() {
        switch CallDeadlines(bench.timeouts).verdict(on: deadlineState, at: loop.now) {
        case .goesOn(let next): setDeadline(next)
        // Not here, in the middle of whatever it is.
        case .expired: setDeadline(loop.now)
        }
    }

    private var deadlineState: CallState {
        CallState(
            began: startedAt / 1000, requestDeadline: requestDeadline, tryDeadline: backendDeadline,
            restDeadline: restDeadline, isOpenEnded: isOpenEnded, isTunnel: tunnel != .none,
            isRequestComplete: isRequestComplete, isResponseStarted: isResponseStarted,
            isResponseComplete: isResponseComplete, isTunnelOpen: isTunnelOpen,
            caller: downstream?.callerProgress() ?? .unobserved, workload: upstream?.workloadProgress())
    }

    private func expire(_ expiry: CallDeadlines.Expiry) {
        switch expiry {
        case .timedOut, .workloadStalled, .tunnelIdle: fail(.timeout)
        case .requestStalled: fail(.timeout, status: 408)
        case .restMissing: fail(.callerGone)
        case .callerStalled:
            // Nobody reads what could be said.
            noteStalledCaller()
            downstream?.cutResponse(passingOn: false)
            callerGone()
        }
    }
}
