/// A regular expression ready to match: Glushkov's automaton, whose states are the expression's characters. Takes time in
/// proportion to the text and allocates nothing, whatever the expression.
package struct ExpressionMatcher: Sendable {
    private typealias States = AutomatonBuilder.States

    /// As it is written.
    package let text: String
    /// There is a match without a character: in every text, or in the empty one alone.
    private let matchesAll: Bool
    private let matchesEmpty: Bool
    /// What a match begins with, anywhere, and at the text's beginning only.
    private let first: States
    private let firstAtStart: States
    /// What a match ends with, anywhere, and at the text's end only.
    private let last: States
    private let lastAtEnd: States
    /// By state: those that may come next.
    private let following: [States]
    /// By ASCII character: which of `accepting` it is.
    private let classes: [UInt8]
    /// By class of characters: the states that take it.
    private let accepting: [States]
    /// Sets that have more than ASCII, and the states that take one of theirs.
    private let wide: [Wide]

    private struct Wide: Sendable {
        let set: ScalarSet
        var states: States
    }

    package init(_ expression: RegularExpression) {
        var builder = AutomatonBuilder()
        let whole = builder.add(expression.root)
        text = expression.text
        // Every text has a beginning and an end.
        matchesAll = !whole.emptiness.isDisjoint(with: [.anywhere, .atStart, .atEnd])
        matchesEmpty = !whole.emptiness.isEmpty
        (first, firstAtStart) = (whole.first, whole.firstAtStart)
        (last, lastAtEnd) = (whole.last, whole.lastAtEnd)
        following = builder.following
        var classes: [UInt8] = []
        var accepting: [States] = []
        for byte in UInt8(0)..<128 {
            var states = States.zero
            for (state, set) in builder.sets.enumerated() where set.contains(ascii: byte) { states.insert(state) }
            // Never more than 128.
            let known = accepting.firstIndex(of: states) ?? accepting.count
            if known == accepting.count { accepting.append(states) }
            classes.append(UInt8(known))
        }
        self.classes = classes
        self.accepting = accepting
        var wide: [Wide] = []
        for (state, set) in builder.sets.enumerated() where set.isWide {
            let known = wide.firstIndex { $0.set == set } ?? wide.count
            if known == wide.count { wide.append(Wide(set: set, states: .zero)) }
            wide[known].states.insert(state)
        }
        self.wide = wide
    }

    /// How many steps of one kind a byte of text may take, at most: what matching costs, roughly.
    package var costPerByte: Int { following.count / 32 + 1 }

    /// Whether a match is anywhere in `bytes`, which are UTF-8; where it is not, beyond ASCII, there is none.
    package func matches(_ bytes: Span<UInt8>) -> Bool {
        if matchesAll { return true }
        guard !bytes.isEmpty else { return matchesEmpty }
        var candidates = first | firstAtStart
        var states = States.zero
        var index = 0
        while index < bytes.count {
            let accepted: States
            if bytes[index] < 128 {
                accepted = accepting[Int(classes[Int(bytes[index])])]
                index += 1
            } else {
                accepted = takers(ofWideAt: &index, of: bytes)
            }
            states = candidates & accepted
            guard states & last == .zero else { return true }
            guard states != .zero || first != .zero else { return false }
            candidates = first
            for word in 0..<4 {
                var rest = states[word]
                while rest != 0 {
                    candidates |= following[word * 64 + rest.trailingZeroBitCount]
                    rest &= rest - 1
                }
            }
        }
        return states & lastAtEnd != .zero
    }

    /// - Parameter index: Of a byte that begins a character beyond ASCII; afterwards of the one behind it.
    private func takers(ofWideAt index: inout Int, of bytes: Span<UInt8>) -> States {
        let lead = bytes[index]
        var value = UInt32(lead) & (lead < 0xE0 ? 0x1F : lead < 0xF0 ? 0x0F : 0x07)
        index += 1
        while index < bytes.count, bytes[index] & 0xC0 == 0x80 {
            value = value << 6 | UInt32(bytes[index] & 0x3F)
            index += 1
        }
        guard !wide.isEmpty, value >= 128, let scalar = Unicode.Scalar(value) else { return .zero }
        let category = CategorySet(of: scalar)
        var states = States.zero
        for part in wide where part.set.contains(scalar, in: category) { states |= part.states }
        return states
    }
}
