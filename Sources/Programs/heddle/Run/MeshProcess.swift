import Diagnostics
import Forwarding
import Glibc
import Logging
import MeshSnapshot
import Reconciliation
import WorkloadIdentity

/// `heddle run`: reconciliation, identities, proxy and admin API, from start to drained end.
struct MeshProcess {
    private let options: RunOptions
    private let log: Logger

    /// Nothing is served: the manifests, or the state folder, are not usable. What is wrong has been printed.
    struct NotServing: Error {}

    init(_ options: RunOptions) {
        self.options = options
        var log = Logger(label: "heddle", factory: { StreamLogHandler.standardError(label: $0) })
        log.logLevel = options.logLevel
        self.log = log
    }

    /// Serves until SIGTERM or SIGINT; returns when what was in flight is answered.
    func run() async throws {
        let signals = Signals.stream()
        let state: StateFolder
        do throws(StateFolder.Unusable) {
            state = try StateFolder(options.stateFolder)
        } catch {
            log.error("\(error)")
            throw NotServing()
        }
        let issuer = IdentityIssuer(stateFolder: state.path, logger: log)
        let participant = ServingParticipant(options: options, issuer: issuer, log: log)
        let reconciler = Reconciler(
            folder: options.manifestsFolder, state: state.path, reading: MeshManifestReading(node: options.node),
            participants: [participant], log: log)

        switch await reconciler.start() {
        case .serving(let served): announce(served)
        case .servingLastGood(let served, let refused):
            report(refused)
            log.warning("the manifests folder is wrong: the last good set serves")
            announce(served)
        case .refused(let diagnostics):
            report(diagnostics)
            log.error("nothing is served: \(diagnostics.count) mistakes in \(options.manifestsFolder)")
            throw NotServing()
        }

        let renewal = Task { await issuer.run() }
        let rotation = Task { await participant.followRotation() }
        for await signal in signals {
            if signal == SIGHUP {
                await reconciler.rescan()
            } else {
                break
            }
        }
        log.info("draining")
        await reconciler.stop()
        renewal.cancel()
        rotation.cancel()
        if let serving = participant.serving {
            await participant.dataPlane?.drain(deadline: serving.snapshot.mesh.proxy.timeouts.drain)
        }
        log.info("stopped")
    }

    private func announce(_ served: ServedGeneration) {
        report(served.warnings)
        log.info(
            "serving",
            metadata: [
                "generation": "\(served.generation.number)", "resources": "\(served.resourceCount)",
                "took": "\(served.duration)",
            ])
    }

    private func report(_ diagnostics: [Diagnostic]) {
        for diagnostic in diagnostics { log.log(level: diagnostic.severity == .error ? .error : .warning, "\(diagnostic)") }
    }
}
