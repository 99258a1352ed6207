import Manifests

/// A regular expression ready to match: Glushkov's automaton, whose states are the expression's characters. Takes time in
/// proportion to the text and allocates nothing, whatever the expression.
struct NameExpression: Sendable {
    /// A set of states, one bit each: `RegularExpression.maximumPositionCount` fit.
    private typealias States = SIMD4<UInt64>

    /// As the manifest writes it.
    let text: String
    private let matchesEmpty: Bool
    private let first: States
    private let last: States
    /// By state: those that may come next.
    private let following: [States]
    /// By ASCII character: which of `accepting` it is.
    private let classes: [UInt8]
    /// By class of characters: the states that take it.
    private let accepting: [States]

    init(_ expression: RegularExpression) {
        var builder = Builder()
        let whole = builder.add(expression.root)
        text = expression.text
        matchesEmpty = whole.isNullable
        first = whole.first
        last = whole.last
        following = builder.following
        var classes: [UInt8] = []
        var accepting: [States] = []
        for byte in UInt8(0)..<128 {
            var states = States.zero
            for (state, set) in builder.sets.enumerated() where set.contains(byte) { states.insert(state) }
            // Never more than 128.
            let known = accepting.firstIndex(of: states) ?? accepting.count
            if known == accepting.count { accepting.append(states) }
            classes.append(UInt8(known))
        }
        self.classes = classes
        self.accepting = accepting
    }

    /// Whether all of `bytes` is matched.
    func matches(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return matchesEmpty }
        var candidates = first
        var states = States.zero
        for index in bytes.indices {
            guard bytes[index] < 128 else { return false }
            states = candidates & accepting[Int(classes[Int(bytes[index])])]
            guard states != .zero else { return false }
            candidates = .zero
            for word in 0..<4 {
                var rest = states[word]
                while rest != 0 {
                    candidates |= following[word * 64 + rest.trailingZeroBitCount]
                    rest &= rest - 1
                }
            }
        }
        return states & last != .zero
    }

    /// Numbers the expression's characters, and finds which may follow which.
    private struct Builder {
        /// What a part of the expression matches begins and ends with.
        struct Part {
            var isNullable = true
            var first = States.zero
            var last = States.zero
        }

        private(set) var sets: [RegularExpression.ByteSet] = []
        private(set) var following: [States] = []

        mutating func add(_ node: RegularExpression.Node) -> Part {
            switch node {
            case .byte(let set):
                var state = States.zero
                state.insert(sets.count)
                sets.append(set)
                following.append(.zero)
                return Part(isNullable: false, first: state, last: state)
            case .sequence(let nodes):
                var whole = Part()
                for node in nodes { whole = join(whole, add(node)) }
                return whole
            case .alternatives(let nodes):
                var whole = Part(isNullable: false)
                for node in nodes {
                    let part = add(node)
                    whole.isNullable = whole.isNullable || part.isNullable
                    whole.first |= part.first
                    whole.last |= part.last
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
                if number >= minimum { part.isNullable = true }
                whole = join(whole, part)
            }
            return whole
        }

        private mutating func join(_ left: Part, _ right: Part) -> Part {
            link(left.last, to: right.first)
            return Part(
                isNullable: left.isNullable && right.isNullable,
                first: left.isNullable ? left.first | right.first : left.first,
                last: right.isNullable ? left.last | right.last : right.last)
        }

        private mutating func link(_ last: States, to first: States) {
            for state in following.indices where last.contains(state) { following[state] |= first }
        }
    }
}

extension SIMD4<UInt64> {
    fileprivate mutating func insert(_ bit: Int) { self[bit / 64] |= 1 << UInt64(bit % 64) }

    fileprivate func contains(_ bit: Int) -> Bool { self[bit / 64] >> UInt64(bit % 64) & 1 == 1 }
}
