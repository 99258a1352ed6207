import Synchronization
import SystemInterfaces

/// The threads of one service, and the calls that wait for them. What one service does, however long it takes, holds up no other, and
/// no worker.
package final class ServiceExecutor: Sendable {
    /// Calls that wait to be begun: 256. What comes beyond them is overloaded.
    package static let waitingLimit = 256

    private struct Queue {
        /// Those that there is something to tell, each once.
        var calls: [(call: any WaitingCall, isNew: Bool)] = []
        var next = 0
        /// Of these, the ones that are new.
        var waiting = 0
        var threadCount = 0
        var idleCount = 0
        var isStopped = false
    }

    /// Of the threads, 15 bytes at most.
    private let name: String
    private let threadLimit: Int
    private let waitingLimit: Int
    private let queue = Mutex(Queue())
    private let wakeup = Signal()

    /// Starts no thread: the first call does.
    package init(name: String, threadCount: Int, waitingLimit: Int = ServiceExecutor.waitingLimit) {
        self.name = name
        threadLimit = threadCount
        self.waitingLimit = waitingLimit
    }

    /// Threads end when they have nothing to do. Calls are no more told anything.
    package func stop() {
        let count = queue.withLock { queue in
            queue.isStopped = true
            return queue.threadCount
        }
        for _ in 0..<count { wakeup.give() }
    }

    /// Calls that wait to be begun.
    package var waitingCount: Int { queue.withLock { $0.waiting } }

    /// - Returns: `false`: there are too many already, or nobody who could do anything about it.
    func admit(_ call: any WaitingCall) -> Bool {
        let isTaken = queue.withLock { queue in
            guard !queue.isStopped, queue.waiting < waitingLimit, hasThread(&queue) else { return false }
            queue.waiting += 1
            queue.calls.append((call, true))
            return true
        }
        if isTaken { wakeup.give() }
        return isTaken
    }

    /// There is something to tell a call's service. As many as there are calls wait here.
    /// - Returns: `false`: there are no threads any more.
    func add(_ call: any WaitingCall) -> Bool {
        let isTaken = queue.withLock { queue in
            guard !queue.isStopped else { return false }
            _ = hasThread(&queue)
            queue.calls.append((call, false))
            return true
        }
        if isTaken { wakeup.give() }
        return isTaken
    }

    /// Makes sure that there is a thread for one more, if there may be.
    private func hasThread(_ queue: inout Queue) -> Bool {
        guard queue.idleCount <= queue.calls.count - queue.next, queue.threadCount < threadLimit else {
            return queue.threadCount > 0
        }
        do throws(SystemCallError) {
            try SystemThread.start(name: "\(name)-\(queue.threadCount + 1)") { self.runThread() }
            queue.threadCount += 1
            queue.idleCount += 1
        } catch {
            // The kernel gives none now. Those that there are do all there is to do.
        }
        return queue.threadCount > 0
    }

    // MARK: On the threads

    private func runThread() {
        while true {
            wakeup.wait()
            guard let call = take() else { return }
            call.run()
            queue.withLock { $0.idleCount += 1 }
        }
    }

    /// - Returns: `nil`: it is over.
    private func take() -> (any WaitingCall)? {
        queue.withLock { queue in
            guard queue.next < queue.calls.count else { return nil }
            let (call, isNew) = queue.calls[queue.next]
            queue.next += 1
            if isNew { queue.waiting -= 1 }
            queue.idleCount -= 1
            if queue.next == queue.calls.count {
                queue.calls.removeAll(keepingCapacity: queue.next <= waitingLimit)
                queue.next = 0
            } else if queue.next >= 1024 {
                queue.calls.removeFirst(queue.next)
                queue.next = 0
            }
            return call
        }
    }
}

/// A call that there is something to tell of.
protocol WaitingCall: AnyObject, Sendable {
    /// Tells it. May take as long as it takes.
    func run()
}

/// A service that Heddle answers for, and its threads.
package struct ServiceHost: Sendable {
    package let service: any LocalService
    package let executor: ServiceExecutor

    /// - Parameter name: Of the threads: 12 bytes at most.
    package init(
        _ service: any LocalService, name: String, threadCount: Int, waitingLimit: Int = ServiceExecutor.waitingLimit
    ) {
        self.service = service
        executor = ServiceExecutor(name: name, threadCount: threadCount, waitingLimit: waitingLimit)
    }
}
