import Testing

@testable import SystemInterfaces

struct NoticeQueueTests {
    private static func rest(of queue: NoticeQueue) -> [[ServiceManager.Notice]] {
        var queue = queue
        var messages: [[ServiceManager.Notice]] = []
        while let message = queue.take() { messages.append(message) }
        return messages
    }

    @Test func `what changes is told in its order, and of statuses the last`() {
        var queue = NoticeQueue()
        #expect(queue.isEmpty)
        queue.add([.status("one")])
        queue.add([.ready])
        queue.add([.reloading(at: 1)])
        queue.add([.status("two"), .ready])
        queue.add([.status("three")])
        queue.add([.stopping(within: .seconds(1))])
        #expect(!queue.isEmpty)
        #expect(
            Self.rest(of: queue) == [
                [.ready], [.reloading(at: 1)], [.ready], [.status("three")], [.stopping(within: .seconds(1))],
            ])
    }

    @Test func `one sign of life waits, and another once it is taken`() {
        var queue = NoticeQueue()
        queue.add([.alive])
        queue.add([.ready])
        queue.add([.alive])
        #expect(Self.rest(of: queue) == [[.alive], [.ready]])
        #expect(queue.take() == [.alive])
        queue.add([.alive])
        #expect(Self.rest(of: queue) == [[.ready], [.alive]])
    }

    @Test func `what could not be told is first again, without what is out of date`() {
        var queue = NoticeQueue()
        let first: [ServiceManager.Notice] = [.status("one"), .ready]
        queue.add(first)
        queue.add([.reloading(at: 1)])
        #expect(queue.take() == first)
        queue.putBack(first)
        #expect(Self.rest(of: queue) == [[.status("one"), .ready], [.reloading(at: 1)]])

        #expect(queue.take() == first)
        queue.add([.status("two")])
        queue.putBack(first)
        #expect(Self.rest(of: queue) == [[.ready], [.reloading(at: 1)], [.status("two")]])

        queue.add([.alive])
        queue.putBack([.alive])
        queue.putBack([.status("one")])
        #expect(Self.rest(of: queue) == [[.ready], [.reloading(at: 1)], [.status("two")], [.alive]])
    }

    @Test func `it is bounded, and the oldest makes room`() {
        var queue = NoticeQueue()
        let times = (0..<UInt64(100)).map { [ServiceManager.Notice.reloading(at: $0)] }
        for time in times { queue.add(time) }
        #expect(Self.rest(of: queue) == Array(times.suffix(NoticeQueue.limit)))
        queue.putBack([.ready])
        #expect(Self.rest(of: queue) == Array(times.suffix(NoticeQueue.limit)))
    }
}
