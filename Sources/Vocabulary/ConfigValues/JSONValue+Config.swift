package import Diagnostics

extension JSONValue {
    package init(_ value: ConfigValue) {
        self =
            switch value.content {
            case .null: .null
            case .boolean(let value): .bool(value)
            case .number(.integer(let value)): .integer(Int(value))
            case .number(.fraction(let value)):
                if let whole = Int(exactly: value) { .integer(whole) } else { .double(value) }
            case .string(let text): .string(text)
            case .list(let items): .array(items.map { JSONValue($0) })
            case .map(let map): .object(map.entries.map { ($0.key, JSONValue($0.value)) })
            }
    }
}
