import Glibc
import Synchronization

/// Tells a service manager what there is to tell. A thread of its own waits for one that does not read, and so nobody else does: what
/// is told says how things are, and must not stand in their way.
package final class ServiceMessenger: Sendable {
    private struct State {
        var queue = NoticeQueue()
        /// Something was taken from the queue, and is not told yet.
        var isTelling = false
    }

    private let manager: ServiceManager
    private let state = Mutex(State())
    private let wakeup = Signal()

    /// - Parameter onChange: Called when the manager cannot be told, with the reason, and when it can again, with none; not each time
    ///   in between.
    package init(_ manager: ServiceManager, onChange: @escaping @Sendable (SystemCallError?) -> Void) {
        self.manager = manager
        do throws(SystemCallError) {
            try SystemThread.start(name: "manager") { self.run(onChange) }
        } catch {
            onChange(error)
        }
    }

    /// From any thread; waits for nothing.
    package func tell(_ notices: ServiceManager.Notice...) {
        state.withLock { $0.queue.add(notices) }
        wakeup.give()
    }

    /// Nothing waits to be told.
    package var isIdle: Bool { state.withLock { !$0.isTelling && $0.queue.isEmpty } }

    /// Waits until all is told, for a second at most: the manager may not read.
    package func flush() async {
        for _ in 0..<100 where !isIdle {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    // MARK: On the thread

    private func run(_ onChange: (SystemCallError?) -> Void) {
        var isFailing = false
        while true {
            wakeup.wait()
            while let message = next() {
                let error = tell(message)
                if isFailing != (error != nil) { onChange(error) }
                isFailing = error != nil
            }
        }
    }

    private func next() -> [ServiceManager.Notice]? {
        state.withLock { state in
            let message = state.queue.take()
            state.isTelling = message != nil
            return message
        }
    }

    /// - Returns: Why it is not told. Where the manager is there and does not read, the message waits on; where nobody is, it is lost.
    private func tell(_ message: [ServiceManager.Notice]) -> SystemCallError? {
        do throws(SystemCallError) {
            try manager.tell(message)
            return nil
        } catch {
            if error.errno == EAGAIN { state.withLock { $0.queue.putBack(message) } }
            return error
        }
    }
}
