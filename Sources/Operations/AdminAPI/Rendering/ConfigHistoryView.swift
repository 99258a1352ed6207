import Diagnostics
import Manifests

/// What a Config was, for people and as JSON.
struct ConfigHistoryView {
    let name: ResourceName
    let report: ConfigHistoryReport

    var text: String {
        guard !report.entries.isEmpty else { return "" }
        var table = TextTable(["REVISION", "PUBLISHED", "CHANGED", "NOW"])
        for entry in report.entries {
            table.add([
                entry.revision.shortRevision, "\(entry.lastAt)", entry.changeCount.map(String.init) ?? "?",
                marks(of: entry).joined(separator: ", "),
            ])
        }
        return table.rendered()
    }

    private func marks(of entry: ConfigHistoryReport.Entry) -> [String] {
        (entry.revision == report.current ? ["current"] : []) + (entry.revision == report.pinned ? ["pinned"] : [])
    }

    var json: JSONValue {
        var json = JSONMembers()
        json.add("namespace", name.namespace)
        json.add("name", name.name)
        json.add("current", report.current)
        json.add("pinned", report.pinned)
        json.addList("revisions", report.entries.map(Self.json))
        json.add("problemCount", .integer(report.problems.count))
        json.addList("problems", ShownDiagnostics(report.problems).shown.map(\.json))
        return json.json
    }

    private static func json(_ entry: ConfigHistoryReport.Entry) -> JSONValue {
        var json = JSONMembers()
        json.add("revision", entry.revision)
        json.add("firstPublishedAt", "\(entry.firstAt)")
        json.add("publishedAt", "\(entry.lastAt)")
        json.add("changeCount", entry.changeCount.map(JSONValue.integer))
        return json.json
    }
}

extension PinnedConfigReport {
    var text: String {
        let rest =
            switch sources {
            case .same: "say the same"
            case .other: "say otherwise"
            case .nothing: "say nothing that could be published now"
            }
        return "\(config) is pinned to \(revision.shortRevision) of \(firstAt); its sources \(rest)"
    }

    var json: JSONValue {
        [
            "namespace": .string(config.namespace), "name": .string(config.name), "revision": .string(revision),
            "firstPublishedAt": .string("\(firstAt)"), "sources": .string(sources.rawValue),
        ]
    }
}

extension String {
    /// As people are shown a revision.
    var shortRevision: String { String(prefix(12)) }
}
