import AdminAPI
import CommonValues
import Cryptography
import Diagnostics
import EtcdManifests
import EventLoops
import Explaining
import Forwarding
import HostGuard
import Manifests
import MeshSnapshot
import NodeServing
import Reconciliation
import SPIFFE
import SystemInterfaces
import Telemetry
import WorkloadIdentity

/// The running process, as the admin API asks it.
struct ServedMesh: RunningMesh {
    let options: RunOptions
    /// `nil`: manifests lie in a folder.
    private let origin: EtcdOrigin?
    private let reconciler: MeshReconciler
    let participant: ServingParticipant
    let configs: ConfigServing
    let workloads: WorkloadSocketParticipant
    private let host: HostState
    private let reporter: ReconciliationReporter
    private let output: ProcessOutput
    let events: EventLog
    private let startedAt: UnixTime

    init(
        options: RunOptions, origin: EtcdOrigin?, reconciler: MeshReconciler, participant: ServingParticipant,
        configs: ConfigServing,
        workloads: WorkloadSocketParticipant, host: HostState,
        reporter: ReconciliationReporter, output: ProcessOutput, events: EventLog
    ) {
        self.events = events
        self.output = output
        self.host = host
        self.options = options
        self.origin = origin
        self.reconciler = reconciler
        self.participant = participant
        self.configs = configs
        self.workloads = workloads
        self.reporter = reporter
        startedAt = .now
    }

    var readiness: Readiness {
        get async {
            if participant.isDraining { return Readiness(.draining) }
            return Readiness(participant.serving == nil ? .starting : .serving, heldBack: host.heldBack)
        }
    }

    func snapshot() async -> MeshSnapshot? { participant.serving?.snapshot }

    func source(of path: String) async -> [UInt8]? {
        guard case .folder(let manifests) = options.manifests else { return origin?.bytes(of: path) }
        let folder = manifests + "/"
        let relative = path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : path
        guard !relative.hasPrefix("/"), !relative.split(separator: "/").contains("..") else { return nil }
        guard let content = try? FileAccess.read(folder + relative, limit: ManifestSource.byteLimit),
            case .bytes(let bytes, _) = content
        else { return nil }
        return bytes
    }

    // MARK: Status

    func status() async -> StatusReport {
        let status = await reconciler.status
        let serving = participant.serving
        let heldBack = host.heldBack
        var problems = host.ofFolders + heldBack
        let report = await participant.dataPlane?.report()
        let connections = connections(report)
        if let connections, let serving, connections.isShort {
            problems.append(.noRoom(serving.snapshot, connections.budget))
        }
        problems += await unreachedNodes(serving)
        problems += configs.problems
        return StatusReport(
            version: Version.text, node: options.node, trustDomain: "\(serving?.snapshot.mesh.trustDomain.name ?? "")",
            manifestsFolder: options.manifests.name, set: servedSet(status.serving), startedAt: startedAt,
            isDraining: participant.isDraining,
            reconciliation: status,
            warnings: warnings(of: status.serving),
            problems: problems, connections: connections?.report, lostLines: output.lostLines,
            listeners: listeners(serving, heldBack), plainCallers: plainCallers(serving, report),
            pinnedConfigs: configs.pinned,
            guarding: guardReport, workloadSocket: workloads.report, programs: programs,
            certificates: certificates(serving), otherCertificates: otherCertificates(serving))
    }

    private func servedSet(_ serving: ServedGeneration?) -> ServedSet? {
        serving.flatMap { origin?.record(ofGeneration: $0.generation.hash) }
            .map { ServedSet(hash: $0.hash, pushedAt: $0.pushedAt) }
    }

    func unresolvedEndpoints() async -> Set<SourcePosition> {
        participant.unresolvedEndpoints
    }

    private func unreachedNodes(_ serving: Serving?) async -> [Diagnostic] {
        guard let serving, let unreached = await participant.dataPlane?.unreachedNodes() else { return [] }
        guard !unreached.isEmpty else { return [] }
        let nodes = serving.plan.nodes { participant.names[$0] }
        return unreached.map { address, outage in
            .unreachedNode(nodes[address], "\(address)", outage, in: serving.snapshot)
        }.sorted { $0.position < $1.position }
    }

    private func connections(_ report: WorkerReport?) -> HeldConnections? {
        guard let report, let dataPlane = participant.dataPlane else { return nil }
        return HeldConnections(counters: report.counters, budget: dataPlane.budget)
    }

    private func plainCallers(_ serving: Serving?, _ report: WorkerReport?) -> [PlainCallersReport] {
        guard let serving, let report, let dataPlane = participant.dataPlane else { return [] }
        let (now, ticks) = (UnixTime.now, EventLoop.microseconds() / 1_000)
        return serving.plan.plainServices.map { service in
            let callers = report.plainCallers.byService[dataPlane.labels.label("\(service)")]
            let sources = (callers?.sources ?? []).sorted { $0.lastAt > $1.lastAt }.map { source in
                PlainCallersReport.Source(
                    address: source.text, calls: source.calls,
                    lastAt: now - .milliseconds(ticks - min(ticks, source.lastAt)))
            }
            return PlainCallersReport(service: service, sources: sources, otherCalls: callers?.otherCalls ?? 0)
        }
    }

    private func listeners(
        _ serving: Serving?, _ heldBack: [Diagnostic]
    ) -> [ListenerReport] {
        guard let serving, let dataPlane = participant.dataPlane else { return [] }
        let certificates = serving.material.certificates
        let listeners = serving.plan.listenerDescriptions.map {
            ListenerReport(
                owner: $0.owner, address: "\($0.address)", isHeldBack: !dataPlane.listens(at: $0.address),
                withoutCertificate: serving.plan.listeners(at: $0.address) { certificates.credentials(for: $0) != nil })
        }
        guard let telemetry = serving.snapshot.mesh.telemetryListen else { return listeners }
        let isHeldBack = heldBack.contains { $0.code == .telemetryPort }
        return listeners + [
            ListenerReport(owner: "Mesh telemetry", address: "\(telemetry.value)", isHeldBack: isHeldBack)
        ]
    }

    private var guardReport: GuardReport? {
        guard let standing = participant.guardStanding, let table = standing.table else { return nil }
        return GuardReport(
            holds: participant.guardHolds, table: table.name, portCount: table.ports.count,
            users: table.users.sorted(), refusedLocal: standing.refused.local, refusedRemote: standing.refused.remote)
    }

    /// What was to be said when it was taken up may be otherwise by now; what is held back now is a problem.
    private func warnings(of served: ServedGeneration?) -> [Diagnostic] {
        guard let served else { return [] }
        return served.warnings.filter { !HostState.isOfHost($0) } + host.warnings
    }

    // MARK: Certificates

    private func certificates(_ serving: Serving?) -> [CertificateFacts] {
        guard let serving else { return [] }
        return serving.material.tls.svids.values.map(Self.facts).sorted { $0.spiffeID < $1.spiffeID }
    }

    private func otherCertificates(_ serving: Serving?) -> [OtherCertificateFacts] {
        guard let serving else { return [] }
        return serving.certificates.compactMap { certificate in
            guard let use = certificate.use else { return nil }
            return OtherCertificateFacts(
                use: use, file: certificate.name, serial: certificate.serial, time: certificate.time, at: .now)
        }
    }

    func certificate(of id: SPIFFEID) async -> CertificateReport? {
        guard let snapshot = participant.issuer.snapshot, let svid = participant.serving?.material.tls.svids[id],
            let description = try? CertificateDescription(svid, bundle: snapshot.bundle)
        else { return nil }
        return CertificateReport(facts: Self.facts(svid), chainPEM: description.chainPEM)
    }

    private static func facts(_ svid: X509SVID) -> CertificateFacts {
        CertificateFacts(
            spiffeID: "\(svid.id)", serial: svid.credentials.leaf.serial, time: CertificateInUse.time(of: svid),
            at: .now)
    }

    // MARK: Changes

    func apply(_ documents: [AppliedFile], _ options: ApplyOptions) async -> ApplyReport {
        let outcome =
            documents.isEmpty && options.prunes
            ? await reconciler.confirmEmpty(dryRun: options.isDryRun)
            : await reconciler.apply(documents, prune: options.prunes, dryRun: options.isDryRun)
        return report(outcome)
    }

    func delete(_ resource: ResourceIdentity, _ options: ApplyOptions) async -> ApplyReport {
        guard participant.serving?.snapshot.resources.has(resource) == true else {
            return ApplyReport(outcome: .notFound)
        }
        return report(await reconciler.delete(resource, prune: options.prunes, dryRun: options.isDryRun))
    }

    private func report(_ outcome: ApplyOutcome) -> ApplyReport {
        switch outcome {
        case .served(let served, let changes, let warnings):
            ApplyReport(
                outcome: .served, generation: served.generation.number, changes: changes,
                diagnostics: host.heldBack + warnings.filter { $0.severity != .error })
        case .unchanged(let changes):
            ApplyReport(outcome: .unchanged, changes: changes, diagnostics: host.heldBack)
        case .dryRun(let changes, let warnings):
            ApplyReport(
                outcome: .dryRun, changes: changes,
                diagnostics: host.heldBackWithAnySet + warnings.filter { $0.severity == .error }
                    + warnings.filter { $0.severity != .error })
        case .refused(let diagnostics): ApplyReport(outcome: .refused, diagnostics: diagnostics)
        }
    }

    // MARK: Calls

    func decision(id: String) async -> DecisionReport? {
        guard let record = await participant.dataPlane?.decisionRecords().last(where: { $0.id == id }) else {
            return nil
        }
        return DecisionReport(
            id: record.id, generation: record.generation, at: record.time,
            caller: record.caller,
            service: record.service, method: record.method, host: record.host, path: record.path, fields: record.fields,
            withheld: record.withheld,
            isAllowed: record.isAllowed, rule: record.rule, place: record.place,
            processRefusal: record.processRefusal)
    }

    func config(_ name: ResourceName) async -> ConfigReport? { configs.report(of: name) }

    func configHistory(_ name: ResourceName) async -> ConfigHistoryReport? { await configs.history(of: name) }

    func pastConfig(_ name: ResourceName, revision: String) async -> PastConfigReport? {
        await configs.past(revision, of: name)
    }

    func metricsText() async -> String {
        guard let dataPlane = participant.dataPlane else { return "" }
        return MetricsText(
            report: await dataPlane.report(), labels: dataPlane.labels, lostAccessLines: output.access.losses.count,
            lostLogLines: output.log.losses.count, connectionLimit: dataPlane.budget.connections,
            reloads: reporter.counts, status: await reconciler.status, identities: participant.issuer.snapshot,
            certificates: participant.serving?.certificates ?? [], heldBack: host.heldBack, guarding: guardReport,
            configs: configs.metrics
        ).render()
    }
}
