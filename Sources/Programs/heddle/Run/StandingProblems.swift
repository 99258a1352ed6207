import Diagnostics
import Logging
import Synchronization

/// What is wrong with something that lasts: told when it comes, and when it is over.
final class StandingProblems: Sendable {
    private let standing = Mutex(StandingWarnings())
    private let log: Logger

    init(_ log: Logger) { self.log = log }

    func replace(with problems: [Diagnostic]) {
        let news = standing.withLock { $0.replace(with: problems) }
        log.tell(news.new)
        for problem in news.over where problem.severity == .error { log.notice("over: \(problem)") }
    }
}
