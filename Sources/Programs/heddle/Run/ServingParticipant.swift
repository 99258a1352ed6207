import Diagnostics
import EventLoops
import Forwarding
import Logging
import Manifests
import MeshSnapshot
import Reconciliation
import SPIFFE
import Synchronization
import TransportSecurity
import WorkloadIdentity

/// Takes each generation to the proxy: certificates issued, ports bound, views compiled, then all at once.
final class ServingParticipant: SnapshotParticipant {
    let issuer: IdentityIssuer
    let names: NameTable
    private let options: RunOptions
    private let log: Logger
    private let state = Mutex(State())

    private struct State {
        var dataPlane: DataPlane?
        /// Of the data plane, which keeps them as long as it lives.
        var startSettings: StartSettings?
        var serving: Serving?
        /// What there is to say of names in addresses now.
        var nameProblems: [Diagnostic] = []
    }

    private struct StartSettings {
        let workerCount: Int
        let connectionLimit: Int

        init(_ settings: ProxySettings) {
            workerCount = settings.workers ?? max(1, ProcessorCount.available)
            connectionLimit = settings.limits.connections
        }
    }

    /// What is in force.
    struct Serving: Sendable {
        let snapshot: MeshSnapshot
        fileprivate(set) var plan: ServingPlan
        let tls: TLSMaterial
        /// The number of the identity snapshot it was prepared with; only later ones are news.
        let identities: UInt64
    }

    init(options: RunOptions, issuer: IdentityIssuer, names: NameTable = NameTable(), log: Logger) {
        self.options = options
        self.names = names
        self.issuer = issuer
        self.log = log
    }

    var dataPlane: DataPlane? { state.withLock { $0.dataPlane } }
    var serving: Serving? { state.withLock { $0.serving } }
    var nameProblems: [Diagnostic] { state.withLock { $0.nameProblems } }

    func prepare(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> any PreparedChange {
        let (plan, named, nameProblems) = await plan(snapshot, generation)
        var problems = nameProblems
        let gateways = gatewayContexts(plan, &problems)
        let identities = issue(plan, snapshot, &problems)
        let errors = problems.filter { $0.severity == .error }
        guard errors.isEmpty, let identities else { throw Rejection(errors) }
        let dataPlane: DataPlane
        let prepared: DataPlane.Prepared
        let tls: TLSMaterial
        do {
            dataPlane = try self.dataPlane ?? start(snapshot.mesh.proxy)
            tls = try material(identities.snapshot, plan, gateways, reusing: serving)
            prepared = try dataPlane.prepare(plan, tls: tls).get()
        } catch let rejected as DataPlane.Rejected {
            throw Rejection(rejected.diagnostics)
        } catch {
            throw Rejection([.cannotServe(snapshot, error)])
        }
        return Change(
            participant: self, dataPlane: dataPlane, prepared: prepared, identities: identities,
            warnings: problems + changedStartSettings(snapshot), names: named, nameProblems: nameProblems,
            serving: Serving(
                snapshot: snapshot, plan: plan, tls: tls, identities: identities.snapshot.number))
    }

    private struct Change: PreparedChange {
        let participant: ServingParticipant
        let dataPlane: DataPlane
        let prepared: DataPlane.Prepared
        let identities: IdentityIssuer.Prepared
        let warnings: [Diagnostic]
        let names: Set<String>
        let nameProblems: [Diagnostic]
        let serving: Serving

        func commit() async {
            // First, so that a renewal that comes meanwhile is made for this generation and not for the last.
            participant.state.withLock {
                $0.serving = serving
                $0.nameProblems = nameProblems
            }
            participant.names.keep(names)
            participant.issuer.commit(identities)
            await dataPlane.commit(prepared)
        }

        /// Sockets that were bound close with the last reference to what was prepared.
        func abandon() async {}
    }

    /// Stops accepting, answers what is in flight, and closes the rest when the mesh's drain timeout is over.
    func drain() async {
        guard let serving, let dataPlane else { return }
        await dataPlane.drain(deadline: serving.snapshot.mesh.proxy.timeouts.drain)
    }

    // MARK: Names

    /// The plan by what is known of the names in it. Those that are new are waited for, but not for long: an endpoint may
    /// come later. What this node listens on may not.
    private func plan(
        _ snapshot: MeshSnapshot, _ generation: Generation
    ) async -> (plan: ServingPlan, names: Set<String>, problems: [Diagnostic]) {
        var asked: Set<String> = []
        var waits: [Duration] = [.seconds(1), .seconds(9)]
        while true {
            var problems: [Diagnostic] = []
            let plan = ServingPlan(
                snapshot, node: options.node, generation: generation.number,
                resolve: { name in
                    asked.insert(name)
                    return names[name]
                }, problems: &problems)
            let isServable = problems.allSatisfy { $0.severity != .error }
            guard !problems.isEmpty, let wait = waits.first, waits.count == 2 || !isServable else {
                return (plan, asked, problems)
            }
            waits.removeFirst()
            await names.learn(asked, within: wait)
        }
    }

    /// Asks for all names again and again, for as long as the task lives.
    func refreshNames() async {
        var sinceAll = Duration.zero
        while true {
            let interval = serving?.snapshot.mesh.proxy.nameRefresh ?? .seconds(30)
            // What is left may be less, or nothing, if the interval was changed meanwhile.
            let wait = min(max(interval - sinceAll, .seconds(1)), Self.failedNameInterval)
            guard (try? await Task.sleep(for: wait)) != nil else { return }
            sinceAll += wait
            names.refresh(failedOnly: sinceAll < interval)
            if sinceAll >= interval { sinceAll = .zero }
        }
    }

    /// Names that did not resolve are asked for again after 5 s, or `proxy.nameRefresh` if that is less.
    private static let failedNameInterval = Duration.seconds(5)

    /// Takes to the workers what names stand for now. Not while a change is prepared or committed.
    func renewEndpoints() async {
        guard let serving, let dataPlane else { return }
        var problems: [Diagnostic] = []
        let plan = serving.plan.renewed(resolve: { names[$0] }, problems: &problems)
        let news = state.withLock { state in
            let news = problems.filter { !state.nameProblems.contains($0) }
            state.nameProblems = problems
            if let plan { state.serving?.plan = plan }
            return news
        }
        for problem in news { log.warning("\(problem)") }
        // Its listeners are those that are open: nothing can fail.
        guard let plan, case .success(let prepared) = dataPlane.prepare(plan, tls: nil) else { return }
        await dataPlane.commit(prepared)
        log.info("endpoints have other addresses now, as their names have")
    }

    // MARK: Certificates

    /// Takes each renewal to the workers, for as long as the task lives.
    func followRotation() async {
        for await snapshot in issuer.snapshots() {
            guard let serving, let dataPlane, snapshot.number > serving.identities else { continue }
            do {
                await dataPlane.rotate(try material(snapshot, serving.plan, serving.tls.gateways))
            } catch {
                log.error("renewed certificates cannot be used; the former ones stay", metadata: ["error": "\(error)"])
            }
        }
    }

    /// - Parameter former: Its contexts go on if they would be made of the same.
    private func material(
        _ snapshot: IdentitySnapshot, _ plan: ServingPlan, _ gateways: [NetworkAddress: TLSContext],
        reusing former: Serving? = nil
    ) throws(TLSError) -> TLSMaterial {
        guard plan.hasMesh else { return TLSMaterial(svids: snapshot.identities, gateways: gateways) }
        if let former, former.identities == snapshot.number, former.plan.servedNames == plan.servedNames,
            let server = former.tls.meshServer, let client = former.tls.meshClient
        {
            return TLSMaterial(svids: snapshot.identities, meshServer: server, meshClient: client, gateways: gateways)
        }
        var served: [String: X509SVID] = [:]
        for (name, id) in plan.servedNames { served[name] = snapshot.identities[id] }
        return TLSMaterial(
            svids: snapshot.identities,
            meshServer: try .meshServer(
                identities: served, bundle: snapshot.bundle),
            meshClient: try .meshClient(bundle: snapshot.bundle), gateways: gateways)
    }

    private func issue(
        _ plan: ServingPlan, _ snapshot: MeshSnapshot, _ problems: inout [Diagnostic]
    ) -> IdentityIssuer.Prepared? {
        let identity = snapshot.mesh.identity
        let location: AuthorityLocation
        switch identity.authority {
        case .builtIn: location = .builtIn
        case .files(let certificate, let key):
            location = .files(certificateFile: path(certificate.value), keyFile: path(key.value))
        }
        do throws(IdentityError) {
            return try issuer.prepare(
                ids: plan.identities,
                settings: IssuingSettings(
                    trustDomain: snapshot.mesh.trustDomain, svidTTL: identity.svidTTL, authority: location))
        } catch {
            problems.append(.cannotIssue(snapshot, error))
            return nil
        }
    }

    private func gatewayContexts(_ plan: ServingPlan, _ problems: inout [Diagnostic]) -> [NetworkAddress: TLSContext] {
        var contexts: [NetworkAddress: TLSContext] = [:]
        for (address, listeners) in plan.secureGateways {
            var credentials = ServerCredentials()
            for listener in listeners {
                guard let tls = listener.tls else { continue }
                do throws(TLSError) {
                    let pair = try CredentialFiles.credentials(
                        certificateFile: path(tls.certificateFile.value), keyFile: path(tls.keyFile.value))
                    credentials.add(pair, for: listener.hostname?.value.description)
                } catch {
                    problems.append(.badCertificate(tls, error))
                }
            }
            do throws(TLSError) {
                contexts[address] = try .gatewayServer(
                    certificates: credentials, applicationProtocols: ["h2", "http/1.1"])
            } catch {
                if let tls = listeners[0].tls { problems.append(.badCertificate(tls, error)) }
            }
        }
        return contexts
    }

    /// Paths in manifests are absolute, or relative to the manifests folder.
    private func path(_ written: String) -> String {
        written.hasPrefix("/") ? written : "\(options.manifestsFolder)/\(written)"
    }

    private func start(_ settings: ProxySettings) throws -> DataPlane {
        let log = log
        let startSettings = StartSettings(settings)
        let dataPlane = try DataPlane(
            workerCount: startSettings.workerCount, connectionLimit: startSettings.connectionLimit,
            accessLog: AccessLogSink(descriptor: 1),
            events: EventSink { event in
                switch event {
                case .handshakeRefused(let listener, let peer, let reason):
                    log.info(
                        "handshake refused",
                        metadata: ["listener": "\(listener)", "peer": "\(peer)", "reason": "\(reason)"])
                case .upstreamHandshakeFailed(let endpoint, let reason):
                    log.warning(
                        "handshake with another node failed",
                        metadata: ["endpoint": "\(endpoint)", "reason": "\(reason)"])
                }
            })
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
