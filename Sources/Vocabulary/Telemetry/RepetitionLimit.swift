/// Keeps what strangers can cause at will from filling a log: of each kind the first few of a window are told, and of the
/// others how many they were.
package struct RepetitionLimit<Kind: Hashable & Sendable>: Sendable {
    /// Of one kind, in one window: 3.
    package static var shown: Int { 3 }

    /// Kinds must be few, as they are where none is made of what strangers sent.
    private var counts: [Kind: Int] = [:]

    package init() {}

    /// Something happened.
    /// - Returns: Whether it is told now.
    package mutating func admits(_ kind: Kind) -> Bool {
        counts[kind, default: 0] += 1
        return counts[kind, default: 0] <= Self.shown
    }

    /// The next window begins.
    /// - Returns: What was not told of this one.
    package mutating func endWindow() -> [(kind: Kind, count: Int)] {
        defer { counts.removeAll(keepingCapacity: true) }
        return counts.filter { $0.value > Self.shown }.map { ($0.key, $0.value - Self.shown) }
    }
}
