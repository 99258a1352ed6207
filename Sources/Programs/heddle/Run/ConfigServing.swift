import AdminAPI
import ConfigDelivery
import ConfigHistory
import ConfigSources
import Diagnostics
import Logging
import Manifests
import NodeServing
import Reconciliation
import ServiceContracts
import Synchronization
import SystemInterfaces

/// `config.mesh` of this process: its sources, the board, and the service that answers.
struct ConfigServing: Sendable {
    let board: ConfigBoard
    let participant: ConfigParticipant
    let host: ServiceHost
    private let hub: WatchHub
    private let backends: ConfigSourceBackends
    private let files: ProjectionKeeper
    /// Who has been told nothing yet of what has changed is told once the data plane serves.
    let telling: ProjectionParticipant
    private let bell = ChangeBell()
    let history: ConfigHistory

    /// Readers of configs at work at once: what they are told is in memory.
    private static let threadCount = 2

    /// - Parameters:
    ///   - boundary: Which files may be read.
    ///   - closed: Folders that no file is written to.
    ///   - stateFolder: Where it is kept what configs were.
    init(
        _ boundary: FileBoundary, closed: [String], stateFolder: HeldFolder, log: Logger
    ) throws(SystemCallError) {
        let hub = try WatchHub()
        let backends = ConfigSourceBackends(folder: boundary.base, variables: OwnEnvironment.all)
        let (ofConfigs, ofFiles, ofHistory) = (StandingProblems(log), StandingProblems(log), StandingProblems(log))
        let history = try ConfigHistory(stateFolder) { ofHistory.replace(with: $0) }
        let files = Mutex<ProjectionKeeper?>(nil)
        let board = try ConfigBoard(backends: backends.backend, history: history) { change in
            for name in change.names {
                hub.changed(name)
                files.withLock { $0 }?.changed(name)
            }
            ofConfigs.replace(with: change.problems)
        }
        let keeper = try ProjectionKeeper(board, .ofThisHost(closing: closed, telling: bell), UntoldFiles(stateFolder))
        {
            ofFiles.replace(with: $0)
        }
        files.withLock { $0 = keeper }
        self.hub = hub
        self.backends = backends
        self.board = board
        self.files = keeper
        telling = ProjectionParticipant(keeper)
        self.history = history
        participant = ConfigParticipant(board, boundary, files: keeper)
        host = ServiceHost(ConfigService(board, hub), name: "config", threadCount: Self.threadCount)
    }

    /// Whose data plane it is by which services are called, and processes known.
    func attach(_ participant: ServingParticipant) { bell.attach(participant) }

    /// What is wrong with configs now.
    var problems: [Diagnostic] { board.all.problems + files.problems + history.problems }

    var metrics: ConfigMetrics { ConfigMetrics(board.all, watchers: hub.watcherCounts) }

    func stop() {
        files.stop()
        board.stop()
        hub.stop()
        backends.stop()
        history.stop()
    }
}
