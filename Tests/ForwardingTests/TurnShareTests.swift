import Testing

@testable import Forwarding

@Suite struct `A connection's share of a turn` {
    @Test func `is so many reads where each is quick, and the clock is not asked for the first two`() {
        var share = TurnShare()
        var asked = 0
        var reads = 0
        while share.takesRead(clock: {
            asked += 1
            return 1_000
        }) { reads += 1 }
        #expect(reads == TurnShare.reads)
        #expect(asked == TurnShare.reads - 2)
    }

    @Test func `is over after a while where they are not`() {
        var share = TurnShare()
        var now: UInt64 = 5
        var reads = 0
        while share.takesRead(clock: { now }) {
            reads += 1
            now += 900
        }
        // The third begins the count: at 0, 900 and 1,800 µs of it another is begun, at 2,700 none.
        #expect(reads == 5)
    }
}
