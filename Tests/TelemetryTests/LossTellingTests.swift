import Telemetry
import Testing

struct LossTellingTests {
    private static let between = LossTelling.windowsBetween

    @Test func `a stall that lasts is told once in a while, and its end once, with all of it`() {
        var telling = LossTelling()
        var words = (1...UInt64(2 * Self.between)).map { telling.windowEnds(lost: $0, isOver: false) }
        let silence = Array(repeating: LossTelling.Word.nothing, count: Self.between - 1)
        #expect(words == [.goesOn] + silence + [.goesOn] + silence)
        words = [telling.windowEnds(lost: 20, isOver: true), telling.windowEnds(lost: 0, isOver: true)]
        #expect(words == [.over, .nothing])
    }

    @Test func `what is over by the end of its window is told as such`() {
        var telling = LossTelling()
        let word = telling.windowEnds(lost: 3, isOver: true)
        #expect(word == .over)
    }

    @Test func `a reader that stalls again and again is told of no more often`() {
        var telling = LossTelling()
        let words = (0..<10 * Self.between).map { telling.windowEnds(lost: 1, isOver: $0 % 2 == 0) }
        #expect(words.count { $0 == .over } <= 10)
        #expect(words.count { $0 == .goesOn } <= 10)
    }

    @Test func `a stall of which no more is known is not told again`() {
        var telling = LossTelling()
        let words = (0..<3 * Self.between).map { _ in telling.windowEnds(lost: 5, isOver: false) }
        #expect(words.count { $0 == .goesOn } == 1)
    }

    @Test func `the last window tells what is left`() {
        var telling = LossTelling()
        _ = telling.windowEnds(lost: 3, isOver: true)
        let word = telling.windowEnds(lost: 2, isOver: false, isLast: true)
        #expect(word == .over)
    }
}
