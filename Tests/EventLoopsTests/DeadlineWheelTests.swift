import Testing

@testable import EventLoops

struct DeadlineWheelTests {
    private func expired(_ wheel: inout DeadlineWheel, at now: DeadlineWheel.Time) -> [Int32] {
        var owners: [Int32] = []
        wheel.advance(to: now, expired: &owners)
        return owners.sorted()
    }

    @Test func `a deadline comes up once, not early and at most a tick late`() {
        var wheel = DeadlineWheel(now: 1000)
        wheel.set(3, to: 1010)
        let early = expired(&wheel, at: 1009)
        let onTime = expired(&wheel, at: 1016)
        let again = expired(&wheel, at: 5000)
        #expect(early == [])
        #expect(onTime == [3])
        #expect(again == [])
    }

    @Test func `moving a deadline later keeps the first visit silent`() {
        var wheel = DeadlineWheel(now: 0)
        wheel.set(1, to: 100)
        wheel.set(1, to: 300)
        let first = expired(&wheel, at: 200)
        let second = expired(&wheel, at: 304)
        #expect(first == [])
        #expect(second == [1])
    }

    @Test func `moving a deadline earlier brings it forward`() {
        var wheel = DeadlineWheel(now: 0)
        wheel.set(1, to: 10_000)
        wheel.set(1, to: 50)
        let owners = expired(&wheel, at: 56)
        #expect(owners == [1])
    }

    @Test func `deadlines further ahead than a round of the wheel still come up in time`() {
        var wheel = DeadlineWheel(now: 0)
        wheel.set(1, to: 100_000)
        var now: DeadlineWheel.Time = 0
        var owners: [Int32] = []
        while owners.isEmpty, let due = wheel.nextDue() {
            now = due
            owners = expired(&wheel, at: now)
        }
        #expect(owners == [1])
        #expect((100_000...100_004).contains(now))
    }

    @Test func `a removed owner is never told`() {
        var wheel = DeadlineWheel(now: 0)
        for owner in Int32(0)..<10 { wheel.set(owner, to: 40) }
        wheel.remove(4)
        wheel.set(5, to: nil)
        let owners = expired(&wheel, at: 44)
        #expect(owners == [0, 1, 2, 3, 6, 7, 8, 9])
        #expect(wheel.nextDue() == nil)
    }

    @Test func `random deadlines agree with a plain list`() {
        var random = SystemRandomNumberGenerator()
        var wheel = DeadlineWheel(now: 0)
        var expected: [Int32: DeadlineWheel.Time] = [:]
        var now: DeadlineWheel.Time = 0
        for _ in 0..<20_000 {
            let owner = Int32.random(in: 0..<50, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                wheel.set(owner, to: nil)
                expected[owner] = nil
            case 1, 2:
                let deadline = now + .random(in: 0...30_000, using: &random)
                wheel.set(owner, to: deadline)
                expected[owner] = deadline
            default:
                now += .random(in: 0...5_000, using: &random)
                let told = expired(&wheel, at: now)
                // One tick of grace: what is due within it may come now or with the next call.
                let due = expected.filter { $0.value <= now }
                let overdue = expected.filter { $0.value + 8 <= now }
                #expect(Set(told).isSubset(of: due.keys))
                #expect(Set(overdue.keys).isSubset(of: told))
                for owner in told { expected[owner] = nil }
            }
        }
    }
}
