import ConfigMerging
import ConfigValues
import Diagnostics

/// Where each value of a config comes from, for people and as JSON.
struct ConfigExplanationView {
    private let evaluated: EvaluatedConfig
    private let explanations: [ConfigExplanation]
    /// Of all values, shown or not.
    let valueCount: Int

    /// Lines of one answer, about: a value that is made of others takes one for each of them. Default: 10,000.
    static let lineLimit = 10_000

    /// - Parameter path: Only what lies there.
    init(_ evaluated: EvaluatedConfig, at path: ConfigPath, lineLimit: Int = Self.lineLimit) {
        self.evaluated = evaluated
        var paths: [ConfigPath] = []
        evaluated.value[path]?.forEachLeaf(at: path) { paths.append($0) }
        if paths.isEmpty { paths = [path] }
        var explanations: [ConfigExplanation] = []
        var lineCount = 0
        for path in paths {
            guard lineCount < lineLimit else { break }
            let explanation = evaluated.explanation(of: path)
            lineCount += explanation.steps.reduce(0) { $0 + 1 + $1.overridden.count }
            explanations.append(explanation)
        }
        self.explanations = explanations
        valueCount = paths.count
    }

    var isWhole: Bool { explanations.count == valueCount }

    /// Whether anything is or was there.
    var isEmpty: Bool { explanations.allSatisfy { $0.value == nil && $0.steps[0].overridden.isEmpty } }

    // MARK: For people

    var text: String {
        var table = TextTable(["PATH", "VALUE", "FROM", "PLACE"])
        for explanation in explanations {
            for (index, step) in explanation.steps.enumerated() {
                add(step, isMain: index == 0, to: &table)
            }
        }
        return table.rendered()
    }

    private func add(_ step: ConfigExplanation.Step, isMain: Bool, to table: inout TextTable) {
        let indentation = isMain ? "" : "  "
        let path = step.path.dotted
        let value = evaluated.value[step.path]?.redacted.cell ?? "(nothing)"
        let origin = step.source.origin
        table.add([
            isMain ? path : "\(indentation)made of \(path)", value, origin?.layer ?? "",
            origin.map { "\($0.position)" } ?? "",
        ])
        let others =
            step.source.mergedWith.map { ("merged with", $0) } + step.overridden.reversed().map { ("over", $0) }
        for (word, statement) in others {
            table.add([
                "\(indentation)  \(word)", statement.shown?.cell ?? statement.word, statement.origin.layer,
                "\(statement.origin.position)",
            ])
        }
    }

    // MARK: As JSON

    var values: [JSONValue] {
        explanations.map { explanation in
            var json = json(of: explanation.steps[0])
            json.add("madeOf", .array(explanation.steps.dropFirst().map { self.json(of: $0).json }))
            return json.json
        }
    }

    private func json(of step: ConfigExplanation.Step) -> JSONMembers {
        var json = JSONMembers()
        json.add("path", step.path.dotted)
        json.add("source", step.source.word)
        let value = evaluated.value[step.path]
        json.add(value?.redacted, isSecret: value?.holdsSecrets ?? false)
        if let origin = step.source.origin {
            json.add("layer", origin.layer)
            json.add("position", origin.position.json)
        }
        json.add("mergedWith", .array(step.source.mergedWith.map(\.json)))
        json.add("over", .array(step.overridden.reversed().map(\.json)))
        return json
    }
}

extension ConfigExplanation.Source {
    /// Where what counts is written.
    fileprivate var origin: ValueOrigin? {
        switch self {
        case .nothing: nil
        case .layers(let statements): statements.last?.origin
        case .fallback(let fallback, _): fallback.origin
        case .reference(let origin, _, _), .text(let origin, _): origin
        }
    }

    /// Of what is merged from several layers all but the highest, from the highest to the lowest.
    fileprivate var mergedWith: [LayerStatement] {
        if case .layers(let statements) = self { statements.dropLast().reversed() } else { [] }
    }

    fileprivate var word: String {
        switch self {
        case .nothing: "nothing"
        case .layers: "layer"
        case .fallback: "fallback"
        case .reference: "reference"
        case .text: "text"
        }
    }
}

extension LayerStatement {
    /// `nil`: it says no value.
    fileprivate var shown: ConfigValue? {
        if case .value(let value) = kind { value.redacted } else { nil }
    }

    fileprivate var word: String {
        switch kind {
        case .value: "value"
        case .removal: "(removed)"
        case .replacement: "(replaced with nothing)"
        }
    }

    fileprivate var json: JSONValue {
        var json = JSONMembers()
        json.add(shown, isSecret: shown?.holdsSecrets ?? false)
        switch kind {
        case .value: break
        case .removal: json.add("does", "remove")
        case .replacement: json.add("does", "replace")
        }
        json.add("layer", origin.layer)
        json.add("position", origin.position.json)
        return json.json
    }
}

extension JSONMembers {
    /// - Parameter value: Redacted.
    mutating func add(_ value: ConfigValue?, isSecret: Bool) {
        guard let value else { return }
        if let own = value.ownJSON { addMapping("value", own) } else { add("type", value.cell) }
        if isSecret { add("secret", true) }
    }
}
