import EventLoops

/// A call that can be tried again.
protocol RetriedCall: AnyObject {
    /// Told from the call that the same object carried before, and the next.
    var life: UInt64 { get }
    func tryAgain()
}

/// Calls that wait for a node which cannot be connected to just now: it may be starting again.
final class RetryQueue: EventHandler {
    private struct Waiting {
        let call: any RetriedCall
        /// Which of its lives it is.
        let life: UInt64
    }

    private let loop: EventLoop
    private var registration = Registration.none
    private var waiting = DueQueue<Waiting>()

    init(loop: EventLoop) { self.loop = loop }

    func add(_ call: any RetriedCall, after milliseconds: UInt64) {
        if registration.isNone { registration = loop.register(self) }
        let due = loop.now + milliseconds
        let isNext = waiting.nextDue.map { due < $0 } ?? true
        waiting.add(Waiting(call: call, life: call.life), due: due)
        if isNext { loop.setDeadline(registration, to: due) }
    }

    func deadlineReached() {
        let now = loop.now
        // What is added meanwhile is due later: this ends.
        while let entry = waiting.takeNext(dueBy: now) {
            // One that is over, or is another call by now, waits for nothing.
            if entry.call.life == entry.life { entry.call.tryAgain() }
        }
        loop.setDeadline(registration, to: waiting.nextDue)
    }

    func ready(_ events: ReadyEvents) {}
    func turnEnded() {}
}
