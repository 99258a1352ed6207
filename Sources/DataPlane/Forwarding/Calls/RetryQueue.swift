import EventLoops

/// Calls that wait for a node which cannot be connected to just now: it may be starting again.
final class RetryQueue: EventHandler {
    private struct Waiting {
        let due: DeadlineWheel.Time
        let exchange: Exchange
        /// Which of the exchange's lives it is.
        let life: UInt64
    }

    private let loop: EventLoop
    private var registration = Registration.none
    private var waiting: [Waiting] = []

    init(loop: EventLoop) { self.loop = loop }

    func add(_ exchange: Exchange, after milliseconds: UInt64) {
        if registration.isNone { registration = loop.register(self) }
        waiting.append(Waiting(due: loop.now + milliseconds, exchange: exchange, life: exchange.life))
        updateDeadline()
    }

    func deadlineReached() {
        let now = loop.now
        let due = waiting.filter { $0.due <= now }
        waiting.removeAll { $0.due <= now }
        for entry in due where entry.exchange.life == entry.life { entry.exchange.tryAgain() }
        updateDeadline()
    }

    func ready(_ events: ReadyEvents) {}
    func turnEnded() {}

    private func updateDeadline() { loop.setDeadline(registration, to: waiting.map(\.due).min()) }
}
