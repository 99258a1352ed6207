import Authorization
import CallPlanning
import CommonValues
import EventLoops
import ServiceContracts
import Telemetry

/// What all calls of one worker are carried out by: the generation in force, the ways to endpoints, and where it is told what became
/// of them. It knows none of them, and only its worker's thread touches it.
final class Switchboard: EndpointPools {
    let bench: Workbench
    /// What serves from the next step of each call on.
    var view: WorkerView { didSet { bench.settings = view.settings } }
    private let pools: any EndpointPools
    let retries: RetryQueue
    /// Calls that are answered here.
    let locals: LocalStreams
    /// Copies of calls that are under way. Their originals may be over.
    private(set) var copies: [ObjectIdentifier: any Call] = [:]
    /// Whose calls are over, for the next ones.
    var spareCalls: [CallRequest] = []

    // What is told.
    let accessLog: AccessLogWriter
    private(set) var decisionCounts: [UInt64] = []
    var decisions = DecisionLog()
    /// Of callers without an identity.
    var strangerRefusals = DecisionLog(capacity: DecisionLog.strangerCapacity)
    var processRefusals = DecisionLog(capacity: DecisionLog.strangerCapacity)
    /// By policy label and verdict.
    private(set) var observationCounts: [UInt64] = []
    let observationLog: ObservationLog
    /// Of the call at hand.
    var observation = Observation()

    init(
        bench: Workbench, view: WorkerView, pools: any EndpointPools, rules: RulesInForce, accessLog: LineSink
    ) {
        self.bench = bench
        self.view = view
        self.pools = pools
        self.accessLog = AccessLogWriter(sink: accessLog)
        retries = RetryQueue(loop: bench.loop)
        locals = LocalStreams(rules: rules)
        observationLog = ObservationLog(loop: bench.loop, events: bench.events)
    }

    func pool(address: NetworkAddress, target: UpstreamTarget) -> any EndpointPool {
        pools.pool(address: address, target: target)
    }

    func copyBegan(_ copy: any Call) { copies[ObjectIdentifier(copy)] = copy }

    func copyEnded(_ copy: any Call) { copies[ObjectIdentifier(copy)] = nil }

    func count(_ decision: Decision, of service: ServiceView) { count(decision, labels: service.policyLabels) }

    /// - Parameter labels: Of the policies of the program that has decided; the last one is the default action's.
    func count(_ decision: Decision, labels: [Label]) {
        let label = decision.rule.map { labels[Int($0.policy)] } ?? labels.last!
        let index = Int(label.id) * 2 + (decision.isAllowed ? 0 : 1)
        if index >= decisionCounts.count {
            decisionCounts.append(contentsOf: repeatElement(0, count: index + 1 - decisionCounts.count))
        }
        decisionCounts[index] += 1
    }

    func count(_ verdict: ObservedVerdict, for label: Label) {
        let index = verdict.index(of: label)
        if index >= observationCounts.count {
            observationCounts.append(contentsOf: repeatElement(0, count: index + 1 - observationCounts.count))
        }
        observationCounts[index] += 1
    }
}
