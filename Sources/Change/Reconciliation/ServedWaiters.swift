import Synchronization

/// Those who wait for a generation to serve.
final class ServedWaiters: Sendable {
    private struct State {
        var waiting: [UInt64: (hash: String, continuation: CheckedContinuation<ServedGeneration?, Never>)] = [:]
        /// Given up before they began to wait.
        var cancelled: Set<UInt64> = []
        var next: UInt64 = 0
        var isFinished = false
    }

    private let state = Mutex(State())

    /// - Returns: `nil` if the task was cancelled, or there will be no further generation.
    func wait(for hash: String, isolation: isolated (any Actor)? = #isolation) async -> ServedGeneration? {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isFinished || state.cancelled.remove(number) != nil { return true }
                    state.waiting[number] = (hash, continuation)
                    return false
                }
                if isOver { continuation.resume(returning: nil) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let waiter = state.waiting.removeValue(forKey: number)
                if waiter == nil { state.cancelled.insert(number) }
                return waiter
            }
            waiter?.continuation.resume(returning: nil)
        }
    }

    func serve(_ served: ServedGeneration) {
        let ready = state.withLock { state in
            let ready = state.waiting.filter { $0.value.hash == served.generation.hash }
            for number in ready.keys { state.waiting[number] = nil }
            return ready
        }
        for waiter in ready.values { waiter.continuation.resume(returning: served) }
    }

    func finish() {
        let rest = state.withLock { state in
            state.isFinished = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for waiter in rest.values { waiter.continuation.resume(returning: nil) }
    }
}
