package import ConfigValues

/// Where the value of a path comes from, and what it overrode.
package struct ConfigExplanation: Sendable {
    package enum Source: Sendable {
        /// Nothing is there.
        case nothing
        /// Layers have it: of a map, or of a list with a merge key, all that it was merged from, from the lowest to the highest.
        case layers([LayerStatement])
        /// A fallback gave it, or something above it, since it had no value: what stands at `from`, a step further on.
        case fallback(ConfigFallback, from: ConfigPath)
        /// A text that is one reference stands at `place`, the path itself or one above; what the value is stands at `target`, a step
        /// further on.
        case reference(ValueOrigin, place: ConfigPath, target: ConfigPath)
        /// A text with references in it, each of them a step further on.
        case text(ValueOrigin, [ConfigPath])
    }

    package struct Step: Sendable {
        package let path: ConfigPath
        package let source: Source
        /// All that layers have there and that does not count, from the lowest to the highest.
        package let overridden: [LayerStatement]
    }

    /// `nil`: nothing is there.
    package let value: ConfigValue?
    /// First the path itself, then all that it is made of, each path once.
    package let steps: [Step]

    package var path: ConfigPath { steps[0].path }
}

extension EvaluatedConfig {
    package func explanation(of path: ConfigPath) -> ConfigExplanation {
        var steps: [ConfigExplanation.Step] = []
        var known: Set = [path]
        var waiting = [path]
        var next = 0
        while next < waiting.count {
            let step = step(at: waiting[next])
            next += 1
            steps.append(step)
            for path in step.source.paths where known.insert(path).inserted { waiting.append(path) }
        }
        return ConfigExplanation(value: value[path], steps: steps)
    }

    /// All paths that have a part in what stands at this one, or in that nothing does, itself first: of references and fallbacks those that the
    /// value is copied from, or would be, and of fallbacks those besides that had none to give. Who may not read each of them may not know of it.
    package func paths(behind path: ConfigPath) -> [ConfigPath] {
        var paths = [path]
        var known: Set = [path]
        var next = 0
        while next < paths.count {
            let source = indirection(at: paths[next])
            next += 1
            for path in source?.paths ?? [] where known.insert(path).inserted { paths.append(path) }
        }
        // Where they looked there was nothing to be followed.
        for looked in paths.flatMap(pathsLookedAt) where known.insert(looked).inserted { paths.append(looked) }
        return paths
    }

    /// Where fallbacks looked for a value of the path, of one above it or, if they could make a map of it, of one below.
    private func pathsLookedAt(for path: ConfigPath) -> [ConfigPath] {
        guard !evaluation.trials.isEmpty else { return [] }
        let hasRoom = value[path].map { $0.map != nil } ?? true
        var looked: [ConfigPath] = []
        for trial in evaluation.trials {
            if trial.path.leads(to: path) {
                let rest = path.keys[trial.path.keys.count...]
                looked += trial.looked.map { ConfigPath($0.keys + rest) } + trial.before
            } else if hasRoom, path.leads(to: trial.path) {
                looked += trial.looked + trial.before
            }
        }
        return looked
    }

    private func step(at path: ConfigPath) -> ConfigExplanation.Step {
        let history = LayerHistory(of: path, in: recipe, merged: evaluation.merged)
        let source = source(of: path, history)
        let isGiven =
            switch source {
            case .layers, .text: true
            // The text itself is what counts of the layers, where it stands.
            case .reference(_, let place, _): place == path
            case .nothing, .fallback: false
            }
        return ConfigExplanation.Step(
            path: path, source: source,
            overridden: isGiven ? history.overridden : history.overridden + history.given)
    }

    private func source(of path: ConfigPath, _ history: LayerHistory) -> ConfigExplanation.Source {
        guard value[path] != nil else { return .nothing }
        return indirection(at: path) ?? .layers(history.given)
    }

    /// What gives the path its value, if layers do not give it themselves.
    private func indirection(at path: ConfigPath) -> ConfigExplanation.Source? {
        if let fallback = evaluation.fallbacks.last(where: { $0.rule.path.leads(to: path) }) {
            let rest = path.keys[fallback.rule.path.keys.count...]
            return .fallback(fallback.rule, from: ConfigPath(fallback.from.keys + rest))
        }
        let keys = path.keys[...]
        guard let place = evaluation.places.index(onTheWayTo: keys) else { return nil }
        let text = evaluation.places[place]
        guard let target = text.template.whole else { return .text(text.text.origin, text.template.targets) }
        return .reference(
            text.text.origin, place: text.path, target: ConfigPath(target.keys + keys[text.path.keys.count...]))
    }
}

extension ConfigExplanation.Source {
    fileprivate var paths: [ConfigPath] {
        switch self {
        case .nothing, .layers: []
        case .fallback(_, let from): [from]
        case .reference(_, _, let target): [target]
        case .text(_, let targets): targets
        }
    }
}
