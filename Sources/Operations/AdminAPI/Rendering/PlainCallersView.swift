import Diagnostics

/// Who is left that calls in plain, for people and as JSON.
struct PlainCallersView {
    let reports: [PlainCallersReport]

    /// Empty where no port is open for them.
    var text: String {
        guard !reports.isEmpty else { return "" }
        var table = TextTable(["CALLED IN PLAIN", "FROM", "CALLS", "LAST"])
        for report in reports {
            let name = "\(report.service)"
            if report.sources.isEmpty, report.otherCalls == 0 { table.add([name, "nobody so far", "0", ""]) }
            for source in report.sources { table.add([name, source.address, "\(source.calls)", "\(source.lastAt)"]) }
            if report.otherCalls > 0 { table.add([name, "others", "\(report.otherCalls)", ""]) }
        }
        return "\n" + table.rendered()
    }

    var json: [JSONValue] { reports.map(\.json) }
}

extension PlainCallersReport {
    fileprivate var json: JSONValue {
        [
            "service": .string("\(service)"), "sources": .array(sources.map(\.json)),
            "otherCalls": .integer(Int(clamping: otherCalls)),
        ]
    }
}

extension PlainCallersReport.Source {
    fileprivate var json: JSONValue {
        ["address": .string(address), "calls": .integer(Int(clamping: calls)), "lastAt": .string("\(lastAt)")]
    }
}
