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
            source.see(.found(peer.process))
        } catch {
            source.see(.nobody(error.reason))
        }
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
        source.see(.found(process))
        tell { $0.identified() }
    }

    private func tell(_ news: (any IdentifiedCall) -> Void) {
        let calls = waiting
        waiting = []
        // One that is over, or is another call by now, waits for nothing.
        for entry in calls where entry.call.life == entry.life { news(entry.call) }
    }

    /// It is no workload here; said once a generation.
    func refused(at role: ListenerRole, in tables: CallTables) {
        guard let admission = role.admission, toldIn != tables.number else { return }
        toldIn = tables.number
        bench.counters.notAttested += 1
        var found =
            switch source.process {
            case .notLooked: "nobody has looked"
            case .nobody(let reason): "nobody: \(reason)"
            case .found(let process): "\(process)"
            }
        if case .several(let workloads) = source.verdict(of: admission, in: tables) {
            found += ", which is \(workloads.map(\.description).joined(separator: " and "))"
        }
        bench.events.post(.notAttested(listener: listener.view.label, peer: "\(peer)", found: found))
    }
}
