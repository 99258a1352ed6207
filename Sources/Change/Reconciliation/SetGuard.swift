/// Doubts sets that take much away at once: more often an accident (a failed mount, a script's `rm`) than an intention.
struct SetGuard {
    enum Verdict: Hashable {
        case take
        /// No resource is left: a person must confirm it.
        case waitForConfirmation
        /// More than half are gone: if the set is the same at this time, it is meant.
        case waitUntil(ContinuousClock.Instant)
    }

    private let confirmation: Duration
    private var halved: (hash: String, until: ContinuousClock.Instant)?

    init(times: ReadingTimes) { confirmation = times.confirmation }

    /// - Parameters:
    ///   - hash: Of the new set.
    ///   - count: Its resources.
    ///   - servedCount: Those that serve now; 0 if nothing does.
    mutating func judge(
        hash: String, count: Int, servedCount: Int, at now: ContinuousClock.Instant
    ) -> Verdict {
        if servedCount > 0, count == 0 {
            halved = nil
            return .waitForConfirmation
        }
        guard count * 2 < servedCount else {
            halved = nil
            return .take
        }
        if let halved, halved.hash == hash {
            guard halved.until <= now else { return .waitUntil(halved.until) }
            self.halved = nil
            return .take
        }
        halved = (hash, now + confirmation)
        return .waitUntil(now + confirmation)
    }
}
