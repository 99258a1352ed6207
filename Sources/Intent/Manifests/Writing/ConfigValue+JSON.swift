import ConfigValues
import Diagnostics

extension ConfigValue {
    /// As people are shown it: keys, and in the place of each value that is secret a word for it.
    var shownJSON: JSONValue {
        switch content {
        case .list(let items) where !origin.isSecret || !items.isEmpty: .array(items.map(\.shownJSON))
        case .map(let map) where !origin.isSecret || !map.isEmpty:
            .object(map.entries.map { ($0.key, $0.value.shownJSON) })
        case _ where origin.isSecret: "(secret)"
        case .null: .null
        case .boolean(let value): .bool(value)
        case .number(.integer(let value)): .integer(Int(value))
        case .number(.fraction(let value)): .double(value)
        case .string(let value): .string(value)
        case .list: .array([])
        case .map: .object([])
        }
    }
}
