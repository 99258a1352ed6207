package import CallPlanning
package import Diagnostics
package import EventLoops
import Glibc
package import LocalAttestation
import Manifests
package import ServiceContracts
import Synchronization
import SystemInterfaces
package import Telemetry
import TransportSecurity

/// The workers, and the only way to them: what it takes to serve a generation is prepared while the old one serves, and
/// swapped in at once.
package final class DataPlane: Sendable {
    /// A generation that can be served: sockets bound and listening where that could be, views compiled.
    package final class Prepared: @unchecked Sendable {
        // SAFETY: handed from the preparing thread to the workers, each of which takes its own part once.
        fileprivate let plan: ServingPlan
        fileprivate let views: [WorkerView]
        fileprivate let opened: [[ListeningPlace: Acceptor]]
        fileprivate let sockets: SocketPlan
        fileprivate let tls: TLSMaterial?
        fileprivate let rules: ResourceRules
        /// Listeners that are held back: their places cannot be listened at now. All else can be served.
        package let problems: [Diagnostic]

        fileprivate init(
            plan: ServingPlan, views: [WorkerView], opened: [[ListeningPlace: Acceptor]], sockets: SocketPlan,
            tls: TLSMaterial?, rules: ResourceRules, problems: [Diagnostic]
        ) {
            self.plan = plan
            self.views = views
            self.opened = opened
            self.sockets = sockets
            self.tls = tls
            self.rules = rules
            self.problems = problems
        }

        /// Some socket is new.
        package var opensSockets: Bool { !opened[0].isEmpty }

        /// It will not serve. Its sockets close with it.
        package func abandon() { opened[0].keys.forEach(ListeningSockets.withdraw) }
    }

    private struct State {
        /// Where sockets listen.
        var open: Set<ListeningPlace> = []
        /// What is in force.
        var plan: ServingPlan?
        var tls = TLSMaterial()
        var budget: DescriptorBudget
    }

    package let labels = LabelRegistry()
    private let workers: [Worker]
    package let attestor: Attestor
    /// One a worker. Apart from `state`: who asks for that does not wait until a set is compiled.
    private let compilers: Mutex<[ViewCompiler]>
    private let ruleCompiler: Mutex<ResourceRulesCompiler>
    /// Of what Heddle answers for itself.
    private let rules: RulesInForce
    private let inner: [InnerService: ServiceHost]
    private let state: Mutex<State>
    /// The workers' threads end: nothing that is given to them now is done.
    private let hasEnded = Mutex(false)
    /// Descriptors that were open before there was a listener.
    private let fixedAtStart: Int

    /// Starts the workers' threads; they serve nothing yet.
    /// - Parameters:
    ///   - workerCount: 1 to 256.
    ///   - connectionLimit: Connections the node accepts and holds.
    ///   - instance: What tells this mesh from others on the host, and stays; `nil`: nothing stays.
    ///   - inner: What Heddle answers for itself.
    package convenience init(
        workerCount: Int, connectionLimit: Int, instance: String? = nil, inner: [InnerService: ServiceHost] = [:],
        accessLog: LineSink, events: EventSink
    ) throws {
        try self.init(
            workerCount: workerCount, connectionLimit: connectionLimit, descriptorLimit: DescriptorTable.limit,
            instance: instance, inner: inner, accessLog: accessLog, events: events, peerTermLimits: PeerTerm.Limits())
    }

    /// Counts what is open without connections and listeners.
    private static func budget(workerCount: Int, connectionLimit: Int, descriptorLimit: Int) -> DescriptorBudget {
        // Two descriptors a worker are its loop's; by another it asks who calls, by two more it is told.
        DescriptorBudget(
            limit: descriptorLimit, fixed: DescriptorTable.count + 3 * workerCount + 2, workerCount: workerCount,
            connectionLimit: connectionLimit)
    }

    /// - Parameters:
    ///   - descriptorLimit: Descriptors that the process may have open. Tests share theirs with other tests.
    ///   - peerTermLimits: Of another length for tests.
    init(
        workerCount: Int, connectionLimit: Int, descriptorLimit: Int, instance: String? = nil,
        inner: [InnerService: ServiceHost] = [:], accessLog: LineSink, events: EventSink,
        peerTermLimits: PeerTerm.Limits
    ) throws {
        let labels = labels
        let rules = RulesInForce(.none(labels: labels))
        self.rules = rules
        self.inner = inner
        ruleCompiler = Mutex(ResourceRulesCompiler(labels: labels))
        let provenPeers = ProvenPeers()
        let attestor = try Attestor(
            instance: instance, mostPrograms: DescriptorBudget.programs(of: descriptorLimit))
        self.attestor = attestor
        let budget = Self.budget(
            workerCount: workerCount, connectionLimit: connectionLimit, descriptorLimit: descriptorLimit)
        fixedAtStart = budget.fixed
        compilers = Mutex((0..<workerCount).map { _ in ViewCompiler(labels: labels, inner: inner) })
        state = Mutex(State(budget: budget))
        workers = try (0..<workerCount).map { index in
            try Worker(
                index: index, view: .empty, identities: TLSMaterial(), accessLog: accessLog, events: events,
                labels: labels, rules: rules, descriptors: budget.share, attestor: attestor, provenPeers: provenPeers,
                peerTermLimits: peerTermLimits)
        }
        for worker in workers {
            try SystemThread.start(name: "worker-\(worker.index)") {
                RecordMemory.keepOnThisThread()
                worker.loop.run()
            }
        }
    }

    package var workerCount: Int { workers.count }
    var randomWorker: Worker { workers[Int.random(in: 0..<workers.count)] }

    /// Makes all that can be had on this host. The generation in force is not touched. Nothing here stands in the way of a
    /// rule: a listener whose place is taken is held back, and the set is served without it.
    /// - Parameter tls: `nil`: what is in force when it is committed stays.
    package func prepare(_ plan: ServingPlan, tls: TLSMaterial?) -> Prepared {
        let compiled = compilers.withLock { compilers in compilers.indices.map { compilers[$0].compile(plan) } }
        let rules = ruleCompiler.withLock { $0.compile(plan.snapshot) }
        return state.withLock { state in
            let sockets = SocketPlan(wanted: Set(plan.listeners.keys.map(plan.place)), open: state.open)
            var opened = [[ListeningPlace: Acceptor]](repeating: [:], count: workers.count)
            let problems = Self.problems(
                with: sockets.missing, of: plan, tls: tls ?? state.tls, beside: state.open
            ) { place, own throws(SystemCallError) in
                for (index, acceptor) in try open(place, beside: own, compiled).enumerated() {
                    opened[index][place] = acceptor
                }
            }
            return Prepared(
                plan: plan, views: compiled, opened: opened, sockets: sockets, tls: tls, rules: rules,
                problems: problems)
        }
    }

    /// What `prepare` would hold back, found out without a socket that listens.
    package func rehearse(_ plan: ServingPlan, tls: TLSMaterial) -> [Diagnostic] {
        Self.rehearse(plan, tls: tls, beside: state.withLock { $0.open })
    }

    /// - Parameter open: Where this process listens already.
    package static func rehearse(
        _ plan: ServingPlan, tls: TLSMaterial, beside open: Set<ListeningPlace> = []
    ) -> [Diagnostic] {
        let sockets = SocketPlan(wanted: Set(plan.listeners.keys.map(plan.place)), open: open)
        return problems(with: sockets.missing, of: plan, tls: tls, beside: open) { place, own throws(SystemCallError) in
            try ListeningSockets.rehearse(at: place, beside: own)
        }
    }

    /// Those of places that are to be listened at, each of them tried.
    private static func problems(
        with missing: Set<ListeningPlace>, of plan: ServingPlan, tls: TLSMaterial, beside open: Set<ListeningPlace>,
        _ attempt: (_ place: ListeningPlace, _ own: Set<ListeningPlace>) throws(SystemCallError) -> Void
    ) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        var own = open
        for place in missing {
            guard let placed = plan.listeners[place.address], plan.canAnswer(at: place.address, with: tls) else {
                continue
            }
            do throws(SystemCallError) {
                try attempt(place, own)
                own.insert(place)
            } catch {
                problems.append(.cannotListen(place.address, placed, error))
            }
        }
        return problems.sorted { $0.position < $1.position }
    }

    /// One for each worker.
    private func open(
        _ place: ListeningPlace, beside own: Set<ListeningPlace>, _ views: [WorkerView]
    ) throws(SystemCallError) -> [Acceptor] {
        var acceptors: [Acceptor] = []
        let sockets = try ListeningSockets.open(at: place, count: workers.count, beside: own).sockets
        for (index, socket) in sockets.enumerated() {
            let listener = Listener(address: place.address, view: views[index].listeners[place.address]!)
            acceptors.append(Acceptor(listener, socket: try socket.duplicate()))
        }
        return acceptors
    }

    /// Swaps it in; returns when every worker serves it.
    package func commit(_ prepared: Prepared) async {
        let share = state.withLock { state in
            state.open = Set(prepared.sockets.kept.keys).union(prepared.opened[0].keys)
            state.plan = prepared.plan
            if let tls = prepared.tls { state.tls = tls }
            state.budget.fixed = fixedAtStart + state.open.count * workers.count
            return state.budget.share
        }
        // First: what a worker hears of a change may be judged by it.
        rules.adopt(prepared.rules)
        await onEveryWorker { worker in
            worker.bench.descriptors.limits = share
            if let tls = prepared.tls { worker.identities = tls }
            worker.adopt(
                prepared.views[worker.index], opened: prepared.opened[worker.index], kept: prepared.sockets.kept)
        }
    }

    /// New certificates for the generation in force.
    package func rotate(_ tls: TLSMaterial) async {
        state.withLock { $0.tls = tls }
        await onEveryWorker { $0.identities = tls }
    }

    /// Whether there are sockets for a listener of the generation in force, and it has what it proves itself with.
    package func listens(at address: NetworkAddress) -> Bool {
        state.withLock { state in
            guard let plan = state.plan else { return false }
            return state.open.contains(plan.place(of: address)) && plan.canAnswer(at: address, with: state.tls)
        }
    }

    /// What descriptors are for, by the listeners in force.
    package var budget: DescriptorBudget { state.withLock { $0.budget } }

    /// What all workers have counted.
    package func report() async -> WorkerReport {
        let reports = Mutex<[WorkerReport]>([])
        await onEveryWorker { worker in
            let report = worker.report()
            reports.withLock { $0.append(report) }
        }
        return reports.withLock { reports in
            guard var total = reports.first else {
                return WorkerReport(
                    metrics: RequestMetrics(), grpc: [], counters: WorkerCounters(), plainCallers: PlainCallers(),
                    decisions: [], observations: [])
            }
            for report in reports.dropFirst() { total.add(report) }
            return total
        }
    }

    /// Returns when every worker has answered: none hangs. At once if they have ended.
    package func answer() async { await onEveryWorker { _ in } }

    /// Other nodes that no worker has a connection to, and that could not be connected to when that was last tried.
    package func unreachedNodes() async -> [NetworkAddress: Outage] {
        let all = Mutex(Reachability())
        await onEveryWorker { worker in
            var own = Reachability()
            for pool in worker.pools.all { pool.note(in: &own) }
            all.withLock { [own] in $0.add(own) }
        }
        return all.withLock { $0.unreached }
    }

    /// First processes that are no workloads, then callers without an identity, then those that have one: whoever is nobody, and gives its
    /// call the ID of another, hides nothing. Each from the oldest to the latest.
    package func decisionRecords() async -> [DecisionRecord] {
        let all = Mutex<[[DecisionRecord]]>([[], [], []])
        await onEveryWorker { worker in
            let board = worker.board
            let logs = [board.processRefusals.all, board.strangerRefusals.all, board.decisions.all]
            all.withLock { all in for (index, log) in logs.enumerated() { all[index] += log } }
        }
        return all.withLock { $0 }.flatMap { $0.sorted { $0.time < $1.time } }
    }

    /// Stops accepting, answers what is in flight, closes what is left at the deadline.
    package func drain(deadline: Duration) async {
        await onEveryWorker { $0.drain() }
        let clock = ContinuousClock()
        let end = clock.now + deadline
        while clock.now < end {
            let left = Mutex(0)
            await onEveryWorker { worker in
                let open = worker.openConnectionCount
                left.withLock { $0 += open }
            }
            if left.withLock({ $0 }) == 0 { break }
            try? await Task.sleep(for: .milliseconds(10))
        }
        await onEveryWorker(isLast: true) { worker in
            worker.closeAll()
            worker.loop.stop()
        }
        attestor.stop()
        for host in inner.values { host.executor.stop() }
    }

    /// Returns when all have done it; at once if they have ended. A change or a question that comes so late must not wait
    /// for ever, and the process with it.
    /// - Parameter isLast: They end with it.
    func onEveryWorker(isLast: Bool = false, _ work: @escaping @Sendable (Worker) -> Void) async {
        // No task of its own for each worker: on a busy machine each would have to wait for a thread.
        let left = Countdown(workers.count)
        await withCheckedContinuation { continuation in
            // Within the lock, so that nothing is posted behind what ends them.
            let isPosted = hasEnded.withLock { hasEnded in
                guard !hasEnded else { return false }
                hasEnded = isLast
                for worker in workers {
                    worker.perform { worker in
                        work(worker)
                        if left.arrive() { continuation.resume() }
                    }
                }
                return true
            }
            if !isPosted { continuation.resume() }
        }
    }
}

/// Tells the last of several who arrive.
private final class Countdown: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    /// - Returns: Whether all have arrived now.
    func arrive() -> Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}
