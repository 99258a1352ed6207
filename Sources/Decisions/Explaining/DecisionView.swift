import Authorization
import CallOutcomes
import CallPlanning
package import Diagnostics
import Manifests

/// A decision of the past, beside what the rules of now say: `heddle explain --decision`.
package struct DecisionView {
    private let report: DecisionReport
    /// `nil` if the service is gone.
    private let now: CallExplanation?
    /// That serves now.
    private let generation: UInt64?

    package init(_ report: DecisionReport, now: CallExplanation?, generation: UInt64?) {
        self.report = report
        self.now = now
        self.generation = generation
    }

    private var isSameGeneration: Bool { generation == report.generation }

    private var decidedBy: String {
        report.rule.map { "\($0)" } ?? "the default action"
    }

    package var text: String {
        var fields = TextFields()
        fields.add("decision", report.id)
        fields.add("at", "\(report.at), generation \(report.generation)")
        fields.add("caller", report.caller ?? "none")
        fields.add("service", report.service.map { "\($0)" })
        fields.add("listener", report.processRefusal?.listener)
        if !report.method.isEmpty { fields.add("request", "\(report.method) \(report.host)\(report.path)") }
        fields.add("asked for", report.place.map { "\($0)" })
        if let refusal = report.processRefusal {
            fields.add("process", refusal.found)
            fields.add("outcome", "REFUSED (\(FailureReason.notAttested.name)): \(Self.notAttested)")
            fields.add("why", refusal.why)
            return fields.rendered()
        }
        if !report.withheld.isEmpty {
            fields.add(
                "not kept", "\(report.withheld.joined(separator: ", ")): rules that ask for it find nothing below")
        }
        fields.add("outcome", "\(report.isAllowed ? "ALLOWED" : "DENIED") by \(decidedBy)")
        var text = fields.rendered()
        guard let now else { return text + "\nThe service is gone from the mesh.\n" }
        guard case .delivered(let destinations) = now.outcome else { return text }
        text +=
            isSameGeneration ? "\n" : "\nBy the rules of now (generation \(generation.map(String.init) ?? "none")):\n"
        for destination in destinations { text += now.lines(of: destination) }
        return text
    }

    private static var notAttested: String { String(decoding: FailureReason.notAttested.explanation, as: UTF8.self) }

    package var json: JSONValue {
        var json = JSONMembers()
        json.add("id", report.id)
        json.add("at", "\(report.at)")
        json.add("generation", .integer(Int(clamping: report.generation)))
        json.add("caller", report.caller)
        json.add("service", report.service.map { "\($0)" })
        if !report.method.isEmpty {
            json.add(
                "request",
                ["method": .string(report.method), "host": .string(report.host), "path": .string(report.path)])
        }
        if let place = report.place {
            json.add(
                "resource", ["kind": .string(place.resource.kind.rawValue), "name": .string("\(place.resource.name)")])
            json.add("resourcePath", place.path)
        }
        if !report.withheld.isEmpty { json.add("withheld", .array(report.withheld.map { .string($0) })) }
        json.add("allowed", .bool(report.isAllowed))
        if let rule = report.rule {
            json.add("policy", "\(rule.policy)")
            json.add("rule", .integer(rule.index))
        }
        if let refusal = report.processRefusal {
            json.add("reason", "\(FailureReason.notAttested.name)")
            json.add("listener", refusal.listener)
            json.add("process", refusal.found)
            json.add("why", refusal.why)
        }
        json.add("now", now?.json)
        return json.json
    }
}
