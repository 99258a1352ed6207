/// When something is tried again that the set is not to blame for: soon at first, then less and less often. A value.
package struct RetryTimes: Sendable, Hashable {
    private let longest: Duration
    private var wait: Duration

    /// - Parameters:
    ///   - first: Until it is tried a second time.
    ///   - longest: The time between two tries is doubled up to this.
    package init(first: Duration = .milliseconds(500), longest: Duration = .seconds(30)) {
        wait = first
        self.longest = longest
    }

    /// How long to wait until the next try.
    package mutating func next() -> Duration {
        defer { wait = min(wait * 2, longest) }
        return wait
    }
}

extension RetryTimes {
    init(_ times: ReadingTimes) { self.init(first: times.retry, longest: times.rescan) }
}
