package import Diagnostics

/// JSON values as block YAML (YAML 1.2 § 8), as people write it.
package enum YAMLText {
    /// - Returns: Lines, each ending in a line break.
    package static func rendered(_ value: JSONValue) -> String {
        var text = ""
        write(value, to: &text, indentation: 0)
        return text
    }

    private static func write(_ value: JSONValue, to text: inout String, indentation: Int) {
        switch value {
        case .object(let members) where !members.isEmpty:
            for (index, member) in members.enumerated() {
                // The first member of an item stands behind its dash.
                if index > 0 || !text.hasSuffix("- ") { text += String(repeating: " ", count: indentation) }
                text += key(member.key, indentation: indentation) + ":"
                writeBelow(member.value, to: &text, indentation: indentation)
            }
        case .array(let items) where !items.isEmpty:
            for item in items {
                text += String(repeating: " ", count: indentation) + "- "
                switch item {
                case .object(let members) where !members.isEmpty: write(item, to: &text, indentation: indentation + 2)
                case .array(let items) where !items.isEmpty:
                    text += "\n"
                    write(item, to: &text, indentation: indentation + 2)
                default: text += plain(item) + "\n"
                }
            }
        default: text += String(repeating: " ", count: indentation) + plain(value) + "\n"
        }
    }

    private static func writeBelow(_ value: JSONValue, to text: inout String, indentation: Int) {
        switch value {
        case .object(let members) where !members.isEmpty:
            text += "\n"
            write(value, to: &text, indentation: indentation + 2)
        case .array(let items) where !items.isEmpty:
            text += "\n"
            write(value, to: &text, indentation: indentation + 2)
        default: text += " " + plain(value) + "\n"
        }
    }

    /// A key that is longer than YAML looks ahead for its ":" (YAML 1.2.2 § 7.4.2) is marked as one.
    private static func key(_ text: String, indentation: Int) -> String {
        let key = scalar(text)
        return key.utf8.count < 1_000 ? key : "? \(key)\n" + String(repeating: " ", count: indentation)
    }

    private static func plain(_ value: JSONValue) -> String {
        switch value {
        case .string(let string): scalar(string)
        case .object: "{}"
        case .array: "[]"
        case .integer, .double, .bool, .null: value.rendered()
        }
    }

    /// Plain where nobody could read anything else, quoted as in JSON otherwise: every JSON string is one of YAML's.
    private static func scalar(_ text: String) -> String {
        if isPlain(text) { return text }
        let quoted = JSONValue.string(text).rendered()
        guard quoted.unicodeScalars.contains(where: isEscaped) else { return quoted }
        return quoted.unicodeScalars.map { isEscaped($0) ? "\\u" + String($0.value, radix: 16) : String($0) }.joined()
    }

    /// What JSON may have as it is, and `YAMLEncoding` lets nobody write so.
    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        [0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF].contains(scalar.value)
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first) || first == UInt8(ascii: "/") else { return false }
        let reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        guard !reserved.contains(text.lowercased()), text.utf8.last != UInt8(ascii: ":") else { return false }
        return text.utf8.allSatisfy { byte in
            isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._/:".utf8.contains(byte)
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
