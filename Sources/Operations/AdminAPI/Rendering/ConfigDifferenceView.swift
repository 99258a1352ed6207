import ConfigMerging
import ConfigValues
import Diagnostics
import Manifests

/// What one value of a Config has otherwise than another, for people and as JSON. Secret values are told of, and not told.
struct ConfigDifferenceView {
    /// One of the two.
    struct Side {
        let value: ConfigValue
        let revision: String
    }

    private let name: ResourceName
    private let old: Side
    private let new: Side
    private let items: [ConfigDifference.Item]

    /// Lines of one answer. Default: 10,000.
    static let lineLimit = 10_000

    init(of name: ResourceName, from old: Side, to new: Side) {
        self.name = name
        self.old = old
        self.new = new
        items = ConfigDifference(from: old.value, to: new.value).items
    }

    var count: Int { items.count }
    var isWhole: Bool { count <= Self.lineLimit }

    var text: String {
        guard !items.isEmpty else { return "" }
        var table = TextTable(["CHANGE", "PATH", "OLD", "FROM", "NEW", "FROM"])
        for item in items.prefix(Self.lineLimit) {
            table.add([
                item.word, item.path.dotted, item.old?.redacted.cell ?? "", item.old?.place ?? "",
                item.new?.redacted.cell ?? "", item.new?.place ?? "",
            ])
        }
        return table.rendered()
    }

    var json: JSONValue {
        var json = JSONMembers()
        json.add("namespace", name.namespace)
        json.add("name", name.name)
        json.add("from", old.revision)
        json.add("to", new.revision)
        json.add("changeCount", .integer(count))
        json.addList("changes", items.prefix(Self.lineLimit).map(Self.json))
        return json.json
    }

    private static func json(_ item: ConfigDifference.Item) -> JSONValue {
        var json = JSONMembers()
        json.add("path", item.path.dotted)
        json.add("change", item.word)
        if let old = item.old { json.add("old", old.sideJSON) }
        if let new = item.new { json.add("new", new.sideJSON) }
        return json.json
    }
}

extension ConfigDifference.Item {
    fileprivate var word: String {
        switch (old, new) {
        case (nil, _): "added"
        case (_, nil): "removed"
        default: "changed"
        }
    }
}

extension ConfigValue {
    /// Where it is written.
    fileprivate var place: String { "\(origin.layer) \(origin.position)" }

    fileprivate var sideJSON: JSONValue {
        var json = JSONMembers()
        json.add(redacted, isSecret: holdsSecrets)
        json.add("layer", origin.layer)
        json.add("position", origin.position.json)
        return json.json
    }
}
