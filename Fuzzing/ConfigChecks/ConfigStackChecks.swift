import ConfigMerging
import ConfigValues
import Diagnostics

/// What must hold of each evaluation, and of each change of it, whatever the layers hold. Traps where it does not.
package enum ConfigStackChecks {
    /// What became of stacks.
    package struct Tally {
        package fileprivate(set) var values = 0
        /// Values after an earlier one.
        package fileprivate(set) var valuesAgain = 0
        package fileprivate(set) var refusals = 0
        fileprivate var feature: UInt64 = 0

        package init() {}
    }

    /// - Returns: A number for what became of the stack.
    package static func check(_ bytes: [UInt8]) -> UInt64 {
        var tally = Tally()
        check(bytes, &tally)
        return tally.feature
    }

    package static func check(_ bytes: [UInt8], _ tally: inout Tally) {
        var stack = ConfigStack(bytes)
        var lastGood: EvaluatedConfig?
        for _ in 0..<10 {
            let whole = evaluate(stack.recipe, after: nil)
            let again = evaluate(stack.recipe, after: lastGood)
            let feature = check(whole, again, against: NaiveConfig(stack.recipe), stack.recipe)
            tally.feature = tally.feature &* 31 &+ feature
            if case .success(let value) = again {
                tally.values += 1
                if lastGood != nil { tally.valuesAgain += 1 }
                lastGood = value
            } else {
                tally.refusals += 1
                if let lastGood { stack.mayGoBack(to: lastGood.recipe) }
            }
            if stack.isAtEnd { break }
            stack.edit()
        }
    }

    private static func evaluate(_ recipe: ConfigRecipe, after: EvaluatedConfig?) -> Result<
        EvaluatedConfig, ConfigRefusal
    > {
        do throws(ConfigRefusal) {
            return .success(try EvaluatedConfig(recipe, after: after))
        } catch {
            return .failure(error)
        }
    }

    private static func check(
        _ whole: Result<EvaluatedConfig, ConfigRefusal>, _ again: Result<EvaluatedConfig, ConfigRefusal>,
        against naive: NaiveConfig, _ recipe: ConfigRecipe
    ) -> UInt64 {
        switch (whole, again) {
        case (.success(let whole), .success(let again)):
            precondition(naive.mistakes.isEmpty, "taken, though \(naive.mistakes)")
            guard let value = naive.value else { preconditionFailure("no value") }
            let expected = text(value)
            precondition(text(whole.value) == expected, "\(text(whole.value))\nis not\n\(expected)")
            precondition(text(again.value) == expected, "after a change: \(text(again.value))\nis not\n\(expected)")
            precondition(text(again.value, withKeys: true) == text(whole.value, withKeys: true), "keys are elsewhere")
            return checkProvenance(whole, again, naive, recipe)
        case (.failure(let whole), .failure(let again)):
            precondition(whole == again, "after a change: \(again) is not \(whole)")
            check(whole.diagnostics, naive)
            let codes = Set(whole.diagnostics.map(\.code.rawValue)).sorted().joined()
            return codes.utf8.reduce(7) { $0 &* 131 &+ UInt64($1) }
        case (.success, .failure(let refusal)): preconditionFailure("after a change: \(refusal)")
        case (.failure(let refusal), .success): preconditionFailure("after a change nobody sees \(refusal)")
        }
    }

    private static func check(_ diagnostics: [Diagnostic], _ naive: NaiveConfig) {
        precondition(!diagnostics.isEmpty && diagnostics == diagnostics.sortedByPosition())
        for diagnostic in diagnostics {
            let words = diagnostic.found + diagnostic.expected + diagnostic.remedy
            precondition(!holdsSecret(words), "a secret is told: \(words)")
            precondition(diagnostic.severity == .error)
        }
        let isTooLarge = diagnostics.contains { $0.code == .configTooLarge }
        precondition(!naive.mistakes.isEmpty, "refused, though nothing is wrong: \(diagnostics)")
        // Where copying ends, what is not looked at any more is not told of.
        if isTooLarge || naive.isTooLarge { return }
        let (found, expected) = (count(diagnostics.map(NaiveMistake.init)), count(naive.mistakes))
        let extra = found.filter { expected[$0.key] != $0.value }
        precondition(
            found == expected, "\(extra) is not \(expected.filter { found[$0.key] != $0.value }): \(diagnostics)")
    }

    private static func count(_ mistakes: [NaiveMistake]) -> [NaiveMistake: Int] {
        mistakes.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    private static func holdsSecret(_ text: String) -> Bool {
        text.contains(ConfigStack.secretText) || text.contains(String(ConfigStack.secretNumber / 10))
    }

    // MARK: Where values come from

    private static func checkProvenance(
        _ whole: EvaluatedConfig, _ again: EvaluatedConfig, _ naive: NaiveConfig, _ recipe: ConfigRecipe
    ) -> UInt64 {
        guard let merged = naive.merged else { preconditionFailure("nothing merged") }
        let shown = String(decoding: whole.value.redacted.json(), as: UTF8.self)
        precondition(!holdsSecret(shown), "a secret is shown: \(shown)")
        var feature: UInt64 = 1
        var paths: Set<String> = []
        for tree in [whole.value] + ((recipe.defaults.map { [$0] } ?? []) + recipe.layers).compactMap(\.tree) {
            visit(tree, .root) { path in
                guard paths.insert(NaiveNode.bytes(path.pointer)).inserted else { return }
                let explanation = whole.explanation(of: path)
                let steps = explanation.steps.map(text)
                precondition(
                    steps == again.explanation(of: path).steps.map(text),
                    "after a change \(path.dotted) is from elsewhere")
                for step in explanation.steps {
                    let history = NaiveHistory(of: step.path, in: recipe, merged: merged)
                    let expected = expected(step, history)
                    let (given, overridden) = (step.given.map(\.text), step.overridden.map(\.text))
                    precondition(
                        given == expected.given && overridden == expected.overridden,
                        "\(step.path.dotted): \(given) over \(overridden)\nis not\n\(expected)")
                    let source = naive.source(of: step.path).text
                    precondition(step.source.kindText == source, "\(step.source.kindText) is not \(source)")
                }
                checkSame(explanation.steps.map(\.path), naive.parts(of: path))
                for path in [path, path.appending("a")] {
                    checkSame(whole.paths(behind: path), naive.paths(behind: path))
                    checkSame(again.paths(behind: path), naive.paths(behind: path))
                }
                precondition(explanation.value == whole.value[path])
                if let value = explanation.value { check(value, explanation, whole) }
                feature |= 1 << UInt64(min(explanation.steps.count, 60))
            }
        }
        return feature
    }

    private static func checkSame(_ paths: [ConfigPath], _ naive: [ConfigPath]) {
        let (found, expected) = (paths.map(\.pointer).sorted(), naive.map(\.pointer).sorted())
        precondition(found == expected, "\(found) are behind \(naive[0].dotted), and not \(expected)")
    }

    /// What of layers is given, and what is overridden: a text with references counts, where it stands, and is told of as such.
    private static func expected(
        _ step: ConfigExplanation.Step, _ naive: NaiveHistory
    ) -> (given: [String], overridden: [String]) {
        switch step.source {
        case .layers: (naive.given, naive.overridden)
        case .text: ([], naive.overridden)
        case .reference(_, let place, _) where place == step.path: ([], naive.overridden)
        case .nothing, .fallback, .reference: ([], naive.overridden + naive.given)
        }
    }

    /// That a leaf is what the last step of its explanation has, as secret as all that it is made of.
    private static func check(_ value: ConfigValue, _ explanation: ConfigExplanation, _ config: EvaluatedConfig) {
        if let map = value.map, !map.isEmpty { return }
        if let list = value.list, !list.isEmpty { return }
        var isSecret = false
        for step in explanation.steps {
            switch step.source {
            case .nothing: preconditionFailure("\(explanation.path.dotted) is from nothing")
            case .fallback: break
            case .reference(let origin, _, _): isSecret = isSecret || origin.isSecret
            case .text(let origin, let targets):
                isSecret =
                    isSecret || origin.isSecret || targets.contains { config.value[$0]?.origin.isSecret ?? false }
                precondition(value.origin.position == origin.position && value.origin.layer == origin.layer)
                precondition(
                    value.origin.isSecret == isSecret, "\(explanation.path.dotted) is not as secret as its parts")
                return
            case .layers(let statements):
                guard let last = statements.last, case .value(let origin) = last.kind else {
                    precondition(value.origin.layer == ConfigFallback.layer || value.origin.layer == "defaults")
                    return
                }
                precondition(
                    value.origin.position == origin.origin.position && value.origin.layer == origin.origin.layer)
                precondition(
                    value.origin.isSecret == (isSecret || origin.origin.isSecret),
                    "\(explanation.path.dotted) is less secret")
                if value.map == nil, value.list == nil {
                    precondition(value == origin, "\(explanation.path.dotted) is another")
                }
                return
            }
        }
        preconditionFailure("\(explanation.path.dotted) is from nowhere")
    }

    private static func visit(_ value: ConfigValue, _ path: ConfigPath, _ body: (ConfigPath) -> Void) {
        body(path)
        for (index, item) in (value.list ?? []).enumerated() { visit(item, path.appending(String(index)), body) }
        for entry in value.map?.entries ?? [] { visit(entry.value, path.appending(entry.key), body) }
    }

    // MARK: As text

    private static func text(_ value: ConfigValue, withKeys: Bool = false) -> String {
        let origin = "@\(value.origin.layer) \(value.origin.position.line)\(value.origin.isSecret ? " secret" : "")"
        switch value.content {
        case .list(let items):
            return "[" + items.map { text($0, withKeys: withKeys) }.joined(separator: ", ") + "]" + origin
        case .map(let map):
            return "{"
                + map.entries.map { entry in
                    NaiveNode.bytes(entry.key) + (withKeys ? " \(entry.keyPosition?.line ?? 0)" : "") + ": "
                        + text(entry.value, withKeys: withKeys)
                }.joined(separator: ", ") + "}" + origin
        default: return String(decoding: value.json(), as: UTF8.self) + origin
        }
    }

    private static func text(_ step: ConfigExplanation.Step) -> String {
        let source =
            switch step.source {
            case .nothing: "nothing"
            case .layers(let given): given.map(\.text).joined(separator: "; ")
            case .fallback(let rule, let from): "fallback \(rule.position) \(from.dotted)"
            case .reference(let origin, let place, let target): "\(origin) \(place.dotted) -> \(target.dotted)"
            case .text(let origin, let targets): "\(origin) \(targets.map(\.dotted))"
            }
        return "\(step.path.dotted): \(source) over \(step.overridden.map(\.text).joined(separator: "; "))"
    }
}

extension ConfigExplanation.Step {
    fileprivate var given: [LayerStatement] {
        if case .layers(let given) = source { given } else { [] }
    }
}

extension ConfigExplanation.Source {
    fileprivate var kindText: String {
        switch self {
        case .nothing: "nothing"
        case .layers: "layers"
        case .fallback(let rule, let from): "fallback \(rule.position) \(from.pointer)"
        case .reference(let origin, let place, let target): "reference \(origin) \(place.pointer) \(target.pointer)"
        case .text(let origin, let targets): "text \(origin) \(targets.map(\.pointer))"
        }
    }
}
