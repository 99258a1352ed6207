/// Reads an expression from left to right.
struct RegularExpressionParser {
    typealias Mistake = RegularExpression.Mistake
    private typealias Node = RegularExpression.Node

    /// Groups within groups: 32.
    private static let maximumDepth = 32

    let use: RegularExpression.Use
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    init(_ text: String, for use: RegularExpression.Use) {
        self.use = use
        scalars = Array(text.unicodeScalars)
    }

    mutating func parse() throws(Mistake) -> RegularExpression.Node {
        guard use == .search || scalars.allSatisfy({ (0x20..<0x7F).contains($0.value) }) else {
            throw Mistake(remedy: "use printable ASCII characters only")
        }
        let node = try alternatives()
        guard position == scalars.count else { throw Mistake(remedy: "open a \"(\" for this \")\", or write \"\\)\"") }
        return node
    }

    private mutating func alternatives() throws(Mistake) -> Node {
        var nodes = [try sequence()]
        while take("|") { nodes.append(try sequence()) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence() throws(Mistake) -> Node {
        var nodes: [Node] = []
        // A whole name is matched in any case.
        if use == .wholeName, depth == 0 { _ = take("^") }
        while let next = peek(), next != "|", next != ")" {
            if use == .wholeName, depth == 0, next == "$", isAtEndOfAlternative(position + 1) {
                position += 1
                continue
            }
            if use == .search, next == "^" || next == "$" {
                nodes.append(try anchor())
            } else {
                nodes.append(try quantified(try atom()))
            }
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private func isAtEndOfAlternative(_ position: Int) -> Bool {
        position == scalars.count || scalars[position] == "|"
    }

    private mutating func anchor() throws(Mistake) -> Node {
        let anchor = scalars[position]
        position += 1
        if let next = peek(), Self.isQuantifier(next) {
            throw Mistake(remedy: "remove what repeats the \"\(anchor)\", or write \"\\\(anchor)\"")
        }
        return anchor == "^" ? .start : .end
    }

    private static func isQuantifier(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "*" || scalar == "+" || scalar == "?" || scalar == "{"
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
        // How many are taken first makes no difference to whether there is a match.
        _ = take("?")
        if let next = peek(), Self.isQuantifier(next) {
            throw Mistake(remedy: "repeat something once, or put the repeated part in \"(\" and \")\"")
        }
        return repeated
    }

    private mutating func bounded(_ node: Node) throws(Mistake) -> Node {
        let mistake = Mistake(remedy: "write \"{3}\", \"{3,}\" or \"{3,5}\" with numbers up to 255, or \"\\{\"")
        guard let minimum = number() else { throw mistake }
        var maximum: Int? = minimum
        if take(",") { maximum = peek() == "}" ? nil : number() ?? -1 }
        guard take("}"), maximum.map({ $0 >= minimum }) ?? true else { throw mistake }
        return .repeated(node, minimum: minimum, maximum: maximum)
    }

    private mutating func number() -> Int? {
        var value = 0
        let start = position
        while let next = peek(), ("0"..."9").contains(next), position - start < 3 {
            value = value * 10 + Int(next.value - 0x30)
            position += 1
        }
        return position > start && value <= 255 ? value : nil
    }

    private mutating func atom() throws(Mistake) -> Node {
        let scalar = scalars[position]
        position += 1
        switch scalar {
        case ".":
            return .character(use == .search ? ScalarSet.lineTerminators.inverted : ScalarSet().inverted.onlyASCII)
        case "(": return try group()
        case "[": return .character(try bracketed())
        case "\\": return .character(try escape())
        case "^", "$": throw Mistake(remedy: "remove \"^\" and \"$\": the whole text must match in any case")
        case "*", "+", "?", "{":
            throw Mistake(
                remedy: "put what is repeated before the \"\(Character(scalar))\", or write \"\\\" before it")
        default: return .character(ScalarSet(scalar))
        }
    }

    private mutating func group() throws(Mistake) -> Node {
        if take("?"), !take(":"), !takeName() {
            let others = use == .search ? "flags and" : "flags, names or"
            throw Mistake(remedy: "remove the \"?\" and what belongs to it: groups have no \(others) assertions")
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

    /// Of a group, which nothing refers to: `<name>`.
    private mutating func takeName() -> Bool {
        let start = position
        if use == .search, take("<") {
            while let next = peek(), next == "_" || next == "$" || next.properties.isAlphabetic || isDigit(next) {
                position += 1
            }
            if position > start + 1, !isDigit(scalars[start + 1]), take(">") { return true }
        }
        position = start
        return false
    }

    private func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private mutating func bracketed() throws(Mistake) -> ScalarSet {
        let unclosed = Mistake(remedy: "close the \"[\", or write \"\\[\"")
        var set = ScalarSet()
        let isInverted = take("^")
        var isFirst = true
        while true {
            guard let scalar = peek() else { throw unclosed }
            position += 1
            if scalar == "]" {
                if !isFirst { break }
                // ECMA-262 has it close the set, others begin it.
                if use == .search { throw Mistake(remedy: "put a character between \"[\" and \"]\", or write \"\\]\"") }
            }
            isFirst = false
            if scalar == "[", peek() == ":" {
                throw Mistake(remedy: "write the characters themselves, such as [a-z0-9]: there are no named classes")
            }
            if scalar == "\\", let members = try characterClass() {
                set.formUnion(members)
                continue
            }
            let first = scalar == "\\" ? try escaped() : scalar
            guard peek() == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                set.insert(first.value...first.value)
                continue
            }
            position += 1
            var last = scalars[position]
            position += 1
            if last == "\\" { last = try escaped() }
            guard first <= last else { throw Mistake(remedy: "put the lower end of a range first, such as a-z") }
            set.insert(first.value...last.value)
        }
        return finished(isInverted ? set.inverted : set)
    }

    /// After a `\`.
    private mutating func escape() throws(Mistake) -> ScalarSet {
        if let members = try characterClass() { return finished(members) }
        return ScalarSet(try escaped())
    }

    private func finished(_ set: ScalarSet) -> ScalarSet { use == .search ? set : set.onlyASCII }

    /// After a `\`: what stands for several characters.
    /// - Returns: `nil`: nothing of the kind; nothing is taken.
    private mutating func characterClass() throws(Mistake) -> ScalarSet? {
        guard let letter = peek() else { return nil }
        let set: ScalarSet
        switch letter {
        case "d", "D": set = .digits
        case "w", "W": set = .wordCharacters
        case "s", "S": set = .whiteSpace
        case "p" where use == .search, "P" where use == .search:
            position += 1
            let categories = try property()
            return ScalarSet(letter == "p" ? categories : categories.inverted)
        default: return nil
        }
        position += 1
        return letter.properties.isUppercase ? set.inverted : set
    }

    /// `{Letter}`.
    private mutating func property() throws(Mistake) -> CategorySet {
        let mistake = Mistake(
            remedy: "name a general category of Unicode, such as \\p{L}, \\p{Lu}, \\p{Letter} or \\p{gc=Nd}")
        guard take("{") else { throw mistake }
        let start = position
        while let next = peek(), next != "}" { position += 1 }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: scalars[start..<position])
        guard take("}"), let categories = CategorySet(named: String(name)) else { throw mistake }
        return categories
    }

    /// The character that stands after a `\`.
    private mutating func escaped() throws(Mistake) -> Unicode.Scalar {
        guard let scalar = peek() else { throw Mistake(remedy: "write \"\\\\\" for a \"\\\"") }
        position += 1
        if use == .search, let meant = try characterEscape(scalar) { return meant }
        guard scalar.isASCII, !scalar.properties.isAlphabetic, !isDigit(scalar) else {
            let others = use == .search ? ", \\p{L}, \\n and the like" : ""
            throw Mistake(
                remedy: "use only \\d, \\w, \\s, their negations \\D, \\W, \\S\(others), and \"\\\" before punctuation")
        }
        return scalar
    }

    /// - Returns: `nil`: it stands for itself, or for nothing.
    private mutating func characterEscape(_ letter: Unicode.Scalar) throws(Mistake) -> Unicode.Scalar? {
        switch letter {
        case "t": return "\t"
        case "n": return "\n"
        case "r": return "\r"
        case "v": return "\u{B}"
        case "f": return "\u{C}"
        case "0" where !(peek().map(isDigit) ?? false): return "\0"
        case "x":
            guard let value = hexadecimal(2), let scalar = Unicode.Scalar(value) else {
                throw Mistake(remedy: "write two digits after \"\\x\", such as \\x2F")
            }
            return scalar
        case "u": return try unicodeEscape()
        default: return nil
        }
    }

    /// `2028`, `{1F600}`, or the halves of a pair: `D83D\uDE00`.
    private mutating func unicodeEscape() throws(Mistake) -> Unicode.Scalar {
        let mistake = Mistake(remedy: "write \\u and four digits, or \\u{…}, of a character that there is")
        var value: UInt32?
        if take("{") {
            value = hexadecimal(1...6)
            guard take("}") else { throw mistake }
        } else {
            value = hexadecimal(4)
            if let high = value, (0xD800..<0xDC00).contains(high), take("\\"), take("u"), let low = hexadecimal(4) {
                guard (0xDC00..<0xE000).contains(low) else { throw mistake }
                value = 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
            }
        }
        guard let value, let scalar = Unicode.Scalar(value) else { throw mistake }
        return scalar
    }

    private mutating func hexadecimal(_ count: Int) -> UInt32? { hexadecimal(count...count) }

    private mutating func hexadecimal(_ counts: ClosedRange<Int>) -> UInt32? {
        let start = position
        var value: UInt32 = 0
        while position - start < counts.upperBound, let next = peek(), next.isASCII,
            let digit = Character(next).hexDigitValue
        {
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return counts.contains(position - start) ? value : nil
    }

    private func peek() -> Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        position += 1
        return true
    }
}
