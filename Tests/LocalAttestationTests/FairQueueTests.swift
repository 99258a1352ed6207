import Testing

@testable import LocalAttestation

struct FairQueueTests {
    private static func add<Element>(_ element: Element, of user: UInt32, _ queue: inout FairQueue<Element>) -> Bool {
        queue.add(element, of: user)
    }

    @Test func `users have their turns, however much one asks`() {
        var queue = FairQueue<String>()
        for number in 0..<5 { #expect(Self.add("a\(number)", of: 1, &queue)) }
        #expect(Self.add("b0", of: 2, &queue))
        #expect(Self.add("b1", of: 2, &queue))
        #expect(Self.add("c0", of: 3, &queue))
        var order: [String] = []
        while let next = queue.next() { order.append(next) }
        #expect(order == ["a0", "b0", "c0", "a1", "b1", "a2", "a3", "a4"])
        #expect(queue.count == 0)
    }

    @Test func `who has asked too much is refused, and nobody else`() {
        var queue = FairQueue<Int>()
        for number in 0..<FairQueue<Int>.limitPerUser { #expect(Self.add(number, of: 1, &queue)) }
        #expect(!Self.add(-1, of: 1, &queue))
        #expect(Self.add(-2, of: 2, &queue))
        let first = queue.next()
        #expect(first == 0)
        #expect(Self.add(-3, of: 1, &queue))
    }

    @Test func `all users together are bounded, too`() {
        var queue = FairQueue<Int>()
        var user: UInt32 = 0
        while queue.count < FairQueue<Int>.limit {
            user += 1
            for number in 0..<FairQueue<Int>.limitPerUser { #expect(Self.add(number, of: user, &queue)) }
        }
        #expect(!Self.add(0, of: user + 1, &queue))
    }
}
