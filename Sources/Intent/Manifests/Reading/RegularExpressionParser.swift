/// Reads an expression from left to right.
struct RegularExpressionParser {
    private typealias Mistake = RegularExpression.Mistake
    private typealias Node = RegularExpression.Node
    private typealias ByteSet = RegularExpression.ByteSet

    /// Groups within groups: 32.
    private static let maximumDepth = 32

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func parse() throws(RegularExpression.Mistake) -> RegularExpression.Node {
        guard bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw Mistake(remedy: "use printable ASCII characters only")
        }
        let node = try alternatives()
        guard position == bytes.count else { throw Mistake(remedy: "open a \"(\" for this \")\", or write \"\\)\"") }
        return node
    }

    private mutating func alternatives() throws(Mistake) -> Node {
        var nodes = [try sequence()]
        while take("|") { nodes.append(try sequence()) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence() throws(Mistake) -> Node {
        var nodes: [Node] = []
        // The whole text is matched in any case.
        if depth == 0 { _ = take("^") }
        while let byte = peek(), byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            if depth == 0, byte == UInt8(ascii: "$"), isAtEndOfAlternative(position + 1) {
                position += 1
                continue
            }
            nodes.append(try quantified(try atom()))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private func isAtEndOfAlternative(_ position: Int) -> Bool {
        position == bytes.count || bytes[position] == UInt8(ascii: "|")
    }

    private mutating func quantified(_ node: Node) throws(Mistake) -> Node {
        let repeated: Node
        if take("*") {
            repeated = .repeated(node, minimum: 0, maximum: nil)
        } else if take("+") {
            repeated = .repeated(node, minimum: 1, maximum: nil)
        } else if take("?") {
            repeated = .repeated(node, minimum: 0, maximum: 1)
        } else if take("{") {
            repeated = try bounded(node)
        } else {
            return node
        }
        // How many are taken first makes no difference to a match of the whole.
        _ = take("?")
        if let next = peek(), "*+?{".utf8.contains(next) {
            throw Mistake(remedy: "repeat something once, or put the repeated part in \"(\" and \")\"")
        }
        return repeated
    }

    private mutating func bounded(_ node: Node) throws(Mistake) -> Node {
        let mistake = Mistake(remedy: "write \"{3}\", \"{3,}\" or \"{3,5}\" with numbers up to 255, or \"\\{\"")
        guard let minimum = number() else { throw mistake }
        var maximum: Int? = minimum
        if take(",") { maximum = peek() == UInt8(ascii: "}") ? nil : number() ?? -1 }
        guard take("}"), maximum.map({ $0 >= minimum }) ?? true else { throw mistake }
        return .repeated(node, minimum: minimum, maximum: maximum)
    }

    private mutating func number() -> Int? {
        let start = position
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), position - start < 3 {
            position += 1
        }
        guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)), value <= 255 else {
            return nil
        }
        return value
    }

    private mutating func atom() throws(Mistake) -> Node {
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "."): return .byte(ByteSet().inverted)
        case UInt8(ascii: "("): return try group()
        case UInt8(ascii: "["): return .byte(try bracketed())
        case UInt8(ascii: "\\"): return .byte(try escape())
        case UInt8(ascii: "^"), UInt8(ascii: "$"):
            throw Mistake(remedy: "remove \"^\" and \"$\": the whole text must match in any case")
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw Mistake(
                remedy:
                    "put what is repeated before the \"\(Character(UnicodeScalar(byte)))\", or write \"\\\" before it")
        default: return .byte(Self.set(of: byte))
        }
    }

    private mutating func group() throws(Mistake) -> Node {
        if take("?"), !take(":") {
            throw Mistake(remedy: "remove the \"?\" and what belongs to it: groups have no flags, names or assertions")
        }
        depth += 1
        guard depth <= Self.maximumDepth else {
            throw Mistake(remedy: "nest at most \(Self.maximumDepth) groups in each other")
        }
        let node = try alternatives()
        depth -= 1
        guard take(")") else { throw Mistake(remedy: "close the \"(\", or write \"\\(\"") }
        return node
    }

    private mutating func bracketed() throws(Mistake) -> ByteSet {
        let unclosed = Mistake(remedy: "close the \"[\", or write \"\\[\"")
        var set = ByteSet()
        let isInverted = take("^")
        var isFirst = true
        while true {
            guard let byte = peek() else { throw unclosed }
            position += 1
            if byte == UInt8(ascii: "]"), !isFirst { break }
            isFirst = false
            if byte == UInt8(ascii: "["), peek() == UInt8(ascii: ":") {
                throw Mistake(remedy: "write the characters themselves, such as [a-z0-9]: there are no named classes")
            }
            if byte == UInt8(ascii: "\\"), isClass(peek()) {
                set.formUnion(try escape())
                continue
            }
            let first = byte == UInt8(ascii: "\\") ? try literal() : byte
            guard peek() == UInt8(ascii: "-"), position + 1 < bytes.count, bytes[position + 1] != UInt8(ascii: "]")
            else {
                set.insert(first)
                continue
            }
            position += 1
            var last = bytes[position]
            position += 1
            if last == UInt8(ascii: "\\") { last = try literal() }
            guard first <= last else { throw Mistake(remedy: "put the lower end of a range first, such as a-z") }
            for member in first...last { set.insert(member) }
        }
        return isInverted ? set.inverted : set
    }

    private func isClass(_ byte: UInt8?) -> Bool { byte.map("dDwWsS".utf8.contains) ?? false }

    /// After a `\`.
    private mutating func escape() throws(Mistake) -> ByteSet {
        guard isClass(peek()) else { return Self.set(of: try literal()) }
        let letter = bytes[position]
        position += 1
        var set = ByteSet()
        switch letter | 0x20 {
        case UInt8(ascii: "d"): for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { set.insert(byte) }
        case UInt8(ascii: "s"): for byte in " \t\r\n".utf8 { set.insert(byte) }
        default:
            for byte in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_".utf8 { set.insert(byte) }
        }
        return letter & 0x20 == 0 ? set.inverted : set
    }

    /// The character after a `\` that means itself.
    private mutating func literal() throws(Mistake) -> UInt8 {
        guard let byte = peek() else { throw Mistake(remedy: "write \"\\\\\" for a \"\\\"") }
        let isAlphanumeric =
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        if isAlphanumeric {
            throw Mistake(
                remedy: "use only \\d, \\w, \\s, their negations \\D, \\W, \\S, and \"\\\" before punctuation")
        }
        position += 1
        return byte
    }

    private static func set(of byte: UInt8) -> ByteSet {
        var set = ByteSet()
        set.insert(byte)
        return set
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }
}
