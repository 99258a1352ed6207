import Testing

@testable import Reconciliation

struct SetGuardTests {
    private let start = ContinuousClock.now

    @Test func `half of the resources may go, more must be said twice`() {
        var setGuard = SetGuard(times: ReadingTimes())
        let half = setGuard.judge(hash: "x", count: 5, servedCount: 10, at: start)
        let less = setGuard.judge(hash: "y", count: 4, servedCount: 10, at: start)
        let early = setGuard.judge(hash: "y", count: 4, servedCount: 10, at: start + .milliseconds(999))
        let other = setGuard.judge(hash: "z", count: 4, servedCount: 10, at: start + .seconds(1))
        let second = setGuard.judge(hash: "z", count: 4, servedCount: 10, at: start + .seconds(2))
        #expect(half == .take)
        #expect(less == .waitUntil(start + .seconds(1)))
        #expect(early == .waitUntil(start + .seconds(1)))
        #expect(other == .waitUntil(start + .seconds(2)))
        #expect(second == .take)
    }

    @Test func `an empty set is never taken by itself, unless nothing served`() {
        var setGuard = SetGuard(times: ReadingTimes())
        let first = setGuard.judge(hash: "x", count: 0, servedCount: 10, at: start)
        let second = setGuard.judge(hash: "x", count: 0, servedCount: 10, at: start + .seconds(5))
        let fresh = setGuard.judge(hash: "x", count: 0, servedCount: 0, at: start)
        #expect((first, second, fresh) == (.waitForConfirmation, .waitForConfirmation, .take))
    }
}
