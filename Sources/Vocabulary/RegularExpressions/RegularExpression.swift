/// A regular expression, as RE2, ECMAScript and most gateways read it. It has what can be matched in one pass: no
/// backreferences and nothing that looks ahead or behind.
package struct RegularExpression: Hashable, Sendable {
    /// What it is for, and so what it may have.
    package enum Use: Hashable, Sendable {
        /// It matches a whole name. ASCII only.
        case wholeName
        /// It is looked for anywhere in a text, unless `^` and `$` say where. Unicode; as ECMA-262 has it with the flag `u`.
        case search
    }

    /// As it is written.
    package let text: String
    /// What is to be found: what matches a whole name has an anchor at either end.
    package let root: Node

    package indirect enum Node: Hashable, Sendable {
        /// One of a set.
        case character(ScalarSet)
        /// Nothing, at the beginning of the text.
        case start
        /// Nothing, at the end of the text.
        case end
        /// One after the other; none: the empty text.
        case sequence([Node])
        case alternatives([Node])
        /// `maximum` of `nil`: without end.
        case repeated(Node, minimum: Int, maximum: Int?)
    }

    /// Characters and sets an expression may ask for, after `{3}` and the like are written out: 255.
    package static let maximumPositionCount = 255
    /// Longest text of an expression: 4,096 bytes.
    package static let maximumByteCount = 4_096

    /// Why a text is no expression.
    package struct Mistake: Error, Hashable {
        package let remedy: String
    }

    package init(_ text: String, for use: Use) throws(Mistake) {
        guard text.utf8.count <= Self.maximumByteCount else {
            throw Mistake(remedy: "shorten it to at most \(Self.maximumByteCount) bytes")
        }
        var parser = RegularExpressionParser(text, for: use)
        let node = try parser.parse()
        guard node.positionCount <= Self.maximumPositionCount else {
            throw Mistake(remedy: "shorten it: it asks for more than \(Self.maximumPositionCount) characters")
        }
        self.text = text
        root =
            switch use {
            case .wholeName: .sequence([.start, node, .end])
            case .search: node
            }
    }

    /// How many characters and sets it asks for, once repetitions are written out.
    package var positionCount: Int { root.positionCount }
}

extension RegularExpression.Node {
    /// Large numbers are cut off.
    fileprivate var positionCount: Int {
        func sum(_ nodes: [Self]) -> Int { nodes.reduce(0) { min($0 + $1.positionCount, 1 << 20) } }
        switch self {
        case .character: return 1
        case .start, .end: return 0
        case .sequence(let nodes), .alternatives(let nodes): return sum(nodes)
        case .repeated(let node, let minimum, let maximum):
            return min(node.positionCount * max(1, minimum, maximum ?? 0), 1 << 20)
        }
    }
}
