import EventLoops

/// What one side of a call has come to. Times are the loop's, in milliseconds.
struct SideProgress: Equatable {
    /// When bytes last came from it, or it was last told to go on.
    var lastInput: DeadlineWheel.Time
    /// When it last took bytes, or the first of those began to wait that now do.
    var lastOutput: DeadlineWheel.Time
    /// Bytes wait for it to take them.
    var isAwaited = false
    /// What it sends is left unread, as the other side does not take it.
    var isHeldBack = false

    /// It has come and gone as it should, whenever it is asked.
    static let unobserved = SideProgress(lastInput: 0, lastOutput: 0, isHeldBack: true)

    var last: DeadlineWheel.Time { max(lastInput, lastOutput) }
}

/// When a call has taken too long, whatever its two sides speak: from what is known of it, and nowhere else.
///
/// What counts is progress, on each side by itself. A side that is held back by the other is not late, unless both are.
struct CallDeadlines {
    /// What is known of a call when it is asked whether it has taken too long.
    struct Facts {
        var began: DeadlineWheel.Time
        /// By when the whole answer must be there.
        var requestDeadline: DeadlineWheel.Time?
        /// The same for the try under way.
        var tryDeadline: DeadlineWheel.Time?
        /// By when the rest must be there of a request that has its answer.
        var restDeadline: DeadlineWheel.Time?
        /// A stream of messages, or a call of which its route says that it may take as long as it takes.
        var isOpenEnded = false
        /// Bytes both ways, or a request for that.
        var isTunnel = false
        var isRequestComplete = false
        var isResponseStarted = false
        var isResponseComplete = false
        /// Bytes go both ways.
        var isTunnelOpen = false
        var caller: SideProgress
        /// `nil` while no connection is up, and once the answer is whole.
        var workload: SideProgress?
    }

    enum Expiry: Equatable {
        /// The call, or its try, has used up the time that its route or its caller gave it.
        case timedOut
        /// The rest of a request that has its answer.
        case restMissing
        /// The caller sends no more of its request.
        case requestStalled
        /// The caller takes nothing of what waits for it.
        case callerStalled
        /// The workload takes nothing of the request, or says nothing.
        case workloadStalled
        /// Nothing goes either way.
        case tunnelIdle
    }

    enum Verdict: Equatable {
        case expired(Expiry)
        /// To be asked again then, at the latest: whatever begins to count without a word cannot be due earlier.
        case goesOn(until: DeadlineWheel.Time)
    }

    let timeouts: MillisecondTimeouts

    init(_ timeouts: MillisecondTimeouts) { self.timeouts = timeouts }

    func verdict(on call: Facts, at now: DeadlineWheel.Time) -> Verdict {
        var look = Look(began: call.began, now: now, next: now + timeouts.shortestOfCalls)
        look.at(call.requestDeadline, .timedOut)
        look.at(call.tryDeadline, .timedOut)
        look.at(call.restDeadline, .restMissing)
        if call.caller.isAwaited { look.at(call.caller.lastOutput, plus: timeouts.stream, .callerStalled) }
        if awaitsRequest(call) { look.at(call.caller.lastInput, plus: timeouts.requestBody, .requestStalled) }
        if let workload = call.workload { lookAt(workload, of: call, &look) }
        if call.isTunnelOpen {
            let last = max(call.caller.last, call.workload?.last ?? 0)
            look.at(last, plus: timeouts.tunnelIdle, .tunnelIdle)
        }
        return look.expiry.map { .expired($0) } ?? .goesOn(until: look.next)
    }

    /// An answer that is under way may go with a request that is: then it is the answer that must go on.
    private func awaitsRequest(_ call: Facts) -> Bool {
        !call.isRequestComplete && !call.isTunnel && !call.isOpenEnded && !call.caller.isHeldBack
            && (!call.isResponseStarted || call.isResponseComplete)
    }

    private func lookAt(_ workload: SideProgress, of call: Facts, _ look: inout Look) {
        let isRequestHeldBack = !call.isRequestComplete && call.caller.isHeldBack
        if isRequestHeldBack, workload.isHeldBack {
            look.at(max(call.caller.last, workload.last), plus: timeouts.stream, .workloadStalled)
        }
        guard !call.isOpenEnded || call.isTunnelOpen else { return }
        if workload.isAwaited { look.at(workload.lastOutput, plus: timeouts.stream, .workloadStalled) }
        guard !call.isTunnelOpen else { return }
        if call.isResponseStarted {
            if !workload.isHeldBack { look.at(workload.last, plus: timeouts.stream, .workloadStalled) }
        } else if call.isRequestComplete || call.isTunnel, call.requestDeadline == nil, call.tryDeadline == nil {
            // What asks for a tunnel is all of its request that there is before the answer.
            look.at(workload.last, plus: timeouts.response, .workloadStalled)
        }
    }

    private struct Look {
        let began: DeadlineWheel.Time
        let now: DeadlineWheel.Time
        var next: DeadlineWheel.Time
        var expiry: Expiry?

        mutating func at(_ due: DeadlineWheel.Time?, _ expiry: Expiry) {
            guard let due else { return }
            if due <= now { self.expiry = self.expiry ?? expiry } else { next = min(next, due) }
        }

        /// - Parameter last: What was before the call is none of its progress.
        mutating func at(_ last: DeadlineWheel.Time, plus timeout: UInt64, _ expiry: Expiry) {
            at(max(last, began) + timeout, expiry)
        }
    }
}
