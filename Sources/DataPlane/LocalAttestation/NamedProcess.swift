package import Attestation
import Glibc
import Synchronization
package import SystemInterfaces

/// A process whose number somebody has written down. Whoever has the number by the time it is looked at is held against what it should be,
/// and nobody else is told anything: a number outlives its process.
package struct NamedProcess: Sendable {
    private let handle: ProcessHandle
    private let peer: LocalPeer

    /// The process that has this number now.
    /// - Parameter pid: From 2 on: the first process is nobody's to name.
    /// - Throws: Nobody has it, or who it is cannot be seen.
    package init(_ pid: Int32) throws(Attestor.Nobody) {
        let users: (real: UInt32, effective: UInt32)
        let groups: (real: UInt32, effective: UInt32)
        do throws(SystemCallError) { handle = try ProcessHandle(pid: pid) } catch {
            // Without a process there is nothing that could be its thread, either.
            throw Attestor.Nobody(
                reason: error.errno == ESRCH || error.errno == EINVAL
                    ? "there is no process \(pid)" : "process \(pid): \(error)")
        }
        do throws(ProcessFolder.Unknown) {
            (users, groups) = (try handle.folder.users(), try handle.folder.groups())
        } catch {
            throw Attestor.Nobody(reason: "process \(pid): \(error.reason)")
        }
        // What was read under its number is its own if it lives afterwards.
        guard handle.isAlive else { throw Attestor.Nobody(reason: "process \(pid): it has ended") }
        guard users.real == users.effective else {
            throw Attestor.Nobody(
                reason: "process \(pid) belongs to uid \(users.real) and acts as uid \(users.effective)")
        }
        if users.real == UnmappedAccounts.own.user {
            throw Attestor.Nobody(reason: "process \(pid): its user is none of this user namespace's")
        }
        peer = LocalPeer(
            process: LocalProcess(
                uid: users.effective, gid: UnmappedAccounts.own.fact(ofGroup: groups.effective), pid: pid),
            origin: .named(handle))
    }

    /// Blocks, for as long as others look at it.
    /// - Returns: What was found, in words, if it is none that the selectors mean, or if that could not be found out; `nil`: it is.
    package func difference(
        from selectors: SelectorProgram, _ attestor: Attestor, within patience: Duration
    ) throws(SystemCallError) -> String? {
        let end = ContinuousClock.now + patience
        var peer = peer
        while true {
            switch selectors.verdict(on: peer.process) {
            case .matches: return nil
            case .differs:
                let why = selectors.difference(of: peer.process).map { "; \($0.text)" } ?? ""
                return "\(peer.process)\(why)"
            case .needs(let depth):
                let answer = try Answer()
                attestor.findOut(depth, of: peer, at: -1) { answer.give($0) }
                guard let found = answer.wait(until: end) else {
                    return "\(peer.process), of which nothing more is known yet"
                }
                peer.process = found
            }
        }
    }

    /// - Throws: It has ended (`ESRCH`), or may not be signalled.
    package func send(_ signal: CInt) throws(SystemCallError) { try handle.send(signal) }

    /// What is found out on another thread.
    private final class Answer: Sendable {
        private let process = Mutex<LocalProcess?>(nil)
        private let wakeup: Wakeup

        init() throws(SystemCallError) { wakeup = try Wakeup() }

        func give(_ found: LocalProcess?) {
            process.withLock { $0 = found }
            wakeup.give()
        }

        /// - Returns: `nil`: too much is looked at, or the time is over.
        func wait(until end: ContinuousClock.Instant) -> LocalProcess? {
            wakeup.wait(until: end)
            return process.withLock { $0 }
        }
    }
}
