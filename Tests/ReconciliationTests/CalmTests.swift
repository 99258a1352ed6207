import Testing

@testable import Reconciliation

struct CalmTests {
    private let folder = TestFolder()
    private let queue: InotifyQueue

    init() throws {
        queue = try InotifyQueue()
        _ = try InotifyQueue.watch(folder.path, for: .contents, on: queue.descriptor)
    }

    @Test func `holds if nothing happens`() async {
        #expect(queue.drain().isEmpty)
        let calm = queue.calm(until: .now)
        #expect(queue.drain().isEmpty)
        #expect(await calm.holds())
    }

    @Test func `is waited for`() async {
        let end = ContinuousClock.now + .milliseconds(20)
        #expect(await queue.calm(until: end).holds())
        #expect(ContinuousClock.now >= end)
    }

    @Test func `is over with an event that nobody has read`() async {
        let calm = queue.calm(until: .now)
        folder.service("a", "1")
        #expect(await !calm.holds())
    }

    @Test func `is over with an event that was read`() async {
        let calm = queue.calm(until: .now)
        folder.service("a", "1")
        #expect(!queue.drain().isEmpty)
        #expect(await !calm.holds())
    }

    @Test func `begins after what was read before`() async {
        folder.service("a", "1")
        #expect(!queue.drain().isEmpty)
        #expect(await queue.calm(until: .now).holds())
    }

    @Test func `outlives its queue`() async throws {
        let calm = try InotifyQueue().calm(until: .now)
        #expect(await calm.holds())
    }
}
