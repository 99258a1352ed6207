import ConfigValues
import Diagnostics

/// The steps from a recipe to a value, and what each of them came to.
struct ConfigEvaluation: Sendable {
    /// As the merge left it.
    let merged: ConfigValue
    private let checks: ReferenceChecks
    let fallbacks: [AppliedFallback]
    let trials: [FallbackTrial]
    /// Texts with references, of the merged tree and of what fallbacks gave.
    let places: ReferencePlaces
    private let order: [Int]
    private let resolved: [ReferenceResolution.Resolved?]
    let value: ConfigValue

    // MARK: All of it

    init(whole recipe: ConfigRecipe) throws(ConfigRefusal) {
        let trees = recipe.stack.compactMap(\.tree)
        try Self.refuse(trees.filter { $0.map == nil }.map(MergingMistake.notAMap))

        var merge = LayerMerge(mergeKeys: recipe.mergeKeys)
        merged = merge.merge(trees) ?? Self.nothing
        checks = ReferenceChecks(merge.checks)
        try Self.refuse(merge.problems)

        let stage = FallbackStage(recipe.fallbacks, on: merged, recipe.limits)
        fallbacks = stage.applied
        trials = stage.trials
        try Self.refuse(stage.problems)

        var problems: [Diagnostic] = []
        places = ReferencePlaces(in: stage.value, &problems)
        if let excess = places.firstBeyond(recipe.limits) {
            try Self.refuse([MergingMistake.tooManyReferences(recipe.limits, in: excess.text)])
        }
        let order = ReferenceOrder(places)
        self.order = order.order
        var resolution = ReferenceResolution(places, in: stage.value, recipe.limits, byteCount: stage.byteCount)
        resolution.resolveAll(order)
        resolution.hold(to: checks)
        resolved = resolution.resolved
        try Self.refuse(problems + resolution.problems)
        guard let value = resolution.value else { preconditionFailure("a reference is unknown, and nobody says why") }
        self.value = value
    }

    private static func refuse(_ problems: [Diagnostic]) throws(ConfigRefusal) {
        if !problems.isEmpty { throw ConfigRefusal(Array(problems.prefix(ConfigRefusal.maximumCount))) }
    }

    /// What a config without layers is.
    private static var nothing: ConfigValue {
        ConfigValue(.map(ConfigMap()), origin: ValueOrigin(layer: "defaults", position: .place("no source")))
    }

    // MARK: What changed

    /// - Returns: `nil`: the whole must be evaluated, as other things than trees changed, or there is something wrong: what, the
    ///   whole says in the same words, however it was come by.
    static func evaluation(of recipe: ConfigRecipe, after previous: EvaluatedConfig) -> ConfigEvaluation? {
        guard recipe.hasSameRules(as: previous.recipe) else { return nil }
        var change: TreeChange?
        for (old, new) in zip(previous.recipe.stack, recipe.stack) where old !== new {
            change = .union(change, .between(old.tree, new.tree))
        }
        guard let change else { return previous.evaluation }
        return ConfigEvaluation(recipe, after: previous.evaluation, change)
    }

    /// - Parameter layers: How they differ from those of the previous evaluation, all together.
    private init?(_ recipe: ConfigRecipe, after previous: ConfigEvaluation, _ layers: TreeChange) {
        let trees = recipe.stack.compactMap(\.tree)
        guard trees.allSatisfy({ $0.map != nil }) else { return nil }

        var merge = LayerMerge(mergeKeys: recipe.mergeKeys)
        let (value, change) = merge.merge(trees, after: previous.merged, layers)
        merged = value ?? Self.nothing
        guard merge.problems.isEmpty else { return nil }
        checks = previous.checks.changed(layers, merge.checks)

        let stage = FallbackStage(recipe.fallbacks, on: merged, recipe.limits)
        fallbacks = stage.applied
        trials = stage.trials
        guard stage.problems.isEmpty else { return nil }
        var changed = TreeChange.union(change, fallbacks.change(from: previous.fallbacks))

        var problems: [Diagnostic] = []
        places =
            changed.map { ReferencePlaces(in: stage.value, after: previous.places, $0, &problems) } ?? previous.places
        guard problems.isEmpty, places.firstBeyond(recipe.limits) == nil else { return nil }
        var resolution = ReferenceResolution(places, in: stage.value, recipe.limits, byteCount: stage.byteCount)
        if let change = changed, places.count != previous.places.count || previous.places.isTouched(by: change) {
            let order = ReferenceOrder(places)
            guard order.circles.isEmpty else { return nil }
            self.order = order.order
            let known = places.indices(in: previous.places, unless: change).map { $0.flatMap { previous.resolved[$0] } }
            resolution.resolve(order.order, knowing: known, &changed)
        } else {
            order = previous.order
            resolution.resolve(order, knowing: previous.resolved, &changed)
        }
        resolution.hold(to: checks, new: merge.checks.map(\.path))
        resolved = resolution.resolved
        guard resolution.problems.isEmpty, let value = resolution.value(after: previous.value, changed) else {
            return nil
        }
        self.value = value
    }
}
