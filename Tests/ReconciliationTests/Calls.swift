import Glibc
import Synchronization
import SystemInterfaces

@testable import Reconciliation

/// Counts system calls, and refuses one of them, or all from one on, as if the process had been killed there.
final class Calls: Sendable {
    private struct State {
        var names: [String] = []
        var isBrokenOff = false
        var isMended = false
    }

    private let state = Mutex(State())
    private let first: Int
    private let number: CInt
    private let isOver: Bool

    init(breakingOffAt first: Int = .max, with number: CInt = EINTR) {
        (self.first, self.number, isOver) = (first, number, true)
    }
    init(failingAt first: Int, with number: CInt) { (self.first, self.number, isOver) = (first, number, false) }

    var writer: FileWriter {
        FileWriter { [self] name, path throws(SystemCallError) in
            let isRefused = state.withLock { state in
                state.names.append(name)
                let call = state.names.count - 1
                guard !state.isMended, isOver ? call >= first : call == first else { return false }
                state.isBrokenOff = true
                return true
            }
            if isRefused { throw SystemCallError(name, errno: number) }
        }
    }

    /// From now on nothing is refused.
    func mend() { state.withLock { $0.isMended = true } }

    var count: Int { state.withLock { $0.names.count } }
    var isBrokenOff: Bool { state.withLock { $0.isBrokenOff } }

    /// Where the calls of this name stand among all.
    func places(of name: String) -> [Int] {
        state.withLock { state in state.names.indices.filter { state.names[$0] == name } }
    }
}
