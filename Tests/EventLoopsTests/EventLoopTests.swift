import Testing

@testable import EventLoops

struct EventLoopTests {
    /// Asks for its next turn whenever it has had one.
    private final class Restless: EventHandler {
        private let loop: EventLoop
        private(set) var registration = Registration.none
        var other: Restless?
        var turns = 0

        init(_ loop: EventLoop) {
            self.loop = loop
            registration = loop.register(self)
        }

        func ready(_ events: ReadyEvents) {}
        func deadlineReached() {}

        func turnEnded() {
            turns += 1
            guard let other else { return }
            loop.requestEndOfTurn(other.registration)
            if turns == 1 { loop.post { [loop] in loop.stop() } }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `two handlers that keep each other busy do not keep the loop from its other work`() throws {
        let loop = try EventLoop()
        let one = Restless(loop)
        let two = Restless(loop)
        one.other = two
        two.other = one
        loop.requestEndOfTurn(one.registration)

        loop.run()

        #expect(one.turns > 0)
        #expect(two.turns > 0)
    }
}
