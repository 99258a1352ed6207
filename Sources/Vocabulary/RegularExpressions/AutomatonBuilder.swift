/// Numbers an expression's characters, and finds which may follow which.
struct AutomatonBuilder {
    /// A set of states, one bit each: `RegularExpression.maximumPositionCount` fit.
    typealias States = SIMD4<UInt64>

    /// Where a part may match without a character.
    struct Emptiness: OptionSet {
        let rawValue: UInt8
        static let anywhere = Emptiness(rawValue: 1)
        static let atStart = Emptiness(rawValue: 2)
        static let atEnd = Emptiness(rawValue: 4)
        /// At the beginning which is the end, too.
        static let inEmptyText = Emptiness(rawValue: 8)

        /// Of two parts, one after the other.
        func followed(by other: Emptiness) -> Emptiness {
            var both: Emptiness = []
            for (left, leftNeeds) in Self.needs where contains(left) {
                for (right, rightNeeds) in Self.needs where other.contains(right) {
                    for (sum, needs) in Self.needs where needs == leftNeeds | rightNeeds { both.insert(sum) }
                }
            }
            return both
        }

        /// Bit 0: the beginning; bit 1: the end.
        private static let needs: [(Emptiness, UInt8)] = [
            (.anywhere, 0), (.atStart, 1), (.atEnd, 2), (.inEmptyText, 3),
        ]
    }

    /// What a part of the expression matches begins and ends with: anywhere, and where it must be the beginning or the end.
    struct Part {
        var emptiness: Emptiness = .anywhere
        var first = States.zero
        var firstAtStart = States.zero
        var last = States.zero
        var lastAtEnd = States.zero
    }

    private(set) var sets: [ScalarSet] = []
    private(set) var following: [States] = []

    mutating func add(_ node: RegularExpression.Node) -> Part {
        switch node {
        case .character(let set):
            var state = States.zero
            state.insert(sets.count)
            sets.append(set)
            following.append(.zero)
            return Part(emptiness: [], first: state, last: state)
        case .start: return Part(emptiness: .atStart)
        case .end: return Part(emptiness: .atEnd)
        case .sequence(let nodes):
            var whole = Part()
            for node in nodes { whole = join(whole, add(node)) }
            return whole
        case .alternatives(let nodes):
            var whole = Part(emptiness: [])
            for node in nodes {
                let part = add(node)
                whole.emptiness.formUnion(part.emptiness)
                whole.first |= part.first
                whole.firstAtStart |= part.firstAtStart
                whole.last |= part.last
                whole.lastAtEnd |= part.lastAtEnd
            }
            return whole
        case .repeated(let node, let minimum, let maximum):
            return repeated(node, minimum, maximum)
        }
    }

    /// Writes the repetitions out; the last of an endless one leads back to itself.
    private mutating func repeated(_ node: RegularExpression.Node, _ minimum: Int, _ maximum: Int?) -> Part {
        var whole = Part()
        for number in 0..<(maximum ?? max(1, minimum)) {
            var part = add(node)
            if maximum == nil, number + 1 >= minimum { link(part.last, to: part.first) }
            if number >= minimum { part.emptiness.insert(.anywhere) }
            whole = join(whole, part)
        }
        return whole
    }

    /// What must be at the beginning follows no character, and none follows what must be at the end.
    private mutating func join(_ left: Part, _ right: Part) -> Part {
        link(left.last, to: right.first)
        var whole = Part(
            emptiness: left.emptiness.followed(by: right.emptiness), first: left.first, firstAtStart: left.firstAtStart,
            last: right.last, lastAtEnd: right.lastAtEnd)
        if left.emptiness.contains(.anywhere) {
            whole.first |= right.first
            whole.firstAtStart |= right.firstAtStart
        }
        if left.emptiness.contains(.atStart) { whole.firstAtStart |= right.first | right.firstAtStart }
        if right.emptiness.contains(.anywhere) {
            whole.last |= left.last
            whole.lastAtEnd |= left.lastAtEnd
        }
        if right.emptiness.contains(.atEnd) { whole.lastAtEnd |= left.last | left.lastAtEnd }
        return whole
    }

    private mutating func link(_ last: States, to first: States) {
        guard last != .zero, first != .zero else { return }
        for state in following.indices where last.contains(state) { following[state] |= first }
    }
}

extension SIMD4<UInt64> {
    mutating func insert(_ bit: Int) { self[bit / 64] |= 1 << UInt64(bit % 64) }

    func contains(_ bit: Int) -> Bool { self[bit / 64] >> UInt64(bit % 64) & 1 == 1 }
}
