/// How often something may happen in 30 s, from the first time on.
struct HTTP2Budget {
    private static let milliseconds: UInt64 = 30_000

    private var start: UInt64 = 0
    private var count = 0

    /// - Parameter now: In milliseconds, from any beginning.
    /// - Returns: `false` if that was once too often.
    mutating func spend(limit: Int, now: UInt64) -> Bool {
        if count == 0 || now >= start &+ Self.milliseconds {
            start = now
            count = 0
        }
        count += 1
        return count <= limit
    }
}
