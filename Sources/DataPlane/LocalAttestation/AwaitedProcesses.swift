import Attestation
import Synchronization

/// The processes that questions wait about which connections of Unix sockets have asked: held open, each of them once, however many
/// connections it has.
final class AwaitedProcesses: Sendable {
    private struct Entry {
        let handle: ProcessHandle
        let user: UInt32
        var questions: Int
    }

    private struct State {
        /// By number; several where one has ended and another has its number by now.
        var entries: [Int32: [Entry]] = [:]
        var counts: [UInt32: Int] = [:]
        var count = 0
    }

    private let state = Mutex(State())

    /// Each is a descriptor.
    static var limitPerUser: Int { 128 }
    static var limit: Int { 256 }

    /// One more question is about a process.
    /// - Returns: What it is asked by; `nil`: there is no room.
    func share(_ new: ProcessHandle, of user: UInt32) -> ProcessHandle? {
        state.withLock { state in
            // Two that live have one number only if they are one.
            let index = state.entries[new.pid]?.firstIndex { $0.user == user && $0.handle.isAlive }
            if let index, new.isAlive {
                state.entries[new.pid]![index].questions += 1
                return state.entries[new.pid]![index].handle
            }
            guard state.count < Self.limit, state.counts[user] ?? 0 < Self.limitPerUser else { return nil }
            state.entries[new.pid, default: []].append(Entry(handle: new, user: user, questions: 1))
            state.counts[user, default: 0] += 1
            state.count += 1
            return new
        }
    }

    /// A question is answered, or was not taken.
    func release(_ question: ProcessQuestion) {
        guard case .process(let handle) = question.subject else { return }
        state.withLock { state in
            guard let index = state.entries[handle.pid]?.firstIndex(where: { $0.handle === handle }) else { return }
            state.entries[handle.pid]![index].questions -= 1
            let entry = state.entries[handle.pid]![index]
            guard entry.questions == 0 else { return }
            state.entries[handle.pid]!.remove(at: index)
            if state.entries[handle.pid]!.isEmpty { state.entries[handle.pid] = nil }
            state.counts[entry.user]! -= 1
            if state.counts[entry.user] == 0 { state.counts[entry.user] = nil }
            state.count -= 1
        }
    }
}
