import Authorization
import CallPlanning
import CommonValues
import EventLoops
import Glibc
import HTTPSemantics
import LocalAttestation
import Manifests
import SPIFFE
import ServiceContracts
import Telemetry
import WireProtocols

/// One core's share of the data plane: a loop, and everything its connections need. Nothing here is shared with another
/// worker, and nothing is touched from another thread but through `perform`.
///
/// SAFETY: `@unchecked Sendable`: after `run` only the loop's thread uses its state.
@safe
final class Worker: @unchecked Sendable {
    let index: Int
    let bench: Workbench
    /// What calls are carried out by.
    let board: Switchboard
    let pools: UpstreamPools
    var view: WorkerView { board.view }
    var identities: TLSMaterial {
        get { bench.identities }
        set {
            bench.identities = newValue
            pools.certificatesChanged()
        }
    }
    var loop: EventLoop { bench.loop }

    let labels: LabelRegistry
    private(set) var acceptors: [ListeningPlace: Acceptor] = [:]
    /// Where Heddle itself calls as workloads.
    private var ownListeners: [ResourceName: Listener] = [:]
    private(set) var connections: [any ServerConnection] = []
    /// Until then no caller's connection will have been quiet for long enough to give way.
    var noneQuietBefore: DeadlineWheel.Time = 0

    init(
        index: Int, view: WorkerView, identities: TLSMaterial, accessLog: LineSink, events: EventSink,
        labels: LabelRegistry, rules: RulesInForce, descriptors: DescriptorShare.Limits, attestor: Attestor,
        provenPeers: ProvenPeers = ProvenPeers(),
        peerTermLimits: PeerTerm.Limits = PeerTerm.Limits()
    ) throws {
        bench = try Workbench(
            settings: view.settings, identities: identities, events: events, descriptors: descriptors,
            attestor: attestor, provenPeers: provenPeers, peerTermLimits: peerTermLimits)
        pools = UpstreamPools(bench: bench)
        board = Switchboard(bench: bench, view: view, pools: pools, rules: rules, accessLog: accessLog)
        self.labels = labels
        self.index = index
        pools.rooms = self
    }

    /// Runs `work` on the worker's thread.
    func perform(_ work: @escaping @Sendable (Worker) -> Void) {
        loop.post { work(self) }
    }

    // MARK: Generations

    private var isDraining = false

    /// Serves `view` from the next request on, and judges what is under way by it.
    /// - Parameter kept: The sockets that go on, and whose they are now. All others are closed, once new ones take calls.
    func adopt(_ view: WorkerView, opened: [ListeningPlace: Acceptor], kept: [ListeningPlace: ListeningPlace]) {
        board.view = view
        // One that has drained is judged by what is in force, too, and takes nothing new any more.
        let opened = isDraining ? [:] : opened
        for acceptor in opened.values { acceptor.start(for: self) }
        for (place, acceptor) in acceptors {
            if let next = kept[place].flatMap({ view.listeners[$0.address] }) {
                acceptor.listener.view = next
            } else {
                acceptors[place] = nil
                acceptor.stop()
            }
        }
        acceptors.merge(opened) { $1 }
        for (name, listener) in ownListeners {
            if let next = view.ownListeners[name] {
                listener.view = next
            } else {
                listener.isStopped = true
                ownListeners[name] = nil
            }
        }
        for connection in connections {
            if connection.isStranded { connection.drain() }
            connection.judgeAgain()
        }
        for copy in board.copies.values { copy.judgeAgain() }
        board.locals.rulesChanged()
        bench.plainCallers.forgetAll(except: Set(view.listeners.values.compactMap { $0.role.plainService?.label }))
        pools.dropUnused(servedAt: Set(view.services.flatMap { $0.endpoints.map(\.address) }))
    }

    /// Stops accepting; every answer under way is the last of its connection.
    func drain() {
        isDraining = true
        for acceptor in acceptors.values { acceptor.stop() }
        acceptors = [:]
        for connection in connections { connection.drain() }
        board.locals.stop()
    }

    var openConnectionCount: Int { connections.count }

    func closeAll() {
        for connection in connections { connection.close() }
        board.observationLog.endWindow()
    }

    // MARK: Connections

    /// A connection of this process's own comes in, over which it calls as a workload. It is closed at once where no generation has that,
    /// or there is no room for another caller.
    func takeOwn(_ socket: consuming Socket, as workload: ResourceName) {
        guard !isDraining, !isFull, let view = view.ownListeners[workload] else { return }
        let listener = ownListeners[workload] ?? Listener(address: view.address, view: view)
        ownListeners[workload] = listener
        accept(AcceptedSocket(socket, peer: .unix(path: "")), at: listener)
    }

    var isFull: Bool { !bench.descriptors.admits(.caller) }

    func connectionOpened(_ connection: any ServerConnection) {
        connection.registryIndex = connections.count
        connections.append(connection)
        bench.descriptors.change(.caller, by: 1)
    }

    /// One connection took another's place: it found out that it speaks another protocol.
    func connectionChanged(_ old: any ServerConnection, to new: any ServerConnection) {
        new.registryIndex = old.registryIndex
        old.registryIndex = -1
        if new.registryIndex >= 0 { connections[new.registryIndex] = new }
    }

    func connectionClosed(_ connection: any ServerConnection) {
        let index = connection.registryIndex
        guard index >= 0 else { return }
        connection.registryIndex = -1
        bench.descriptors.change(.caller, by: -1)
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.registryIndex = index
        }
        for acceptor in acceptors.values { acceptor.resume() }
    }

    // MARK: Calls

    func takeCall() -> any Call { Exchange.take(from: board) }

    func giveBack(_ call: any Call) { unsafe unsafeDowncast(call, to: Exchange.self).giveBack() }

    // MARK: Counting

    func report() -> WorkerReport {
        bench.counters.open = connections.count
        bench.counters.queuedBytes = connections.reduce(0) {
            $0 + $1.queuedByteCount + $1.queuedRequestByteCount
        }
        bench.counters.upstream = pools.all.reduce(0) { $0 + $1.connectionCount }
        return WorkerReport(
            metrics: bench.metrics, grpc: [bench.grpcMetrics], counters: bench.counters,
            plainCallers: bench.plainCallers, decisions: board.decisionCounts, observations: board.observationCounts)
    }
}
