import Testing

@testable import Forwarding

@Suite struct DueQueueTests {
    @Test func `what is due first is taken first, and of those due together the first to come`() {
        var queue = DueQueue<Int>()
        // Each number three times, in an order that repeats for nobody.
        var state: UInt64 = 7
        var dues: [UInt64] = []
        for number in 0..<3_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            dues.append((state >> 33) % 500)
            queue.add(number, due: dues[number])
        }
        let expected = dues.indices.sorted { (dues[$0], $0) < (dues[$1], $1) }
        #expect(queue.nextDue == dues.min())
        var taken: [Int] = []
        while let number = queue.takeNext(dueBy: .max) { taken.append(number) }
        #expect(taken == expected)
        #expect(queue.nextDue == nil)
    }

    @Test func `nothing is taken before its time`() {
        var queue = DueQueue<String>()
        queue.add("b", due: 20)
        queue.add("a", due: 10)
        let early = queue.takeNext(dueBy: 9)
        let first = queue.takeNext(dueBy: 10)
        let second = queue.takeNext(dueBy: 10)
        #expect((early, first, second) == (nil, "a", nil))
        #expect(queue.count == 1)
        #expect(queue.nextDue == 20)
    }
}
