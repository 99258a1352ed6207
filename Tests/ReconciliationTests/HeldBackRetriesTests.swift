import Diagnostics
import Synchronization
import TestSupport
import Testing

@testable import Reconciliation

@Suite struct HeldBackRetriesTests {
    /// Somebody who needs so many more tries.
    private final class Dependent: HostDependent {
        let triesLeft: Mutex<Int>
        let tries = Mutex(0)

        init(_ count: Int) { triesLeft = Mutex(count) }

        var heldBack: [Diagnostic] {
            let problem = Diagnostic(
                Diagnostic.Code("test.taken"), at: SourcePosition(file: "a", line: 1, column: 1), found: "",
                expected: "",
                remedy: "")
            return triesLeft.withLock { $0 } > 0 ? [problem] : []
        }

        func retry() async {
            tries.withLock { $0 += 1 }
            triesLeft.withLock { $0 -= 1 }
        }
    }

    private func commit(_ retries: HeldBackRetries<Int>) async throws {
        let change = try await retries.prepare(0, generation: Generation(number: 1, hash: ""))
        await change.commit()
    }

    @Test func `times double from 500 ms to 30 s`() {
        var times = RetryTimes()
        let waits = (0..<8).map { _ in times.next() }
        #expect(waits == [0.5, 1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
    }

    @Test func `what is held back is tried until it is not, between changes, and what is not is left alone`()
        async throws
    {
        let (held, fine) = (Dependent(3), Dependent(0))
        let waits = Mutex<[Duration]>([])
        let entered = Mutex(0)
        let (done, end) = AsyncStream<Never>.makeStream()
        let retries = HeldBackRetries<Int>([fine, held], sleep: { wait in waits.withLock { $0.append(wait) } })
        retries.attach { work in
            entered.withLock { $0 += 1 }
            await work()
            if held.heldBack.isEmpty { end.finish() }
        }
        #expect(retries.heldBack.count == 1)
        try await commit(retries)
        for await _ in done {}
        #expect(waits.withLock { $0 } == [0.5, 1, 2].map { .seconds($0) })
        #expect(entered.withLock { $0 } == 3)
        #expect(fine.tries.withLock { $0 } == 0)
        #expect(retries.heldBack.isEmpty)
    }

    @Test func `each change begins the times anew, and nothing is tried after the end`() async throws {
        let held = Dependent(.max)
        let waits = Mutex<[Duration]>([])
        let (asleep, falls) = AsyncStream<Void>.makeStream()
        let retries = HeldBackRetries<Int>([held]) { wait in
            waits.withLock { $0.append(wait) }
            falls.yield()
            await Poll.until(within: .seconds(3600)) { Task.isCancelled }
            throw CancellationError()
        }
        retries.attach { await $0() }
        var sleeps = asleep.makeAsyncIterator()
        for _ in 0..<3 {
            try await commit(retries)
            await sleeps.next()
        }
        #expect(waits.withLock { $0 } == Array(repeating: .milliseconds(500), count: 3))
        await retries.stop()
        try await commit(retries)
        #expect(held.tries.withLock { $0 } == 0)
    }
}
