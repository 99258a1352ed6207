/// A regular expression that matches a whole text, as RE2 and most gateways read it. It has what can be matched in one
/// pass: no backreferences and nothing that looks ahead or behind. ASCII only.
package struct RegularExpression: Hashable, Sendable {
    /// As it is written.
    package let text: String
    package let root: Node

    package indirect enum Node: Hashable, Sendable {
        /// One byte of a set.
        case byte(ByteSet)
        /// One after the other; none: the empty text.
        case sequence([Node])
        case alternatives([Node])
        /// `maximum` of `nil`: without end.
        case repeated(Node, minimum: Int, maximum: Int?)
    }

    /// A set of ASCII characters.
    package struct ByteSet: Hashable, Sendable {
        private var low: UInt64 = 0
        private var high: UInt64 = 0

        package init() {}

        package func contains(_ byte: UInt8) -> Bool {
            byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
        }

        mutating func insert(_ byte: UInt8) {
            if byte < 64 { low |= 1 << UInt64(byte) } else if byte < 128 { high |= 1 << UInt64(byte - 64) }
        }

        mutating func formUnion(_ other: ByteSet) {
            low |= other.low
            high |= other.high
        }

        var inverted: ByteSet {
            var set = self
            set.low = ~low
            set.high = ~high
            return set
        }
    }

    /// Characters and sets an expression may ask for, after `{3}` and the like are written out: 255.
    package static let maximumPositionCount = 255

    /// Why a text is no expression.
    struct Mistake: Error, Hashable {
        let remedy: String
    }

    init(_ text: String) throws(Mistake) {
        var parser = RegularExpressionParser(text)
        root = try parser.parse()
        self.text = text
        guard root.positionCount <= Self.maximumPositionCount else {
            throw Mistake(remedy: "shorten it: it asks for more than \(Self.maximumPositionCount) characters")
        }
    }
}

extension RegularExpression.Node {
    /// Bytes and sets in it once repetitions are written out; large numbers are cut off.
    var positionCount: Int {
        func sum(_ nodes: [Self]) -> Int { nodes.reduce(0) { min($0 + $1.positionCount, 1 << 20) } }
        switch self {
        case .byte: return 1
        case .sequence(let nodes), .alternatives(let nodes): return sum(nodes)
        case .repeated(let node, let minimum, let maximum):
            return min(node.positionCount * max(1, minimum, maximum ?? 0), 1 << 20)
        }
    }
}
