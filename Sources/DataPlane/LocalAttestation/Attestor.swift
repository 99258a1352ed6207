package import Attestation
import CLinux
package import EventLoops
import Glibc
import Manifests
package import SystemInterfaces

/// Finds out about the processes at the other ends of this host's connections. What takes more than a look is done by two threads of
/// their own, of which users take turns: one looks for processes, one reads executables.
package final class Attestor: Sendable {
    private let known = KnownGroups()
    private let awaited = AwaitedProcesses()
    private let processes: Inquirer<ProcessInquiry>
    private let digests: Inquirer<DigestInquiry>
    /// What `heddle exec` has started.
    package let started: StartedProcesses

    /// - Parameters:
    ///   - instance: As `StartedProcesses` takes it.
    ///   - mostPrograms: Programs that `heddle exec` has started, at once.
    package init(instance: String? = nil, mostPrograms: Int) throws(SystemCallError) {
        let groups = ControlGroups()
        started = try StartedProcesses(groups: groups, instance: instance, limit: mostPrograms)
        digests = try Inquirer(name: "digests", mostUnderWay: DigestInquiry.mostUnderWay) { DigestInquiry.Notes() }
        processes = try Inquirer(name: "attestor") { [known, awaited, started, digests] in
            ProcessInquiry.Notes(groups: groups, known: known, started: started, awaited: awaited, digests: digests)
        }
        _ = UnmappedAccounts.own  // read before a loop asks for it
    }

    /// What is under way is answered still, but for digests, that are told to be too much.
    package func stop() {
        processes.stop()
        digests.stop()
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
                uid: credentials.uid, gid: UnmappedAccounts.own.fact(ofGroup: credentials.gid),
                pid: credentials.pid > 0 ? credentials.pid : nil),
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
            process.controlGroup = known[number]
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
        if user == UnmappedAccounts.own.user {
            throw Nobody(reason: "its user is none of this user namespace's")
        }
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
        let user = peer.process.uid
        let subject: ProcessQuestion.Subject
        switch peer.origin {
        case .socket(let owner): subject = .socket(owner)
        case .named(let handle):
            guard let shared = awaited.share(handle, of: user) else { return answer(nil) }
            subject = .process(shared)
        case .process(let credentials, let accepted):
            do throws(SystemCallError) {
                let handle = try ProcessHandle(peerOf: descriptor, credentials, accepted: accepted)
                guard let shared = awaited.share(handle, of: user) else { return answer(nil) }
                subject = .process(shared)
            } catch {
                guard !error.isOutOfDescriptors else { return answer(nil) }
                return answer(
                    peer.process.knowingNothing(
                        upTo: depth, because: error.errno == ESRCH ? "it has ended" : "\(error)"))
            }
        }
        let question = ProcessQuestion(subject: subject, process: peer.process, depth: depth, answer: answer)
        guard processes.ask(question, of: user) else {
            awaited.release(question)
            return answer(nil)
        }
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
