/// How much of a turn one connection may take: one that sends as fast as it is read, or what costs more to take than to
/// send, must not keep the others waiting.
struct TurnShare {
    /// Reads of one turn: 1 MiB.
    static let reads = 16
    /// Time after which no further read is begun, in microseconds.
    static let microseconds: UInt64 = 2_000

    private var count = 0
    private var end: UInt64 = 0

    /// Whether another read may be made.
    /// - Parameter clock: Microseconds; not asked for the first two: as a rule there is one, and one that finds nothing.
    mutating func takesRead(clock: () -> UInt64) -> Bool {
        count += 1
        guard count > 2 else { return true }
        guard count <= Self.reads else { return false }
        let now = clock()
        if count == 3 { end = now + Self.microseconds }
        return now < end
    }
}
