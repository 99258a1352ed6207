/// Keeps what strangers can cause at will from filling a log: of each kind the first few of a window are told, and of the
/// others how many they were.
package struct RepetitionLimit<Kind: Hashable & Sendable>: Sendable {
    /// Of one kind, in one window: 3.
    package static var shown: Int { 3 }

    private struct Count {
        var told = 0
        var untold = 0
    }

    /// Kinds must be few, as they are where none is made of what strangers sent.
    private var counts: [Kind: Count] = [:]

    package init() {}

    /// Something happened.
    /// - Returns: Whether it is told now.
    package mutating func admits(_ kind: Kind) -> Bool {
        guard counts[kind, default: Count()].told < Self.shown else {
            counts[kind, default: Count()].untold += 1
            return false
        }
        counts[kind, default: Count()].told += 1
        return true
    }

    /// It happened so often besides, and somebody else has left it untold.
    package mutating func leaveOut(_ kind: Kind, _ count: Int) { counts[kind, default: Count()].untold += count }

    /// The next window begins.
    /// - Returns: What was not told of this one.
    package mutating func endWindow() -> [(kind: Kind, count: Int)] {
        defer { counts.removeAll(keepingCapacity: true) }
        return counts.filter { $0.value.untold > 0 }.map { ($0.key, $0.value.untold) }
    }
}
