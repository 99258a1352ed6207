import AdminAPI
import CallPlanning
import CommonValues
import Diagnostics
import EtcdManifests
import EventLoops
import Forwarding
import Glibc
import HTTPTransfers
import HostGuard
import Logging
import Manifests
import MeshSnapshot
import NodeServing
import Reconciliation
import StateKeeping
import SystemInterfaces
import TransportSecurity
import WorkloadIdentity

/// `heddle run`: reconciliation, identities, proxy and admin API, from start to drained end.
struct MeshProcess {
    private let options: RunOptions
    private let output = ProcessOutput()
    private let log: Logger
    private let notices: ServiceNotices

    /// Nothing can be served: the manifests, or the state folder, are not usable. What is wrong has been printed.
    struct NotServing: Error {}

    init(_ options: RunOptions) {
        self.options = options
        log = output.logger(level: options.logLevel)
        notices = ServiceNotices(ServiceManager.ofThisProcess(), log: log)
    }

    /// Serves until SIGTERM or SIGINT; returns when what was in flight is answered.
    func run() async throws {
        let signals = Signals.stream()
        let openFiles = DescriptorTable.raiseLimit()
        RecordMemory.install()
        do {
            guard openFiles >= Self.leastOpenFiles else {
                throw notServing(
                    "a limit of \(openFiles) open files is too low, \(Self.leastOpenFiles) is the least: "
                        + (FailedCall.resourceRemedy(EMFILE) ?? ""))
            }
            try await run(signals)
        } catch {
            await flush()
            throw error
        }
        await flush()
    }

    /// What is still to be told leaves the process, as far as anybody takes it.
    private func flush() async {
        await notices.flush()
        await output.flush()
    }

    /// With fewer it cannot read its folders: 32, of which 16 are the control plane's.
    private static let leastOpenFiles = 32

    private func run(_ signals: AsyncStream<CInt>) async throws {
        do {
            guard !options.manifests.reaches(options.stateFolder) else {
                throw StateFolder.Unusable(
                    description:
                        "state folder \(options.stateFolder): it lies in the folder of manifests, or of what they may name, "
                        + "and would be read with it; name another place with --state")
            }
            if case .etcd = options.manifests, options.manifests.reaches(options.adminSocketPath) {
                throw StateFolder.Unusable(
                    description:
                        "admin socket \(options.adminSocketPath): it lies where manifests may name it, and would be theirs "
                        + "to call; name another place with --admin")
            }
            let state = try StateFolder(options.stateFolder, log: log)
            try await serve(state, signals)
        } catch let error as StateFolder.Unusable {
            throw notServing("\(error)")
        } catch let error as WatcherError {
            throw notServing("\(error)")
        } catch let error as AdminServerError {
            throw notServing("\(error)")
        }
    }

    private func serve(_ state: StateFolder, _ signals: AsyncStream<CInt>) async throws {
        let issuer = IdentityIssuer(stateFolder: state.held, logger: log)
        let events = EventLog(output, log: log)
        let configs: ConfigServing
        do throws(SystemCallError) {
            configs = try ConfigServing(
                options.manifests.boundary, closed: [options.stateFolder] + options.manifests.ownFolders,
                stateFolder: state.held, log: log)
        } catch {
            throw notServing("no threads for configs: \(error.call): \(error.reason)")
        }
        defer { configs.stop() }
        let participant = ServingParticipant(
            node: options.node, instance: StateLocation.instance(of: options.stateFolder),
            manifestsFolder: options.manifests.boundary.base, issuer: issuer, inner: [.config: configs.host],
            accessLog: output.access, events: EventSink { events.post($0) }, log: log)
        configs.attach(participant)
        let telemetry = TelemetryParticipant()
        let workloads = WorkloadSocketParticipant(node: options.node)
        var settings = MeshReconciler.Settings(folder: options.manifests.name, stateFolder: state.held)
        let etcd = try origin(state)
        defer { etcd?.loop.stop() }
        settings.origin = etcd?.origin
        let retries = HeldBackRetries<MeshSnapshot>([state, settings.keeper, participant, telemetry, workloads])
        let host = HostState(
            retries: retries, keeper: settings.keeper, leftovers: settings.leftovers, participant: participant)
        let reporter = ReconciliationReporter(host: { host.diagnostics }, log: log)
        settings.onEvent = { [notices] event in
            reporter.report(event)
            notices.report(event, heldBack: host.heldBack.count)
        }
        let reconciler = try MeshReconciler(
            settings, manifests: MeshManifestReading(node: options.node, boundary: options.manifests.boundary),
            participants: [
                BoundaryParticipant(boundary: options.manifests.boundary), configs.participant, participant,
                configs.telling, telemetry, workloads, retries,
            ])
        let betweenChanges = { @Sendable (work: @escaping @Sendable () async -> Void) in
            await reconciler.betweenChanges {
                await work()
                reporter.reportHost()
            }
        }
        retries.attach(betweenChanges)
        let mesh = ServedMesh(
            options: options, origin: etcd?.origin, reconciler: reconciler, participant: participant, configs: configs,
            workloads: workloads,
            host: host,
            reporter: reporter,
            output: output, events: events)
        var limits = AdminLimits()
        limits.connections = DescriptorBudget.adminConnections(of: DescriptorTable.limit)
        let admin = try AdminServer(
            mesh: mesh, socketPath: options.adminSocketPath, stateFolder: state.held, limits: limits)
        telemetry.attach(admin)
        workloads.attach(admin)
        reporter.reportHost()

        // From the first: what is waited for at start may take its time.
        async let asked: Void = follow(signals, reconciler, participant)
        switch await reconciler.start() {
        case .serving, .servingLastGood: notices.ready()
        case .stopped:
            admin.removeSocket()
            return log.info("stopped")
        case .refused(let diagnostics):
            reporter.reportNotServing(diagnostics)
            admin.removeSocket()
            throw notServing("nothing is served of \(options.manifests.name): what stands in the way is told above")
        }
        let places = KeptPlaces(state: state, admin: admin, workloads: workloads, keeper: settings.keeper, log: log)
        // What runs in a scope is cancelled at its end, and waited for.
        do {
            async let _ = Self.run(issuer, admin, events)
            async let _ = notices.giveSigns {
                _ = await reconciler.status
                await participant.dataPlane?.answer()
            }
            async let reconciling: Void = reconciler.run()
            do {
                async let _ = Self.follow(participant, betweenChanges)
                async let _ = places.run(betweenChanges) { await reconciler.lookAfterKept() }
                await asked
            }  // workers that are drained take nothing up
            await retries.stop()
            await participant.drain()
            await reconciling  // what served last is on the disk then
        }  // the admin socket's file is gone then
        log.info("stopped")
    }

    /// Where manifests come from, if that is no folder.
    private func origin(_ state: StateFolder) throws -> (origin: EtcdOrigin, loop: TransferLoop)? {
        guard case .etcd(let place) = options.manifests else { return nil }
        do {
            let loop = try TransferLoop()
            return (try place.origin(state.held, on: loop), loop)
        } catch let error as WatcherError {
            throw error
        } catch {
            throw notServing("manifests cannot be had of \(options.manifests.name): \(error)")
        }
    }

    /// Returns when the reconciler has been told to stop.
    private func follow(
        _ signals: AsyncStream<CInt>, _ reconciler: MeshReconciler, _ participant: ServingParticipant
    ) async {
        for await signal in signals {
            guard signal == SIGHUP else { break }
            notices.reloading()
            await reconciler.rescan()
        }
        guard !Task.isCancelled else { return }
        notices.stopping(drain: participant.serving?.snapshot.mesh.proxy.timeouts.drain ?? .zero)
        log.info("draining: answering what is in flight, taking nothing new")
        await reconciler.stop()
    }

    /// What goes on until the end, whatever serves.
    private static func run(_ issuer: IdentityIssuer, _ admin: AdminServer, _ events: EventLog) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await issuer.run() }
            group.addTask { await admin.run() }
            group.addTask { await MemoryTrim.run() }
            group.addTask { await events.run() }
        }
    }

    /// What changes while the same set serves.
    private static func follow(
        _ participant: ServingParticipant, _ betweenChanges: @escaping HeldBackRetries<MeshSnapshot>.BetweenChanges
    ) async {
        let issuer = participant.issuer
        await withDiscardingTaskGroup { group in
            group.addTask { await participant.refreshNames() }
            group.addTask { await watchCertificates(of: participant, betweenChanges) }
            group.addTask { await watchGuard(of: participant, betweenChanges) }
            group.addTask { for await _ in issuer.problemChanges { await betweenChanges {} } }
            group.addTask {
                for await snapshot in issuer.snapshots() {
                    await betweenChanges { await participant.renewCertificates(snapshot) }
                }
            }
            group.addTask {
                for await _ in participant.names.changes {
                    await betweenChanges { await participant.renewEndpoints() }
                }
            }
            group.addTask {
                for await _ in participant.accounts.changes {
                    await betweenChanges { await participant.renewEndpoints() }
                }
            }
        }
    }

    /// Has certificates told of that come near their end while nothing else changes, until the task is cancelled.
    private static func watchCertificates(
        of participant: ServingParticipant, _ betweenChanges: HeldBackRetries<MeshSnapshot>.BetweenChanges
    ) async {
        while true {
            let next = participant.serving?.certificates.untilNextChange(at: .now) ?? certificateInterval
            let wait = min(max(next, .seconds(1)), certificateInterval)
            guard (try? await Task.sleep(for: wait)) != nil else { return }
            await betweenChanges {}
        }
    }

    /// Looks after the guard's table, which others may change, until the task is cancelled.
    private static func watchGuard(
        of participant: ServingParticipant, _ betweenChanges: HeldBackRetries<MeshSnapshot>.BetweenChanges
    ) async {
        var wait = guardInterval
        while (try? await Task.sleep(for: wait)) != nil {
            guard participant.isGuarding, await participant.checkGuard() else { continue }
            await betweenChanges { await participant.lookAfterGuard() }
            // While it looks, no change is taken up.
            wait = participant.guardStanding?.failure == .overdue ? min(wait * 2, .seconds(300)) : guardInterval
        }
    }

    private static let guardInterval = Duration.seconds(10)

    /// How often, at least, the times of certificates are looked at: others may be in use by now, and the clock another.
    private static let certificateInterval = Duration.seconds(60)

    private func notServing(_ reason: String) -> NotServing {
        log.error("\(reason)")
        return NotServing()
    }
}

typealias MeshReconciler = Reconciler<MeshManifestReading>
