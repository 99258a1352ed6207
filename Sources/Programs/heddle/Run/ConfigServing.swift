import AdminAPI
import ConfigDelivery
import ConfigSources
import Diagnostics
import Glibc
import Logging
import Manifests
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

    /// Readers of configs at work at once: what they are told is in memory.
    private static let threadCount = 2

    /// - Parameter folder: The manifests folder, absolute.
    init(folder: String, log: Logger) throws(SystemCallError) {
        let hub = try WatchHub()
        let backends = ConfigSourceBackends(folder: folder, variables: Self.variables)
        let standing = Mutex(StandingWarnings())
        let board = try ConfigBoard(backends: backends.backend) { change in
            for name in change.names { hub.changed(name) }
            let news = standing.withLock { $0.replace(with: change.problems) }
            log.tell(news.new)
            for problem in news.over where problem.severity == .error {
                log.notice("over: \(problem)")
            }
        }
        self.hub = hub
        self.backends = backends
        self.board = board
        participant = ConfigParticipant(board, folder: folder)
        host = ServiceHost(ConfigService(board, hub), name: "config", threadCount: Self.threadCount)
    }

    /// What is wrong with configs now.
    var problems: [Diagnostic] { board.all.problems }

    /// A Config as it is now; `nil`: the board has not heard of it yet.
    func report(of name: ResourceName) -> ConfigReport? {
        board.config(name).map {
            ConfigReport(value: $0.value?.evaluated, revision: $0.value?.revision, problems: $0.problems)
        }
    }

    var metrics: ConfigMetrics { ConfigMetrics(configs: board.all, watchers: hub.watcherCounts, now: .now) }

    func stop() {
        board.stop()
        hub.stop()
        backends.stop()
    }

    /// As this process was started with: `NAME=value`.
    private static var variables: [[UInt8]] {
        var variables: [[UInt8]] = []
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            unsafe variables.append(
                Array(UnsafeBufferPointer(start: variable, count: strlen(variable)).map(UInt8.init(bitPattern:))))
            unsafe next += 1
        }
        return variables
    }
}
