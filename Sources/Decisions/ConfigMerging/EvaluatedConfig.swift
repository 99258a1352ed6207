package import ConfigValues
package import Diagnostics

/// Why a config has no value: at least one error, by position.
package struct ConfigRefusal: Error, Hashable {
    package let diagnostics: [Diagnostic]

    /// Mistakes told of a step of an evaluation: 1,000. Layers can differ in any number of places.
    static let maximumCount = 1_000

    init(_ problems: [Diagnostic]) {
        diagnostics = problems.sortedByPosition()
    }
}

/// The value of a config, and how it came to be: layers merged, fallbacks given, references resolved.
///
/// Where each value comes from, its origin says. A value that a reference or a fallback copied says where that one comes from;
/// `explanation` says both.
package struct EvaluatedConfig: Sendable {
    package let recipe: ConfigRecipe
    /// What a check had to say, none of it an error.
    package let warnings: [Diagnostic]
    let evaluation: ConfigEvaluation

    package var value: ConfigValue { evaluation.value }
    /// Whether what stands anywhere depends on other paths, by a reference or a fallback.
    package var hasDependencies: Bool { evaluation.places.count > 0 || !evaluation.trials.isEmpty }
    package var trials: [FallbackTrial] { evaluation.trials }

    /// - Parameters:
    ///   - previous: An earlier value of this config: what did not change since is not done again, and the result is the same as
    ///     without it.
    ///   - check: Says what is wrong with the merged value, as a schema does.
    package init(
        _ recipe: ConfigRecipe, after previous: EvaluatedConfig? = nil,
        check: (ConfigValue) -> [Diagnostic] = { _ in [] }
    ) throws(ConfigRefusal) {
        if let known = previous.flatMap({ ConfigEvaluation.evaluation(of: recipe, after: $0) }) {
            evaluation = known
        } else {
            evaluation = try ConfigEvaluation(whole: recipe)
        }
        self.recipe = recipe
        warnings = check(evaluation.value).sortedByPosition()
        if warnings.contains(where: { $0.severity == .error }) { throw ConfigRefusal(warnings) }
    }
}

extension [Diagnostic] {
    mutating func add(_ problem: @autoclosure () -> Diagnostic) {
        if count < ConfigRefusal.maximumCount { append(problem()) }
    }
}
