import ConfigFormats
import ConfigValues
import Diagnostics

/// What anybody at the admin socket sees of a value: secrets have been taken out of it before.
extension ConfigValue {
    /// For people: a text as it is, but for what a terminal would obey; all else as YAML.
    var shownText: String {
        get throws(UnwritableValue) {
            guard case .string(let text) = content else {
                return String(decoding: try ConfigFormat.yaml.write(self), as: UTF8.self)
            }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                line.split(separator: "\t", omittingEmptySubsequences: false).map(\.printable).joined(separator: "\t")
            }
            return lines.joined(separator: "\n") + (lines.last?.isEmpty == true && lines.count > 1 ? "" : "\n")
        }
    }

    /// In a cell of a table: a scalar as JSON has it, so that `"1"` is told from `1`; of all else what it is.
    var cell: String {
        if let entries { return entries }
        let text = String(decoding: json(), as: UTF8.self)
        let limit = 60
        return text.unicodeScalars.count <= limit ? text : String(text.unicodeScalars.prefix(limit)) + "\u{2026}"
    }

    /// Of a list or a map with anything in it: what it is, and how much it holds.
    private var entries: String? {
        switch content {
        case .list(let items) where !items.isEmpty: "list of \(items.count)"
        case .map(let map) where !map.isEmpty: "map of \(map.entries.count)"
        default: nil
        }
    }

    /// `nil`: others are in it, each of which is told by itself.
    var ownJSON: JSONValue? { entries == nil ? JSONValue(self) : nil }
}
