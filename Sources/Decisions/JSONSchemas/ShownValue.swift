import ConfigValues
import Diagnostics

extension ConfigValue {
    /// As `found` and `expected` show it: of what is secret, and of lists and maps, the type alone.
    var shown: String {
        guard !origin.isSecret else { return typeName }
        switch content {
        case .null: return "null"
        case .boolean(let flag): return flag ? "true" : "false"
        case .number(let number): return number.text
        case .string(let text): return Diagnostic.quoted(text)
        case .list(let items): return items.isEmpty ? "an empty list" : "a list"
        case .map(let map): return map.isEmpty ? "an empty map" : "a map"
        }
    }
}

extension ConfigMap.Entry {
    /// Of the key, if it has one.
    var position: SourcePosition { keyPosition ?? value.origin.position }
}

extension [String] {
    /// `a, b or c`; of many the first few, and how many more.
    func joinedByOr() -> String {
        guard count > 1 else { return first ?? "nothing" }
        guard count <= 6 else { return prefix(5).joined(separator: ", ") + " or one of \(count - 5) more" }
        return dropLast().joined(separator: ", ") + " or " + self[count - 1]
    }
}
