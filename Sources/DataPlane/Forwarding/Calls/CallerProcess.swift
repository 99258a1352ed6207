import Attestation
import CallPlanning
import EventLoops
import LocalAttestation
import Manifests
import SystemInterfaces

/// A call that goes by which process makes it.
protocol IdentifiedCall: AnyObject {
    /// Told from the call that the same object carried before, and the next.
    var life: UInt64 { get }
    /// More is known of the process.
    func identified()
    /// Nothing more is, for too much waits to be looked at.
    func notIdentified()
}

/// The process at the other end of one connection within this host: seen once when the connection is there, and looked at more closely
/// where selectors ask for it.
///
/// SAFETY: `@unchecked Sendable`: only its worker's thread uses its state; what the attestor finds out comes by the loop's mailbox.
@safe
final class CallerProcess: @unchecked Sendable {
    private let bench: Workbench
    private let source: CallSource
    private let listener: Listener
    private let peer: NetworkAddress
    /// The connection's end here, as long as it is open.
    private let descriptor: CInt
    private var found: LocalPeer?
    private var waiting: [(call: any IdentifiedCall, life: UInt64)] = []
    /// What is being found out.
    private var asked: FactDepth?
    /// The generation in which it was told that it is nobody.
    private var toldIn: UInt64?
    /// Why it is nobody in the tables of this number.
    private var refusal: (tables: UInt64, refusal: ProcessRefusal)?

    init(bench: Workbench, source: CallSource, listener: Listener, peer: NetworkAddress, descriptor: CInt) {
        self.bench = bench
        self.source = source
        self.listener = listener
        self.peer = peer
        self.descriptor = descriptor
    }

    /// Asks the kernel who it is. Best when the connection is new: once its process has closed it, nobody is there.
    func look() {
        guard case .notLooked = source.process else { return }
        do throws(Attestor.Nobody) {
            let peer = try bench.attestor.look(
                at: descriptor, local: listener.address, peer: peer, with: try bench.socketDiagnosis())
            found = peer
            see(.found(peer.process))
        } catch {
            see(.nobody(error.reason))
        }
    }

    private func see(_ process: CallSource.ProcessSeen) {
        source.see(process)
        refusal = nil
    }

    /// Tells a call when as much as that is known, or cannot be.
    func findOut(_ depth: FactDepth, for call: any IdentifiedCall) {
        if !waiting.contains(where: { $0.call === call && $0.life == call.life }) { waiting.append((call, call.life)) }
        if case .notLooked = source.process {
            look()
            return tell { $0.identified() }
        }
        guard let found else { return tell { $0.identified() } }
        guard asked.map({ $0 < depth }) ?? true else { return }
        asked = depth
        bench.attestor.findOut(depth, of: found, at: descriptor) { [loop = bench.loop] process in
            loop.post { self.learned(process, depth) }
        }
    }

    private func learned(_ process: LocalProcess?, _ depth: FactDepth) {
        if asked == depth { asked = nil }
        guard let process else { return tell { $0.notIdentified() } }
        found?.process = process
        see(.found(process))
        tell { $0.identified() }
    }

    private func tell(_ news: (any IdentifiedCall) -> Void) {
        let calls = waiting
        waiting = []
        // One that is over, or is another call by now, waits for nothing.
        for entry in calls where entry.call.life == entry.life { news(entry.call) }
    }

    /// It is no workload here; said once a generation.
    /// - Returns: Why; found out once for all calls of the connection, until more is known of it.
    func refused(at role: ListenerRole, in tables: CallTables) -> ProcessRefusal? {
        guard let admission = role.admission else { return nil }
        let refusal: ProcessRefusal
        if let known = self.refusal, known.tables == tables.number {
            refusal = known.refusal
        } else {
            refusal = source.refusal(at: listener.view.label, by: admission, in: tables)
            self.refusal = (tables.number, refusal)
        }
        if toldIn != tables.number {
            toldIn = tables.number
            bench.counters.notAttested += 1
            bench.events.post(
                .notAttested(listener: refusal.listener, peer: "\(peer)", found: refusal.found, why: refusal.why))
        }
        return refusal
    }
}
