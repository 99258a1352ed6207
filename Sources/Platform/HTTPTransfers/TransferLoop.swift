import CCurl
import Glibc
import Synchronization
import SystemInterfaces

/// Fetches over HTTP, any number at once, on one thread.
///
/// libcurl does it. It is loaded with the first loop, so that a host that fetches nothing needs not have it, and has none of
/// its 4 MiB in memory.
///
/// SAFETY: libcurl's loop is used by its own thread alone, which frees it last; `CCurl_wake` may be called by any thread until then, and
/// is, only under the lock under which the thread closes.
package final class TransferLoop: Sendable {
    private enum Command: Sendable {
        case start(TransferID, TransferRequest, any TransferReceiver)
        case cancel(TransferID)
        case perform(at: ContinuousClock.Instant, @Sendable () -> Void)
    }

    struct TransferID: Hashable, Sendable { let number: UInt64 }

    private struct State {
        var commands: [Command] = []
        var lastNumber: UInt64 = 0
        var isStopped = false
    }

    private let state = Mutex(State())
    private let handle: LoopHandle

    /// - Throws: libcurl is not there, or the host gives no thread.
    package init() throws(TransferFailure) {
        if let problem = unsafe CCurl_load() {
            throw TransferFailure(
                "libcurl cannot be loaded: \(unsafe String(cString: problem)); install Debian's package libcurl4")
        }
        guard let loop = unsafe CCurl_loop_new() else { throw TransferFailure("libcurl has no memory for a loop") }
        handle = unsafe LoopHandle(loop)
        do throws(SystemCallError) {
            try SystemThread.start(name: "transfers") { [self] in run() }
        } catch {
            unsafe CCurl_loop_free(loop)
            throw TransferFailure("\(error.call): \(error.reason)")
        }
    }

    /// - Returns: What ends it before it ends by itself.
    @discardableResult
    package func start(_ request: TransferRequest, for receiver: any TransferReceiver) -> Transfer {
        let id = post { state in
            state.lastNumber += 1
            let id = TransferID(number: state.lastNumber)
            state.commands.append(.start(id, request, receiver))
            return id
        }
        guard let id else {
            receiver.ended(TransferFailure("the loop has been stopped"))
            return Transfer(id: TransferID(number: 0), loop: self)
        }
        return Transfer(id: id, loop: self)
    }

    /// Does something on the loop's thread after a time; never, if it is stopped before.
    package func perform(after delay: Duration, _ body: @escaping @Sendable () -> Void) {
        _ = post { $0.commands.append(.perform(at: .now + delay, body)) }
    }

    /// Ends all that is under way, and the thread. What is under way fails.
    package func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            unsafe CCurl_wake(handle.loop)
        }
    }

    func cancel(_ id: TransferID) { _ = post { $0.commands.append(.cancel(id)) } }

    /// - Returns: `nil`: it has been stopped.
    private func post<Result>(_ change: (inout State) -> Result) -> Result? {
        state.withLock { state in
            guard !state.isStopped else { return nil }
            defer { unsafe CCurl_wake(handle.loop) }
            return change(&state)
        }
    }

    // MARK: Its thread

    /// How long it waits where nothing is to be done: libcurl knows its own deadlines.
    private static let longestWait = Duration.seconds(60)

    private func run() {
        let loop = unsafe handle.loop
        var underWay: [TransferID: RunningTransfer] = [:]
        var planned: [(time: ContinuousClock.Instant, body: @Sendable () -> Void)] = []
        while true {
            let (commands, isStopped) = state.withLock { state in
                defer { state.commands = [] }
                return (state.commands, state.isStopped)
            }
            for command in commands {
                switch command {
                case .start(let id, let request, let receiver):
                    if let transfer = unsafe RunningTransfer(request, receiver, id, on: loop) {
                        underWay[id] = transfer
                    }
                case .cancel(let id): unsafe underWay.removeValue(forKey: id)?.free(on: loop)
                case .perform(let time, let body): planned.append((time, body))
                }
            }
            if isStopped { break }
            let now = ContinuousClock.now
            let due = planned.filter { $0.time <= now }
            planned.removeAll { $0.time <= now }
            for item in due.sorted(by: { $0.time < $1.time }) { item.body() }
            // What was just done may have asked for more.
            let wait = due.isEmpty ? planned.map { now.duration(to: $0.time) }.min() ?? Self.longestWait : .zero
            unsafe CCurl_turn(loop, CInt(min(wait, Self.longestWait).milliseconds))
            var result: CInt = 0
            while let ended = unsafe CCurl_ended(loop, &result) {
                guard let transfer = underWay.values.first(where: { unsafe $0.handle == ended }) else { continue }
                underWay[transfer.id] = nil
                unsafe transfer.end(result, on: loop)
            }
        }
        for transfer in underWay.values {
            unsafe transfer.free(on: loop)
            transfer.receiver.ended(TransferFailure("the loop has been stopped"))
        }
        unsafe CCurl_loop_free(loop)
    }
}

/// SAFETY: see `TransferLoop`.
@safe
private struct LoopHandle: @unchecked Sendable {
    let loop: OpaquePointer

    init(_ loop: OpaquePointer) { unsafe self.loop = loop }
}

/// One that was started.
package struct Transfer: Sendable {
    let id: TransferLoop.TransferID
    let loop: TransferLoop

    /// Its receiver is told nothing more, once what it is being told now is over. One that has ended is no mistake.
    package func cancel() { loop.cancel(id) }
}
