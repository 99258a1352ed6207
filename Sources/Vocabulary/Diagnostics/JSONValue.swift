/// A JSON value (RFC 8259) to be written. Members keep the order they were given in, so that output is stable.
package enum JSONValue: Sendable {
    case object([(key: String, value: JSONValue)])
    case array([JSONValue])
    case string(String)
    case integer(Int)
    /// JSON has no infinities and no NaN: these are written as `null`.
    case double(Double)
    case bool(Bool)
    case null

    /// The text: on one line, or indented by two spaces a level. No line break at the end.
    package func rendered(pretty: Bool = false) -> String {
        var text = ""
        write(to: &text, indentation: pretty ? 0 : nil)
        return text
    }

    private func write(to text: inout String, indentation: Int?) {
        switch self {
        case .object(let members):
            Self.writeList(members, "{", "}", to: &text, indentation) { member, text, inner in
                Self.writeString(member.key, to: &text)
                text += inner == nil ? ":" : ": "
                member.value.write(to: &text, indentation: inner)
            }
        case .array(let items):
            Self.writeList(items, "[", "]", to: &text, indentation) { item, text, inner in
                item.write(to: &text, indentation: inner)
            }
        case .string(let value): Self.writeString(value, to: &text)
        case .integer(let value): text += String(value)
        case .double(let value): text += value.isFinite ? "\(value)" : "null"
        case .bool(let value): text += value ? "true" : "false"
        case .null: text += "null"
        }
    }

    private static func writeList<Item>(
        _ items: [Item], _ opening: String, _ closing: String, to text: inout String, _ indentation: Int?,
        _ write: (Item, inout String, Int?) -> Void
    ) {
        text += opening
        guard !items.isEmpty else {
            text += closing
            return
        }
        let inner = indentation.map { $0 + 2 }
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            breakLine(&text, inner)
            write(item, &text, inner)
        }
        breakLine(&text, indentation)
        text += closing
    }

    private static func breakLine(_ text: inout String, _ indentation: Int?) {
        guard let indentation else { return }
        text += "\n"
        text += String(repeating: " ", count: indentation)
    }

    private static func writeString(_ value: String, to text: inout String) {
        var bytes: [UInt8] = []
        JSONText.write(value, into: &bytes)
        text += String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONValue: Equatable {
    /// Members of objects compare with their order, as they are written.
    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.object(let left), .object(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.key == $1.key && $0.value == $1.value }
        case (.array(let left), .array(let right)): left == right
        case (.string(let left), .string(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.null, .null): true
        case (.object, _), (.array, _), (.string, _), (.integer, _), (.double, _), (.bool, _), (.null, _): false
        }
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringInterpolation,
    ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { (key: $0.0, value: $0.1) })
    }

    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(nilLiteral: ()) { self = .null }
}
