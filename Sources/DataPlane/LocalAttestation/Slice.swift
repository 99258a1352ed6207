/// How much is done for one user before others have their turn: counted, not measured, so that it is the same on every machine.
struct Slice {
    /// A unit is about a microsecond's worth: a slice takes some milliseconds.
    static var whole: Int { 2_000 }

    private(set) var left: Int

    init(_ effort: Int = Self.whole) { left = effort }

    var isOver: Bool { left <= 0 }

    /// For what is done anyway: the last step may take more than there is.
    mutating func spend(_ effort: Int) { left -= effort }
}
