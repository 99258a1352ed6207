import Diagnostics
import EventLoops
import Glibc
import Manifests
import Synchronization
import Telemetry
import TransportSecurity

/// The workers, and the only way to them: what it takes to serve a generation is prepared while the old one serves, and
/// swapped in at once.
package final class DataPlane: Sendable {
    /// A generation that can be served: sockets bound and listening, views compiled.
    package final class Prepared: @unchecked Sendable {
        // SAFETY: handed from the preparing thread to the workers, each of which takes its own part once.
        fileprivate let plan: ServingPlan
        fileprivate let views: [WorkerView]
        fileprivate let opened: [[NetworkAddress: Listener]]
        fileprivate let tls: TLSMaterial?

        fileprivate init(
            plan: ServingPlan, views: [WorkerView], opened: [[NetworkAddress: Listener]], tls: TLSMaterial?
        ) {
            self.plan = plan
            self.views = views
            self.opened = opened
            self.tls = tls
        }
    }

    private struct State {
        var compilers: [ViewCompiler]
        var addresses: Set<NetworkAddress> = []
    }

    package let labels = LabelRegistry()
    private let workers: [Worker]
    private let state: Mutex<State>
    private let accessLog: AccessLogSink

    /// Starts the workers' threads; they serve nothing yet.
    /// - Parameters:
    ///   - workerCount: 1 to 256.
    ///   - connectionLimit: Connections the node accepts and holds.
    package init(workerCount: Int, connectionLimit: Int, accessLog: AccessLogSink, events: EventSink) throws {
        let labels = labels
        self.accessLog = accessLog
        state = Mutex(State(compilers: (0..<workerCount).map { _ in ViewCompiler(labels: labels) }))
        workers = try (0..<workerCount).map { index in
            try Worker(
                index: index, view: .empty, identities: TLSMaterial(), accessLog: accessLog, events: events,
                labels: labels,
                connectionLimit: max(1, connectionLimit / workerCount))
        }
        for worker in workers {
            let isStarted = SystemThread.start(name: "worker-\(worker.index)") {
                RecordMemory.keepOnThisThread()
                worker.loop.run()
            }
            guard isStarted else { throw SystemCallError("pthread_create", errno: EAGAIN) }
        }
    }

    package var workerCount: Int { workers.count }

    /// Does all that can fail. The generation in force is not touched.
    /// - Parameter tls: `nil`: what is in force when it is committed stays.
    package func prepare(_ plan: ServingPlan, tls: TLSMaterial?) -> Result<Prepared, Rejected> {
        state.withLock { state in
            var problems: [Diagnostic] = []
            var compiled: [WorkerView] = []
            for index in state.compilers.indices { compiled.append(state.compilers[index].compile(plan)) }
            var opened = [[NetworkAddress: Listener]](repeating: [:], count: workers.count)
            for (address, placed) in plan.listeners where !state.addresses.contains(address) {
                do throws(SystemCallError) {
                    for (index, socket) in try ListeningSockets.open(at: address, count: workers.count).sockets
                        .enumerated()
                    {
                        opened[index][address] = Listener(
                            address: address, socket: try socket.duplicate(), view: compiled[index].listeners[address]!)
                    }
                } catch {
                    problems.append(.cannotListen(address, placed, error))
                }
            }
            guard problems.isEmpty else { return .failure(Rejected(diagnostics: problems)) }
            return .success(Prepared(plan: plan, views: compiled, opened: opened, tls: tls))
        }
    }

    package struct Rejected: Error {
        package let diagnostics: [Diagnostic]
    }

    /// Swaps it in; returns when every worker serves it.
    package func commit(_ prepared: Prepared) async {
        state.withLock { $0.addresses = Set(prepared.plan.listeners.keys) }
        await onEveryWorker { worker in
            if let tls = prepared.tls { worker.identities = tls }
            worker.adopt(prepared.views[worker.index], opened: prepared.opened[worker.index])
        }
    }

    /// New certificates for the generation in force.
    package func rotate(_ tls: TLSMaterial) async {
        await onEveryWorker { $0.identities = tls }
    }

    /// What all workers have counted.
    package func report() async -> WorkerReport {
        let reports = Mutex<[WorkerReport]>([])
        await onEveryWorker { worker in
            let report = worker.report()
            reports.withLock { $0.append(report) }
        }
        return reports.withLock { reports in
            var total = reports[0]
            for report in reports.dropFirst() { total.add(report) }
            return total
        }
    }

    package func decisionRecords() async -> [DecisionRecord] {
        let all = Mutex<[DecisionRecord]>([])
        await onEveryWorker { worker in
            let records = worker.decisions.all
            all.withLock { $0 += records }
        }
        return all.withLock { $0 }
    }

    package var droppedLogLines: UInt64 { accessLog.droppedLineCount }

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
        await onEveryWorker { worker in
            worker.closeAll()
            worker.loop.stop()
        }
        await accessLog.flush()
    }

    /// Returns when all have done it.
    func onEveryWorker(_ work: @escaping @Sendable (Worker) -> Void) async {
        // No task of its own for each worker: on a busy machine each would have to wait for a thread.
        let left = Countdown(workers.count)
        await withCheckedContinuation { continuation in
            for worker in workers {
                worker.perform { worker in
                    work(worker)
                    if left.arrive() { continuation.resume() }
                }
            }
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
