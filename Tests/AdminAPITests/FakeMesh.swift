import Authorization
import CommonValues
import Diagnostics
import Explaining
import Manifests
import MeshFixtures
import MeshSnapshot
import SPIFFE
import Synchronization
import Testing

@testable import AdminAPI
@testable import Reconciliation

/// A running mesh that serves a snapshot and remembers what it was asked to change.
final class FakeMesh: RunningMesh {
    struct Change: Equatable {
        var documents: [AppliedFile] = []
        var deleted: String?
        var options = ApplyOptions()
    }

    let served: MeshSnapshot?
    let changes = Mutex<[Change]>([])
    let outcome = Mutex(ApplyReport(outcome: .served, generation: 8))
    let refused = Mutex<RefusedAttempt?>(nil)
    let watchedAlone = Mutex<[WatchedAlone]>([])
    let pending = Mutex<PendingConfirmation?>(nil)
    let problems = Mutex<[Diagnostic]>([])
    let workloadSocket = Mutex<WorkloadSocketReport?>(nil)
    let programs = Mutex<[ProgramReport]>([])
    let guarding = Mutex<GuardReport?>(nil)
    let configs = Mutex<[ResourceName: ConfigReport]>([:])
    let histories = Mutex<[ResourceName: ConfigHistoryReport]>([:])
    /// By what they are asked for with.
    let pasts = Mutex<[String: PastConfigReport]>([:])
    let pinnedConfigs = Mutex<[PinnedConfigReport]>([])
    let decisions: [DecisionReport]

    init(_ manifests: String? = Samples.shop, decisions: [DecisionReport] = []) throws {
        served = try manifests.map { try MeshSnapshot($0, file: "shop.yaml") }
        self.decisions = decisions
    }

    init(_ snapshot: MeshSnapshot) {
        served = snapshot
        decisions = []
    }

    let heldBack = Mutex<[Diagnostic]>([])
    let plainCallers = Mutex<[PlainCallersReport]>([])
    let isDraining = Mutex(false)
    var readiness: Readiness {
        if isDraining.withLock({ $0 }) { return Readiness(.draining) }
        return Readiness(served == nil ? .starting : .serving, heldBack: heldBack.withLock { $0 })
    }
    func snapshot() async -> MeshSnapshot? { served }
    func unresolvedEndpoints() async -> Set<SourcePosition> { [] }

    func status() async -> StatusReport {
        StatusReport(
            version: "1.2.3", node: nil, trustDomain: "mesh.local", manifestsFolder: "/etc/heddle",
            startedAt: UnixTime(seconds: 0), isDraining: isDraining.withLock { $0 },
            reconciliation: ReconcilerStatus(
                serving: served.map { _ in
                    ServedGeneration(
                        generation: Generation(number: 7, hash: "abc"), source: .folder,
                        appliedAt: UnixTime(seconds: 60), duration: .microseconds(3_250), resourceCount: 6,
                        fileCount: 1, warnings: [])
                },
                refused: refused.withLock { $0 }, pending: pending.withLock { $0 },
                watching: .polling(every: .seconds(2), because: .remoteFilesystem("NFS")),
                watchedAlone: watchedAlone.withLock { $0 }),
            problems: problems.withLock { $0 },
            listeners: [ListenerReport(owner: "Workload shop/web-1", address: "127.0.0.1:15101")],
            plainCallers: plainCallers.withLock { $0 }, pinnedConfigs: pinnedConfigs.withLock { $0 },
            guarding: guarding.withLock { $0 },
            workloadSocket: workloadSocket.withLock { $0 },
            programs: programs.withLock { $0 },
            certificates: [Self.facts], otherCertificates: [Self.root])
    }

    static let facts = CertificateFacts(
        spiffeID: "spiffe://mesh.local/ns/shop/sa/web", serial: "0A", time: time, at: UnixTime(seconds: 1_800))
    static let root = OtherCertificateFacts(
        use: .gateway, file: "tls/edge.pem", serial: "0B",
        time: CertificateTime(notBefore: UnixTime(seconds: 0), notAfter: UnixTime(seconds: 10 * 86_400)),
        at: UnixTime(seconds: 86_400))
    private static let time = CertificateTime(
        notBefore: UnixTime(seconds: 0), notAfter: UnixTime(seconds: 3_600), notice: .seconds(60))

    func apply(_ documents: [AppliedFile], _ options: ApplyOptions) async -> ApplyReport {
        changes.withLock { $0.append(Change(documents: documents, options: options)) }
        return outcome.withLock { $0 }
    }

    func delete(_ resource: ResourceIdentity, _ options: ApplyOptions) async -> ApplyReport {
        changes.withLock { $0.append(Change(deleted: "\(resource)", options: options)) }
        return outcome.withLock { $0 }
    }

    func certificate(of id: SPIFFEID) async -> CertificateReport? {
        "\(id)" == Self.facts.spiffeID ? CertificateReport(facts: Self.facts, chainPEM: "-----BEGIN-----\n") : nil
    }

    func start(_ workload: ResourceName, _ caller: WorkloadCaller) async -> ExecAnswer {
        guard workload.name != "refused" else { return .refused(status: 403, "not by this user") }
        return .started(StartedWorkload(workload: workload, proxy: "http://127.0.0.1:1"))
    }

    func config(_ name: ResourceName) async -> ConfigReport? { configs.withLock { $0[name] } }
    func configHistory(_ name: ResourceName) async -> ConfigHistoryReport? { histories.withLock { $0[name] } }
    func pastConfig(_ name: ResourceName, revision: String) async -> PastConfigReport? {
        pasts.withLock { $0[revision] ?? .unknown }
    }
    func decision(id: String) async -> DecisionReport? { decisions.first { $0.id == id } }
    func metricsText() async -> String { "heddle_generation 7\n" }
    func source(of path: String) async -> [UInt8]? { path == "shop.yaml" ? Array("kind: Servise\n".utf8) : nil }
}

extension FakeMesh {
    /// A call of the past, refused.
    static func decision() -> DecisionReport {
        DecisionReport(
            id: "abc", generation: 7, at: UnixTime(seconds: 0), caller: "spiffe://mesh.local/ns/shop/sa/web",
            service: .init(namespace: "shop", name: "orders"), method: "GET", host: "orders.shop", path: "/orders/1",
            fields: [("host", "orders.shop"), ("content-length", "5"), ("x-tenant", "b")], isAllowed: false,
            rule: RuleName(policy: .init(namespace: "shop", name: "no-tenant-b"), index: 0))
    }
}
