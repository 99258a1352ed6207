import Testing

@testable import LocalAttestation

struct FairQueueTests {
    private static func add<Element>(_ element: Element, of user: UInt32, _ queue: inout FairQueue<Element>) -> Bool {
        queue.add(element, of: user)
    }

    /// Each turn as `1: a b`, one answer a turn, until nothing is left.
    private static func turns(_ queue: inout FairQueue<String>) -> [String] {
        var left: [UInt32: Int] = [:]
        var turns: [String] = []
        while let (user, begins) = queue.next() {
            turns.append("\(user):" + begins.map { " \($0)" }.joined())
            let now = left[user] ?? begins.count
            left[user] = now == 1 ? nil : now - 1
            queue.tookTurn(user, answered: 1, isOver: now == 1)
        }
        return turns
    }

    @Test func `users have their turns, however much one asks and however long that takes`() {
        var queue = FairQueue<String>()
        for number in 0..<4 { #expect(Self.add("a\(number)", of: 1, &queue)) }
        #expect(Self.add("b0", of: 2, &queue))
        #expect(Self.add("b1", of: 2, &queue))
        #expect(Self.add("c0", of: 3, &queue))
        #expect(Self.turns(&queue) == ["1: a0 a1 a2 a3", "2: b0 b1", "3: c0", "1:", "2:", "1:", "1:"])
        #expect(queue.count == 0)
    }

    @Test func `what is asked while a user's questions are under way begins after them`() {
        var queue = FairQueue<String>()
        #expect(Self.add("a", of: 1, &queue))
        #expect(queue.next()?.begins == ["a"])
        #expect(Self.add("b", of: 1, &queue))
        // It is his turn: he has no other beside it.
        #expect(queue.next() == nil)
        queue.tookTurn(1, answered: 0, isOver: false)
        #expect(queue.next()?.begins == [])
        queue.tookTurn(1, answered: 1, isOver: true)
        #expect(queue.next()?.begins == ["b"])
        queue.tookTurn(1, answered: 1, isOver: true)
        #expect(queue.next() == nil)
    }

    @Test func `where few may be under way at once, others begin in their order when one is over`() {
        var queue = FairQueue<String>(mostUnderWay: 2)
        for user: UInt32 in 1...4 { #expect(Self.add("\(user)", of: user, &queue)) }
        for user: UInt32 in 1...2 {
            #expect(queue.next()?.user == user)
            queue.tookTurn(user, answered: 0, isOver: false)
        }
        #expect(queue.next()?.user == 1)
        queue.tookTurn(1, answered: 1, isOver: true)
        #expect(queue.next()?.user == 3)
        queue.tookTurn(3, answered: 0, isOver: false)
        #expect(queue.next()?.user == 2)
    }

    @Test func `who has asked too much is refused, and nobody else`() {
        var queue = FairQueue<Int>()
        for number in 0..<FairQueue<Int>.limitPerUser { #expect(Self.add(number, of: 1, &queue)) }
        #expect(!Self.add(-1, of: 1, &queue))
        #expect(Self.add(-2, of: 2, &queue))
        // What is under way waits for its answer as well.
        #expect(queue.next()?.begins.count == FairQueue<Int>.limitPerUser)
        #expect(!Self.add(-3, of: 1, &queue))
        queue.tookTurn(1, answered: 1, isOver: false)
        #expect(Self.add(-3, of: 1, &queue))
        #expect(!Self.add(-4, of: 1, &queue))
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
