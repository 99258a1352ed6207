package import Diagnostics

/// A value of a YAML document, with the place it was written at.
package struct YAMLNode: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        /// In the order written; no key stands twice.
        case mapping([YAMLEntry])
    }

    /// Of a block mapping or list: where its first key or dash is.
    package let position: SourcePosition
    package let content: Content

    package init(position: SourcePosition, content: Content) {
        self.position = position
        self.content = content
    }

    /// What stands there, as a diagnostic's `found` says it: `"text"`, `the number 5`, `nothing`, `a list`.
    package var summary: String {
        switch content {
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        case .scalar(let scalar):
            switch scalar.kind {
            case .null: return scalar.text.isEmpty ? "nothing" : scalar.text
            case .boolean(let value): return value ? "true" : "false"
            case .number: return "the number \(scalar.text.prefix(40))"
            case .string: return Diagnostic.quoted(scalar.text)
            }
        }
    }
}

package struct YAMLEntry: Sendable, Hashable {
    package let key: String
    package let keyPosition: SourcePosition
    package let value: YAMLNode

    package init(key: String, keyPosition: SourcePosition, value: YAMLNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.value = value
    }
}

/// A scalar and what it stands for in the core schema of YAML 1.2.2 (§ 10.3). The words of YAML 1.1 are plain strings
/// here: `yes`, `no`, `on`, `off`, `1:30`, `1_000`.
package struct YAMLScalar: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case null
        case boolean(Bool)
        /// An integer or a decimal fraction, in any notation of the core schema.
        case number
        case string
    }

    /// Escapes and folding undone.
    package let text: String
    /// Without quotation marks and not a block scalar: only then can it be something other than a string.
    package let isPlain: Bool

    package init(text: String, isPlain: Bool) {
        self.text = text
        self.isPlain = isPlain
    }

    package var kind: Kind {
        guard isPlain else { return .string }
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "~"), UInt8(ascii: "n"), UInt8(ascii: "N"):
            return text == "~" || text == "null" || text == "Null" || text == "NULL" ? .null : .string
        case UInt8(ascii: "t"), UInt8(ascii: "T"):
            return text == "true" || text == "True" || text == "TRUE" ? .boolean(true) : .string
        case UInt8(ascii: "f"), UInt8(ascii: "F"):
            return text == "false" || text == "False" || text == "FALSE" ? .boolean(false) : .string
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
            return Self.isNumber(text) ? .number : .string
        default: return .string
        }
    }

    /// `[-+]?[0-9]+`, `0o[0-7]+`, `0x[0-9a-fA-F]+`, `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`,
    /// `[-+]?\.(inf|Inf|INF)`, `\.(nan|NaN|NAN)`.
    private static func isNumber(_ text: String) -> Bool {
        var rest = Substring(text).utf8
        if text.hasPrefix("0x") { return isDigits(rest.dropFirst(2)) { $0.isHexadecimalDigit } }
        if text.hasPrefix("0o") {
            return isDigits(rest.dropFirst(2)) { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        }
        if [".nan", ".NaN", ".NAN"].contains(text) { return true }
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if rest.count == 4, [".inf", ".Inf", ".INF"].contains(Substring(rest)) { return true }

        let whole = rest.prefix { $0.isDecimalDigit }
        rest = rest.dropFirst(whole.count)
        var fractionCount = 0
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { $0.isDecimalDigit }
            fractionCount = fraction.count
            rest = rest.dropFirst(1 + fractionCount)
        }
        guard whole.count + fractionCount > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            return isDigits(rest) { $0.isDecimalDigit }
        }
        return rest.isEmpty
    }

    private static func isDigits(_ text: Substring.UTF8View, _ isDigit: (UInt8) -> Bool) -> Bool {
        !text.isEmpty && text.allSatisfy(isDigit)
    }
}

extension UInt8 {
    fileprivate var isDecimalDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    fileprivate var isHexadecimalDigit: Bool {
        isDecimalDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20)
    }
}
