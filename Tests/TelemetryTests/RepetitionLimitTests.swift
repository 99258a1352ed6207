import Telemetry
import Testing

struct RepetitionLimitTests {
    @Test func `of each kind the first few are told, and of the others how many they were`() {
        var limit = RepetitionLimit<String>()
        let told = (0..<2_000).count { _ in limit.admits("handshake") }
        let other = limit.admits("other")
        #expect(told == RepetitionLimit<String>.shown)
        #expect(other)
        let rest = limit.endWindow()
        #expect(rest.count == 1)
        #expect(rest.first?.kind == "handshake" && rest.first?.count == 2_000 - told)
        // What somebody else has left out is told of, too, and takes nobody's place.
        limit.leaveOut("handshake", 5)
        let first = limit.admits("handshake")
        let others = limit.endWindow()
        #expect(first && others.map(\.count) == [5])
        // The next window begins with nothing.
        let again = limit.admits("handshake")
        let left = limit.endWindow()
        #expect(again && left.isEmpty)
    }
}
