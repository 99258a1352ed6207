package import CallOutcomes

/// Requests by service, route, status and reason, with how long they took: one worker's share, added up on a scrape.
package struct RequestMetrics: Sendable {
    /// What tells one series from another.
    package struct Key: Hashable, Sendable {
        package let service: Label
        package let route: Label
        /// 0: no answer was sent.
        package let status: UInt16
        package let reason: FailureReason

        package init(service: Label, route: Label, status: UInt16, reason: FailureReason) {
            self.service = service
            self.route = route
            self.status = status
            self.reason = reason
        }
    }

    package struct Series: Sendable {
        package let key: Key
        package var count: UInt64 = 0
        package var microseconds: UInt64 = 0
        /// One a bound of `LatencyBounds.microseconds`, and one for what is above them all. Not cumulative.
        package var buckets = [UInt64](repeating: 0, count: LatencyBounds.microseconds.count + 1)
    }

    package private(set) var series: [Series] = []
    private var indices: [Key: Int] = [:]
    private var latest = 0

    package init() {}

    package mutating func record(_ key: Key, microseconds: UInt64) {
        if latest >= series.count || series[latest].key != key { latest = index(of: key) }
        series[latest].count += 1
        series[latest].microseconds += microseconds
        series[latest].buckets[LatencyBounds.bucket(of: microseconds)] += 1
    }

    private mutating func index(of key: Key) -> Int {
        if let index = indices[key] { return index }
        series.append(Series(key: key))
        indices[key] = series.count - 1
        return series.count - 1
    }

    /// Adds another worker's share.
    package mutating func add(_ other: RequestMetrics) {
        for theirs in other.series {
            let index = index(of: theirs.key)
            series[index].count += theirs.count
            series[index].microseconds += theirs.microseconds
            for bucket in theirs.buckets.indices { series[index].buckets[bucket] += theirs.buckets[bucket] }
        }
    }
}

/// Upper bounds of the latency histogram's buckets.
package enum LatencyBounds {
    package static let microseconds: [UInt64] = [
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000,
    ]

    /// As Prometheus writes them, in seconds.
    package static let seconds = [
        "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10",
    ]

    static func bucket(of value: UInt64) -> Int {
        for index in microseconds.indices where value <= microseconds[index] { return index }
        return microseconds.count
    }
}
