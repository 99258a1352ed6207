package import CommonValues
package import ConfigMerging
package import ConfigValues
package import Diagnostics
package import Manifests
import Synchronization
package import SystemInterfaces

/// What Configs were on this node. One thread writes and reads it: a disk that is slow, or full, holds up nobody who publishes.
package final class ConfigHistory: Sendable {
    private struct State {
        var published: [ResourceName: [HistoryStore.Published]] = [:]
        /// All Configs that there are, if that is another set.
        var names: Set<ResourceName>?
        var newPins: [ResourceName: HistoryDesk.Pin] = [:]
        var questions: [@Sendable (HistoryDesk) -> Void] = []
        var isStopped = false
        var problems: [Diagnostic] = []
    }

    private let report: @Sendable ([Diagnostic]) -> Void
    private let state = Mutex(State())
    private let wakeup: Wakeup
    private let ended = Signal()
    private let waitingCount: Int

    /// - Parameter report: Told on its thread, when something else is wrong than before.
    /// - Throws: The host gives no thread, or no descriptor.
    package init(
        _ stateFolder: HeldFolder, limits: HistoryLimits = HistoryLimits(), writer: FileWriter = FileWriter(),
        report: @escaping @Sendable ([Diagnostic]) -> Void = { _ in }
    ) throws(SystemCallError) {
        self.report = report
        waitingCount = limits.waitingCount
        wakeup = try Wakeup()
        let desk = HistoryDesk(HistoryStore(stateFolder, limits, writer), waitingCount: limits.waitingCount)
        try SystemThread.start(name: "config-history", givesWay: true) { [self] in
            run(desk)
            ended.give()
        }
    }

    /// Returns once what waits has been written, or tried once more.
    package func stop() {
        state.withLock { $0.isStopped = true }
        wakeup.give()
        ended.wait()
    }

    package var problems: [Diagnostic] { state.withLock { $0.problems } }

    // MARK: What it is told

    /// What is published now.
    /// - Parameter recipe: What the value was made of.
    package func keep(
        _ recipe: ConfigRecipe, _ value: ConfigValue, revision: String, at time: UnixTime = .now,
        of config: ResourceName
    ) {
        let new = HistoryStore.Published(recipe: recipe, value: value, revision: revision, time: time)
        state.withLock { $0.published[config, default: []].add(new, limit: waitingCount) }
        wakeup.give()
    }

    /// All Configs that there are: of others little is kept.
    package func adopt(_ names: Set<ResourceName>) {
        state.withLock { $0.names = names }
        wakeup.give()
    }

    /// Looks for what a Config is pinned to.
    /// - Parameter tell: On its thread; again when it can be read after all, until something else is looked for.
    package func find(
        pin prefix: String, of config: ResourceName, _ tell: @escaping @Sendable (PinFinding) -> Void
    ) {
        state.withLock { $0.newPins[config] = HistoryDesk.Pin(prefix: prefix, tell: tell) }
        wakeup.give()
    }

    /// - Returns: `nil`: it has stopped.
    package func past(_ prefix: String, of config: ResourceName) async -> PastFinding? {
        await ask { $0.find(prefix, of: config) }
    }

    /// - Returns: `nil`: it has stopped.
    package func listing(of config: ResourceName) async -> PastListing? {
        await ask { $0.listing(of: config) }
    }

    private func ask<Answer: Sendable>(_ question: @escaping @Sendable (HistoryDesk) -> Answer) async -> Answer? {
        await withCheckedContinuation { continuation in
            let isAsked = state.withLock { state in
                guard !state.isStopped else { return false }
                state.questions.append { continuation.resume(returning: question($0)) }
                return true
            }
            if isAsked { wakeup.give() } else { continuation.resume(returning: nil) }
        }
    }

    // MARK: On its thread

    private func run(_ start: HistoryDesk) {
        var desk = start
        while true {
            wakeup.wait(until: desk.retry)
            wakeup.take()
            let (published, names, newPins, questions, isStopped) = state.withLock { state in
                defer { (state.published, state.names, state.newPins, state.questions) = ([:], nil, [:], []) }
                return (state.published, state.names, state.newPins, state.questions, state.isStopped)
            }
            for (config, values) in published { desk.take(values, of: config) }
            if let names { desk.adopt(names) }
            let isDue = desk.retry.map { $0 <= .now } ?? true
            // What is new is tried at once, and what has failed when its time has come.
            if isDue || isStopped || !published.isEmpty || names != nil { desk.write() }
            desk.look(for: newPins, again: isDue)
            for question in questions { question(desk) }
            desk.pause(wasDue: isDue)
            tell(desk.allProblems)
            if isStopped { return }
        }
    }

    private func tell(_ problems: [Diagnostic]) {
        let isOther = state.withLock { state in
            defer { state.problems = problems }
            return state.problems != problems
        }
        if isOther { report(problems) }
    }
}
