import Attestation
package import CallPlanning
import CommonValues
package import Diagnostics
package import EventLoops
package import Forwarding
package import HostGuard
package import Logging
import Manifests
package import MeshSnapshot
package import Reconciliation
package import ServiceContracts
import Synchronization
import SystemInterfaces
package import WorkloadIdentity

/// Takes each generation to the proxy: certificates issued, ports bound, views compiled, then all at once.
///
/// What this host stands in the way of (a port, a certificate, a name, the authority) is held back alone: the rest of the
/// set, and every rule, is served without it.
package final class ServingParticipant: SnapshotParticipant, HostDependent {
    package let issuer: IdentityIssuer
    package let names: NameTable
    package let accounts: AccountTable
    /// What Heddle answers for itself.
    private let inner: [InnerService: ServiceHost]
    /// `nil`: nothing could tell its table from others', or this is no node.
    package let hostGuard: GuardKeeper?
    private let node: String?
    private let instance: String?
    private let maker: MaterialMaker
    private let accessLog: LineSink
    private let events: EventSink
    let log: Logger
    private let state = Mutex(State())

    private struct State {
        var dataPlane: DataPlane?
        /// Of the data plane, which keeps them as long as it lives.
        var startSettings: StartSettings?
        var serving: Serving?
        var isDraining = false
        var guardNeighbours: Set<NetworkAddress> = []
    }

    private struct StartSettings {
        let workerCount: Int
        let connectionLimit: Int

        init(_ settings: ProxySettings) {
            workerCount = settings.workers ?? max(1, ProcessorCount.available)
            connectionLimit = settings.limits.connections
        }
    }

    /// - Parameters:
    ///   - node: The Node this host is; `nil` in a mesh of one host.
    ///   - instance: What tells this mesh from others on the host, and stays; `nil`: nothing stays.
    ///   - manifestsFolder: Absolute: what the manifests' paths begin at.
    ///   - inner: What Heddle answers for itself.
    package init(
        node: String?, instance: String? = nil, manifestsFolder: String, issuer: IdentityIssuer,
        names: NameTable = NameTable(),
        accounts: AccountTable = AccountTable(lookUp: AccountName.lookUp), inner: [InnerService: ServiceHost] = [:],
        accessLog: LineSink, events: EventSink,
        log: Logger
    ) {
        self.node = node
        self.instance = instance
        hostGuard =
            if let node, let instance { GuardKeeper(instance: instance, node: node) } else { nil }
        self.names = names
        self.accounts = accounts
        self.inner = inner
        self.issuer = issuer
        self.accessLog = accessLog
        self.events = events
        self.log = log
        maker = MaterialMaker(issuer: issuer, manifestsFolder: manifestsFolder)
    }

    package var dataPlane: DataPlane? { state.withLock { $0.dataPlane } }
    package var serving: Serving? { state.withLock { $0.serving } }
    /// Nothing new is taken any more.
    package var isDraining: Bool { state.withLock { $0.isDraining } }

    /// Where processes of Heddle's user listen at guarded ports, as it was when they were last looked at.
    var guardNeighbours: Set<NetworkAddress> { state.withLock { $0.guardNeighbours } }

    func noteNeighbours() {
        var neighbours: Set<NetworkAddress> = []
        if let guardPlan = serving.flatMap({ guardPlan($0.plan) }) {
            // A kernel that does not answer has not said that there are none: what was known stays.
            do throws(SystemCallError) { neighbours = try guardPlan.neighbours() } catch { return }
        }
        state.withLock { $0.guardNeighbours = neighbours }
    }

    package var heldBack: [Diagnostic] {
        guard let serving else { return [] }
        let heldBack = serving.heldBack + guardProblems(serving.plan, hostGuard?.standing.failure)
        // The authority could sign then, and cannot now.
        guard let problem = issuer.problem, !heldBack.contains(where: { $0.code == .cannotIssue }) else {
            return heldBack
        }
        return heldBack + [.cannotIssue(serving.snapshot.mesh, problem)]
    }

    /// - Throws: if there is no proxy and none can be started. Nothing that concerns a part of the set is a reason.
    package func prepare(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> any PreparedChange
    {
        let (plan, named, nameProblems) = await plan(snapshot, generation)
        let dataPlane: DataPlane
        do {
            dataPlane = try self.dataPlane ?? start(snapshot.mesh.proxy)
        } catch {
            throw Rejection([.cannotServe(snapshot, error)])
        }
        let made = maker.make(plan, former: serving?.material)
        let prepared = dataPlane.prepare(plan, tls: made.material.tls)
        let failure = await hostGuard?.prepare(guardPlan(plan)?.table)
        return Change(
            participant: self, dataPlane: dataPlane, prepared: prepared, identities: made.identities,
            otherWarnings: guardProblems(plan, failure) + changedStartSettings(snapshot),
            serving: Serving(
                snapshot: snapshot, plan: plan, names: named, material: made.material, nameProblems: nameProblems,
                socketProblems: prepared.problems))
    }

    /// Names are asked for, as nobody could tell otherwise; then they are forgotten.
    package func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        let (plan, named, nameProblems) = await plan(snapshot, generation)
        names.keep(serving?.names ?? [])
        accounts.keep(Set((serving.map { accountNames($0.snapshot) } ?? []).map(\.key)))
        let material = maker.rehearse(plan, former: serving?.material)
        let dataPlane = dataPlane
        let socketProblems =
            dataPlane?.rehearse(plan, tls: material.tls) ?? DataPlane.rehearse(plan, tls: material.tls)
        let next = Serving(
            snapshot: snapshot, plan: plan, names: named, material: material, nameProblems: nameProblems,
            socketProblems: socketProblems)
        let failure = await hostGuard?.rehearse(guardPlan(plan)?.table)
        return next.heldBack + guardProblems(plan, failure) + warningsOfNow(next, dataPlane)
            + changedStartSettings(snapshot)
    }

    private struct Change: PreparedChange {
        let participant: ServingParticipant
        let dataPlane: DataPlane
        let prepared: DataPlane.Prepared
        let identities: IdentityIssuer.Prepared?
        let otherWarnings: [Diagnostic]
        let serving: Serving

        var warnings: [Diagnostic] {
            serving.heldBack + participant.warningsOfNow(serving, dataPlane) + otherWarnings
        }

        func commit() async {
            // First, so that a renewal that comes meanwhile is made for this generation and not for the last.
            let former = participant.state.withLock { state in
                defer { state.serving = serving }
                return state.serving
            }
            participant.names.keep(serving.names)
            participant.accounts.keep(Set(participant.accountNames(serving.snapshot).map(\.key)))
            if let identities { participant.issuer.commit(identities) }
            await dataPlane.commit(prepared)
            // All that was guarded has been until here, and all that is to be has been since it was prepared.
            await participant.commitGuard(serving.plan)
            // No rule waits for what is said.
            if let former { participant.tellCertificates(former, serving) }
        }

        /// An authority that was made stays, as each trust domain has its own: the set may be tried again, and again.
        func abandon() async {
            prepared.abandon()
            await participant.hostGuard?.abandon()
        }
    }

    /// Stops accepting, answers what is in flight, and closes the rest when the mesh's drain timeout is over.
    package func drain() async {
        state.withLock { $0.isDraining = true }
        guard let serving, let dataPlane else { return }
        await dataPlane.drain(deadline: serving.snapshot.mesh.proxy.timeouts.drain)
        await endGuard(serving.plan)
    }

    // MARK: What this host gives now

    /// Tries again what is held back. Not while a change is prepared or committed.
    package func retry() async {
        guard let serving, !serving.heldBack.isEmpty else { return }
        let made = maker.make(serving.plan, former: serving.material, onlyMissing: true)
        await takeUp(serving, serving.plan, made, serving.nameProblems)
    }

    /// Takes to the workers what names stand for now. Not while a change is prepared or committed.
    package func renewEndpoints() async {
        guard let serving else { return }
        var problems: [Diagnostic] = []
        let known = HostAccounts(accountNames(serving.snapshot), in: accounts)
        guard let plan = serving.plan.renewed(accounts: known, resolve: { names[$0] }, problems: &problems) else {
            var next = serving
            next.nameProblems = problems
            state.withLock { $0.serving = next }
            return
        }
        await takeUp(serving, plan, nil, problems)
        log.info("names stand for something else now: endpoints have other addresses, or users other numbers")
    }

    /// Takes renewed certificates to the workers. Not while a change is prepared or committed.
    package func renewCertificates(_ snapshot: IdentitySnapshot) async {
        guard let serving, let dataPlane, snapshot.number > serving.material.identities else { return }
        let material = maker.rotated(serving.material, snapshot, serving.plan)
        guard serving.heldBack.isEmpty, material.problems.isEmpty else {
            let made = MaterialMaker.Made(material: material, identities: nil)
            return await takeUp(serving, serving.plan, made, serving.nameProblems)
        }
        var next = serving
        next.material = material
        state.withLock { $0.serving = next }
        tellCertificates(serving, next)
        await dataPlane.rotate(material.tls)
    }

    /// The generation that serves, with what this host gives now.
    private func takeUp(
        _ former: Serving, _ plan: ServingPlan, _ made: MaterialMaker.Made?, _ nameProblems: [Diagnostic]
    ) async {
        guard let dataPlane else { return }
        let prepared = dataPlane.prepare(plan, tls: made?.material.tls)
        _ = await hostGuard?.prepare(guardPlan(plan)?.table)
        let next = Serving(
            snapshot: former.snapshot, plan: plan, names: former.names, material: made?.material ?? former.material,
            nameProblems: nameProblems, socketProblems: prepared.problems)
        state.withLock { $0.serving = next }
        tellCertificates(former, next)
        if let identities = made?.identities { issuer.commit(identities) }
        let isSame =
            plan.isSame(as: former.plan) && !prepared.opensSockets && made?.identities == nil
            && next.material.problems == former.material.problems
            && next.material.identities == former.material.identities
        if !isSame { await dataPlane.commit(prepared) }
        await commitGuard(plan)
    }

    private func tellCertificates(_ former: Serving, _ next: Serving) {
        log.tell(CertificateChange.changes(from: former.certificates, to: next.certificates))
    }

    /// Codes of `warningsOfNow`.
    package static let codesOfNow: Set<Diagnostic.Code> = [
        .unresolvedEndpoint, .staleEndpoint, .unknownAccount, .contradictingAccount, .linkedExecutable,
        .missingExecutable, .missingCapability,
        .certificateTime, .certificateName, .authorityName, .fewDescriptors, .guardedPort, .openSocket, .otherGuard,
    ]

    /// Where addresses stand whose name has none now.
    package var unresolvedEndpoints: Set<SourcePosition> {
        Set((serving?.nameWarnings ?? []).lazy.filter { $0.code == .unresolvedEndpoint }.map(\.position))
    }

    /// What may be otherwise by now than when the set was taken up, and is therefore said as it is now. Nothing of it is held
    /// back.
    package var warningsOfNow: [Diagnostic] {
        guard let serving, let dataPlane else { return [] }
        return warningsOfNow(serving, dataPlane)
    }

    private func warningsOfNow(_ serving: Serving, _ dataPlane: DataPlane?) -> [Diagnostic] {
        let budget = dataPlane?.budget
        return serving.nameWarnings + guardWarnings(serving.plan)
            + serving.certificates.warnings(at: .now) + serving.certificateWarnings
            + ExecutablePaths.warnings(of: serving.plan.ownWorkloads)
            + UnansweredSelectors.warnings(in: serving.plan)
            + (budget.flatMap { $0.isLow ? [.fewDescriptors(serving.snapshot, $0)] : nil } ?? [])
    }

    // MARK: Names

    /// The plan by what is known of the names in it. Those that are new are waited for, but not for long: what they stand for
    /// may come later.
    private func plan(
        _ snapshot: MeshSnapshot, _ generation: Generation
    ) async -> (plan: ServingPlan, names: Set<String>, problems: [Diagnostic]) {
        var asked: Set<String> = []
        let accountNames = accountNames(snapshot)
        var hasWaited = false
        while true {
            var problems: [Diagnostic] = []
            let plan = ServingPlan(
                snapshot, node: node, generation: generation.number,
                accounts: HostAccounts(accountNames, in: accounts),
                resolve: { name in
                    asked.insert(name)
                    return names[name]
                }, problems: &problems)
            guard !problems.isEmpty, !hasWaited else { return (plan, asked, problems) }
            hasWaited = true
            async let learned: Void = accounts.learn(Set(accountNames.map(\.key)), within: .seconds(1))
            await names.learn(asked, within: .seconds(1))
            await learned
        }
    }

    /// Those that selectors of this node's workloads, and its guard, name.
    private func accountNames(_ snapshot: MeshSnapshot) -> Set<AccountName> {
        let ofGuard = node.flatMap { snapshot.nodes[$0]?.guarding?.names } ?? []
        return Set(snapshot.workloads.lazy.filter { [node] in $0.runs(on: node) }.flatMap(\.accountNames))
            .union(ofGuard.map { .user($0.value) })
    }

    /// Asks for all names again and again, for as long as the task lives.
    package func refreshNames() async {
        var sinceAll = Duration.zero
        while true {
            let interval = serving?.snapshot.mesh.proxy.nameRefresh ?? .seconds(30)
            // What is left may be less, or nothing, if the interval was changed meanwhile.
            let wait = min(max(interval - sinceAll, .seconds(1)), Self.failedNameInterval)
            guard (try? await Task.sleep(for: wait)) != nil else { return }
            sinceAll += wait
            names.refresh(failedOnly: sinceAll < interval)
            accounts.refresh(failedOnly: sinceAll < interval)
            if sinceAll >= interval { sinceAll = .zero }
        }
    }

    /// Names that did not resolve are asked for again after 5 s, or `proxy.nameRefresh` if that is less.
    private static let failedNameInterval = Duration.seconds(5)

    // MARK: Start

    private func start(_ settings: ProxySettings) throws -> DataPlane {
        let startSettings = StartSettings(settings)
        let dataPlane = try DataPlane(
            workerCount: startSettings.workerCount, connectionLimit: startSettings.connectionLimit,
            instance: instance, inner: inner, accessLog: accessLog, events: events)
        state.withLock {
            $0.dataPlane = dataPlane
            $0.startSettings = startSettings
        }
        return dataPlane
    }

    private func changedStartSettings(_ snapshot: MeshSnapshot) -> [Diagnostic] {
        guard let running = state.withLock({ $0.startSettings }) else { return [] }
        let wanted = StartSettings(snapshot.mesh.proxy)
        var warnings: [Diagnostic] = []
        if wanted.workerCount != running.workerCount {
            warnings.append(.restartNeeded(snapshot, "proxy.workers", stillIs: running.workerCount))
        }
        if wanted.connectionLimit != running.connectionLimit {
            warnings.append(.restartNeeded(snapshot, "proxy.limits.connections", stillIs: running.connectionLimit))
        }
        return warnings
    }
}
