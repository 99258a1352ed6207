/// When it is told that lines of a log are lost: of a stall that lasts once in a while, and of each that is over once, with all
/// of it. Asked at the end of each window of time.
package struct LossTelling: Sendable {
    /// What is told now.
    package enum Word: Sendable {
        case nothing, goesOn, over
    }

    /// Windows from one such word to the next: 6.
    package static var windowsBetween: Int { 6 }

    /// Windows since.
    private var lastGoingOn = windowsBetween
    private var lastOver = windowsBetween
    /// Lines of the stall that were told of.
    private var told: UInt64 = 0

    package init() {}

    /// - Parameters:
    ///   - lost: Lines of the stall that nobody has heard the end of; 0: there is none.
    ///   - isOver: Lines can be written again.
    ///   - isLast: No other window follows.
    package mutating func windowEnds(lost: UInt64, isOver: Bool, isLast: Bool = false) -> Word {
        lastGoingOn += 1
        lastOver += 1
        guard lost > 0 else { return .nothing }
        if isOver || isLast {
            guard lastOver >= Self.windowsBetween || isLast else { return .nothing }
            lastOver = 0
            told = 0
            return .over
        }
        guard lost > told, lastGoingOn >= Self.windowsBetween else { return .nothing }
        lastGoingOn = 0
        told = lost
        return .goesOn
    }
}
