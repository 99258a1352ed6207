package import Attestation
import CLinux
package import EventLoops
import Glibc
import Manifests
import Synchronization
package import SystemInterfaces

/// Finds out about the processes at the other ends of this host's connections. What takes more than a look is done by a thread of its own,
/// one question after the other, a share for each user.
package final class Attestor: Sendable {
    private struct Question: Sendable {
        let subject: Subject
        var process: LocalProcess
        let depth: FactDepth
        let answer: @Sendable (LocalProcess?) -> Void
    }

    private enum Subject: Sendable {
        case socket(SocketOwner)
        case process(ProcessHandle)
    }

    private struct State {
        var questions = FairQueue<Question>()
        var hasThread = false
        var isStopped = false
        /// What is known of control groups, by their numbers: one that is gone never comes again.
        var groups: [UInt64: LocalProcess.Fact<String>] = [:]
    }

    private let state = Mutex(State())
    private let wakeup: Wakeup
    private let groups: ControlGroups
    /// What `heddle exec` has started.
    package let started: StartedProcesses
    /// What the kernel calls users that this process's user namespace does not have; `nil`: it has all (user_namespaces(7)).
    private let unmappedUser: UInt32?

    private static let groupLimit = 4_096

    /// - Parameter instance: As `StartedProcesses` takes it.
    package init(instance: String? = nil) throws(SystemCallError) {
        wakeup = try Wakeup()
        groups = ControlGroups()
        started = try StartedProcesses(groups: groups, instance: instance)
        unmappedUser = Self.unmappedUser()
    }

    /// What is under way is answered still.
    package func stop() {
        state.withLock { $0.isStopped = true }
        wakeup.give()
        started.stop()
    }

    // MARK: The first look

    /// Asks the kernel who is at the other end of a connection that was accepted; never waits.
    /// - Parameters:
    ///   - descriptor: The connection's end here, open.
    ///   - local: Its address.
    ///   - peer: The other end's.
    /// - Throws: Why that is nobody.
    package func look(
        at descriptor: CInt, local: NetworkAddress, peer: NetworkAddress, with diagnosis: SocketDiagnosis
    ) throws(Nobody) -> LocalPeer {
        switch peer {
        case .unix: try look(at: descriptor)
        case .ip: try look(at: descriptor, local, peer, diagnosis)
        }
    }

    /// Nobody is known to be at the other end.
    package struct Nobody: Error, Hashable {
        /// In words: `it has closed the connection`.
        package let reason: String

        package init(reason: String) { self.reason = reason }
    }

    private func look(at descriptor: CInt) throws(Nobody) -> LocalPeer {
        let credentials: PeerCredentials
        do throws(SystemCallError) { credentials = try PeerCredentials(of: descriptor) } catch {
            throw Nobody(reason: "the kernel does not say: \(error)")
        }
        try check(credentials.uid)
        return LocalPeer(
            process: LocalProcess(
                uid: credentials.uid, gid: .known(credentials.gid), pid: credentials.pid > 0 ? credentials.pid : nil),
            origin: .process(credentials, accepted: ProcessHandle.ticks))
    }

    private func look(
        at descriptor: CInt, _ local: NetworkAddress, _ peer: NetworkAddress, _ diagnosis: SocketDiagnosis
    ) throws(Nobody) -> LocalPeer {
        let owner: SocketOwner?
        do throws(SystemCallError) { owner = try diagnosis.owner(of: peer, connectedTo: local) } catch {
            throw Nobody(reason: "the kernel does not say: \(error)")
        }
        // As long as this end is connected, so is the other, and its port is no other socket's. Asked afterwards: who has closed it
        // may have sent something first, and another may have the port by now.
        guard let owner, Self.isConnected(CLinux_tcp_state(descriptor)) else {
            throw Nobody(reason: "it has closed the connection")
        }
        try check(owner.uid)
        var process = LocalProcess(uid: owner.uid)
        if let number = owner.controlGroup {
            process.controlGroup = state.withLock { $0.groups[number] } ?? .notAsked
            if case .known(let path) = process.controlGroup, let workload = started.workload(ofGroup: path) {
                process.startedAs = .known(workload)
            } else if process.controlGroup != .notAsked, !started.hasUngrouped {
                process.startedAs = .known(nil)
            }
        } else {
            process.controlGroup = .unknown("the kernel does not say it of sockets before version 5.9")
        }
        return LocalPeer(process: process, origin: .socket(owner))
    }

    /// ESTABLISHED or CLOSE_WAIT (RFC 9293 § 3.3.2), as linux/tcp_states.h numbers them.
    private static func isConnected(_ state: CInt) -> Bool { state == 1 || state == 8 }

    private func check(_ user: UInt32) throws(Nobody) {
        if user == unmappedUser {
            throw Nobody(reason: "its user is none of this user namespace's")
        }
    }

    private static func unmappedUser() -> UInt32? {
        func text(_ path: String) -> String? {
            guard let file = try? OpenFile(path), let bytes = try? file.bytes(limit: 4096) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        let map = text("/proc/self/uid_map")?.split(whereSeparator: \.isWhitespace)
        if map == ["0", "0", "4294967295"] { return nil }
        return text("/proc/sys/kernel/overflowuid").flatMap { UInt32($0.split(separator: "\n")[0]) } ?? 65_534
    }

    // MARK: Closer looks

    /// Finds out more.
    /// - Parameters:
    ///   - descriptor: The connection's end here, open still.
    ///   - answer: Called once, at once or on another thread: the facts up to `depth` are known, or unknown for a reason. `nil`: too much
    ///     waits to be looked at, and nothing has changed.
    package func findOut(
        _ depth: FactDepth, of peer: LocalPeer, at descriptor: CInt, answer: @escaping @Sendable (LocalProcess?) -> Void
    ) {
        let subject: Subject
        switch peer.origin {
        case .socket(let owner): subject = .socket(owner)
        case .process(let credentials, let accepted):
            do throws(SystemCallError) {
                subject = .process(try ProcessHandle(peerOf: descriptor, credentials, accepted: accepted))
            } catch {
                return answer(
                    peer.process.knowingNothing(
                        upTo: depth, because: error.errno == ESRCH ? "it has ended" : "\(error)"))
            }
        }
        let question = Question(subject: subject, process: peer.process, depth: depth, answer: answer)
        let isTaken = state.withLock { state in
            guard !state.isStopped else { return false }
            if !state.hasThread { state.hasThread = startThread() }
            return state.hasThread && state.questions.add(question, of: peer.process.uid)
        }
        guard isTaken else { return answer(nil) }
        wakeup.give()
    }

    private func startThread() -> Bool {
        do throws(SystemCallError) {
            try SystemThread.start(name: "attestor") { self.run() }
            return true
        } catch {
            return false
        }
    }

    private func run() {
        var holders = SocketHolders(groups: groups)
        var digests = ExecutableDigests()
        while true {
            var asked = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&asked, 1, -1)
            wakeup.take()
            while let question = state.withLock({ $0.questions.next() }) {
                question.answer(answer(question, &holders, &digests))
            }
            if state.withLock(\.isStopped) { return }
        }
    }

    private func answer(
        _ question: Question, _ holders: inout SocketHolders, _ digests: inout ExecutableDigests
    ) -> LocalProcess {
        var process = question.process
        if process.controlGroup == .notAsked { process.controlGroup = controlGroup(of: question.subject) }
        if process.startedAs == .notAsked { process.startedAs = startedAs(question.subject, process, &holders) }
        guard question.depth > .controlGroup else { return process }
        do throws(ProcessFolder.Unknown) {
            let found = try Self.processes(of: question.subject, process, &holders)
            process.pid = found[0].pid
            if process.gid == .notAsked {
                process.gid = Self.fact(of: found) { folder throws(ProcessFolder.Unknown) in try folder.group() }
            }
            if process.executable == .notAsked || question.depth == .digest {
                process.executable = Self.fact(of: found) { folder throws(ProcessFolder.Unknown) in
                    try folder.executable()
                }
            }
            guard question.depth == .digest else { return process }
            process.digest = Self.fact(of: found) { folder throws(ProcessFolder.Unknown) in
                try digests.digest(of: folder)
            }
            // One that executes another file by now was seen as neither.
            let again = Self.fact(of: found) { folder throws(ProcessFolder.Unknown) in try folder.executable() }
            if again != process.executable { process.digest = .unknown("it executes another file by now") }
            return process
        } catch {
            return process.knowingNothing(upTo: question.depth, because: error.reason)
        }
    }

    private static func processes(
        of subject: Subject, _ process: LocalProcess, _ holders: inout SocketHolders
    ) throws(ProcessFolder.Unknown) -> [ProcessHandle] {
        switch subject {
        case .process(let handle): return [handle]
        case .socket(let owner):
            var group: String?
            if case .known(let path) = process.controlGroup { group = path }
            return try holders.find(owner.inode, uid: owner.uid, group: group)
        }
    }

    private func startedAs(
        _ subject: Subject, _ process: LocalProcess, _ holders: inout SocketHolders
    ) -> LocalProcess.Fact<ResourceName?> {
        if case .known(let path) = process.controlGroup, let workload = started.workload(ofGroup: path) {
            return .known(workload)
        }
        // Without groups it is the process itself that is known.
        guard started.hasUngrouped else { return .known(nil) }
        do throws(ProcessFolder.Unknown) {
            let workloads = Set(try Self.processes(of: subject, process, &holders).map { started.workload(of: $0) })
            return workloads.count == 1 ? .known(workloads.first!) : .known(nil)
        } catch {
            return .unknown(error.reason)
        }
    }

    private func controlGroup(of subject: Subject) -> LocalProcess.Fact<String> {
        switch subject {
        case .process(let handle):
            return Self.fact(of: [handle]) { folder throws(ProcessFolder.Unknown) in try folder.controlGroup() }
        case .socket(let owner):
            guard let number = owner.controlGroup else { return .unknown("the kernel does not say it") }
            let found = groups.path(of: number).map(LocalProcess.Fact.known) ?? .unknown("it is in none that is there")
            state.withLock { state in
                if state.groups.count >= Self.groupLimit { state.groups = [:] }
                state.groups[number] = found
            }
            return found
        }
    }

    /// What is the same of all of them, if they live on after the look.
    private static func fact<Value>(
        of handles: [ProcessHandle], _ read: (ProcessFolder) throws(ProcessFolder.Unknown) -> Value
    ) -> LocalProcess.Fact<Value> {
        var common: Value?
        for handle in handles {
            do throws(ProcessFolder.Unknown) {
                let value = try read(handle.folder)
                guard handle.isAlive else { return .unknown("it has ended") }
                guard common == nil || common == value else {
                    let pids = handles.map { "\($0.pid)" }.joined(separator: ", ")
                    return .unknown("the processes that have the socket differ: \(pids)")
                }
                common = value
            } catch {
                return .unknown(handle.isAlive ? error.reason : "it has ended")
            }
        }
        return common.map(LocalProcess.Fact.known) ?? .unknown("it has ended")
    }
}

extension LocalProcess {
    /// What nobody has found out will not be.
    func knowingNothing(upTo depth: FactDepth, because reason: String) -> LocalProcess {
        var process = self
        if process.controlGroup == .notAsked { process.controlGroup = .unknown(reason) }
        if process.startedAs == .notAsked { process.startedAs = .unknown(reason) }
        guard depth >= .process else { return process }
        if process.gid == .notAsked { process.gid = .unknown(reason) }
        if process.executable == .notAsked { process.executable = .unknown(reason) }
        guard depth >= .digest else { return process }
        if process.digest == .notAsked { process.digest = .unknown(reason) }
        return process
    }
}
