import ConfigFormats
import ConfigHistory
import ConfigMerging
import ConfigSources
import ConfigValues
import Diagnostics
import JSONSchemas
import Manifests
import ServiceContracts

/// What the board's thread works with: no other one sees it.
struct ConfigDesk {
    private struct Followed {
        let source: ConfigSource
        let backend: any ConfigSourceBackend
        /// Tells what it says from what one before it of the same name said.
        let course: Int
        var layer: ConfigLayer
        var status: SourceStatus
        /// It has said something: what it holds, or why it cannot be read.
        var isHeard = false
    }

    private struct Kept {
        var plan: ConfigBoard.PlannedConfig
        /// The newest good one that its sources made.
        var made: ConfigVersion?
        /// What is published: that, or what it is pinned to.
        var version: ConfigVersion?
        var pin: PinCourse?
        var changes: UInt64 = 0
        var refusals: UInt64 = 0
        var isDue = true
        /// Its sources have said that they are what they were.
        var isRestated = false

        mutating func publish(_ new: ConfigVersion) {
            guard version?.isSame(as: new) != true else { return }
            version = new
            changes += 1
        }
    }

    /// What the sources come to.
    private struct Made {
        /// `nil`: nothing that could be published.
        var version: ConfigVersion?
        /// One has not said its first word yet.
        var isAwaited = false
        var problems: [Diagnostic] = []
    }

    private let makeBackend: @Sendable (ConfigSource) -> any ConfigSourceBackend
    private let tell: @Sendable (ResourceName, Int, ConfigSourceNews) -> Void
    /// Has somebody look for a revision: `take` is told what was found.
    private let find: (String, ResourceName) -> Void
    private var followed: [ResourceName: Followed] = [:]
    private var configs: [ResourceName: Kept] = [:]
    /// By name alone, of all sources there are.
    private var secrets = SecretsNow()
    private var lastCourse = 0

    init(
        _ makeBackend: @escaping @Sendable (ConfigSource) -> any ConfigSourceBackend,
        find: @escaping (String, ResourceName) -> Void,
        tell: @escaping @Sendable (ResourceName, Int, ConfigSourceNews) -> Void
    ) {
        self.makeBackend = makeBackend
        self.find = find
        self.tell = tell
    }

    var names: Set<ResourceName> { Set(configs.keys) }

    func stop() { for item in followed.values { item.backend.stop() } }

    // MARK: What is followed

    mutating func adopt(_ plan: ConfigBoard.Plan) {
        let read = Set(plan.configs.filter(\.isRead).flatMap { $0.config.sources.map(\.value) })
        let wanted = Dictionary(
            plan.sources.filter { read.contains($0.metadata.name) }.map { ($0.metadata.name, $0) }
        ) { first, _ in first }
        for (name, item) in followed where wanted[name]?.isSame(as: item.source) != true {
            item.backend.stop()
            followed[name] = nil
        }
        for (name, source) in wanted where followed[name] == nil { follow(source) }
        secrets = plan.secrets

        var next: [ResourceName: Kept] = [:]
        for planned in plan.configs {
            let name = planned.config.metadata.name
            var kept = configs[name] ?? Kept(plan: planned)
            kept.plan = planned
            // Positions, schemas and rules may be others; to see whether they are costs as much as to evaluate.
            kept.isDue = true
            kept.pin = planned.config.pinnedRevision.map { kept.pin?.moved(to: $0) ?? PinCourse($0) }
            if planned.isRead, let pin = kept.pin, !pin.isFound { find(pin.prefix, name) }
            next[name] = kept
        }
        configs = next
    }

    /// What was found of a revision, if it is still the one that is looked for.
    mutating func take(_ name: ResourceName, _ prefix: String, _ found: PinFinding) {
        guard configs[name]?.pin?.prefix == prefix else { return }
        configs[name]?.pin?.found = found
        configs[name]?.isDue = true
    }

    private mutating func follow(_ source: ConfigSource) {
        lastCourse += 1
        let (name, course, backend) = (source.metadata.name, lastCourse, makeBackend(source))
        followed[name] = Followed(
            source: source, backend: backend, course: course, layer: ConfigLayer(name: name.description, tree: nil),
            status: SourceStatus(name: name, type: source.type))
        backend.start { [tell] news in tell(name, course, news) }
    }

    mutating func take(_ name: ResourceName, _ course: Int, _ news: ConfigSourceNews) {
        guard var item = followed[name], item.course == course else { return }
        item.isHeard = true
        switch news {
        case .unchanged:
            item.status.since = .now
            followed[name] = item
            for config in configs(reading: name) { configs[config]?.isRestated = true }
            return
        case .tree(let tree):
            let isOther = item.layer.tree.map { !$0.isExactly(tree.value) } ?? true
            item.status.since = .now
            item.status.version = tree.version
            item.status.problems = []
            if isOther {
                item.status.changes += 1
                item.layer = ConfigLayer(name: item.layer.name, tree: tree.value)
            }
        case .failure(let problems):
            item.status.problems = problems
            if item.source.onError == .drop { item.layer = ConfigLayer(name: item.layer.name, tree: nil) }
        }
        followed[name] = item
        for config in configs(reading: name) { configs[config]?.isDue = true }
    }

    private func configs(reading source: ResourceName) -> [ResourceName] {
        configs.filter { $0.value.plan.config.sources.contains { $0.value == source } }.map(\.key)
    }

    /// How the sources stand of configs that are what they were.
    mutating func restated() -> [ResourceName: [SourceStatus]] {
        var statuses: [ResourceName: [SourceStatus]] = [:]
        for (name, kept) in configs where kept.isRestated {
            configs[name]?.isRestated = false
            statuses[name] = kept.plan.config.sources.compactMap { followed[$0.value]?.status }
        }
        return statuses
    }

    // MARK: Evaluation

    /// Of all that may be others.
    mutating func evaluate() -> [PublishedConfig] {
        var results: [PublishedConfig] = []
        for name in configs.keys.sorted() where configs[name]?.isDue == true { results.append(evaluate(name)) }
        return results
    }

    private mutating func evaluate(_ name: ResourceName) -> PublishedConfig {
        guard var kept = configs[name] else { return PublishedConfig(name: name) }
        defer { configs[name] = kept }
        kept.isDue = false
        guard kept.plan.isRead else {
            (kept.version, kept.made) = (nil, nil)
            return PublishedConfig(
                name: name, isRead: false,
                secrets: secrets.before(kept.plan.config.sources.map(\.value.description)), changes: kept.changes,
                refusals: kept.refusals)
        }
        let sources = kept.plan.config.sources.compactMap { followed[$0.value] }
        let layers = layers(of: sources, kept.plan.config, kept.plan.schemaText)
        let secrets = SecretsNow(
            names: self.secrets.names, openNames: self.secrets.openNames,
            layers: zip(sources, layers).filter(\.0.source.isSecret).map(\.1))
        let made = make(of: sources, layers, &kept)
        var result = PublishedConfig(name: name, isAwaited: made.isAwaited, problems: made.problems)
        if kept.pin == nil {
            if let version = made.version { kept.publish(version) }
        } else if let held = kept.pin?.held(kept.plan, hiding: secrets, made.version, lastGood: kept.version) {
            if let version = held.version { kept.publish(version) }
            result.pin = held.pin
            result.isAwaited = held.isAwaited
            // Nothing that is served depends on the sources: what is wrong with them stops nobody.
            result.problems = held.problems + (made.isAwaited ? [] : made.problems.map(\.asWarning))
        }
        (result.value, result.sources, result.secrets) = (kept.version, sources.map(\.status), secrets)
        (result.changes, result.refusals) = (kept.changes, kept.refusals)
        return result
    }

    /// Also while something else is published: that it could be is known before it is to be.
    private func make(of sources: [Followed], _ layers: [ConfigLayer], _ kept: inout Kept) -> Made {
        let config = kept.plan.config
        // Of a source that is not there the config is made only if it may do without it, or had it once.
        let missing = sources.filter { $0.status.since == nil && !$0.source.isOptional }
        // Nor is it made for the moment until one says its first: readers would see values go and come back.
        let isAwaited = !sources.allSatisfy(\.isHeard)
        guard missing.isEmpty, !isAwaited else {
            return Made(
                isAwaited: isAwaited,
                problems: missing.flatMap { item in
                    item.status.problems.isEmpty ? [.awaited(item.source)] : item.status.problems
                })
        }
        let recipe = ConfigRecipe(
            layers: layers,
            defaults: kept.plan.defaults,
            mergeKeys: MergeKeys(config.mergeKeys.map { .init(path: $0.path.value, key: $0.key) }),
            fallbacks: config.fallbacks.map { fallback in
                .init(path: fallback.path.value, from: fallback.from.map(\.value), position: fallback.path.position)
            })
        var made = Made()
        do throws(ConfigRefusal) {
            let evaluated = try EvaluatedConfig(recipe, after: kept.made?.evaluated) { value in
                kept.plan.schema?.mistakes(in: value) ?? []
            }
            let version = ConfigVersion(evaluated, revision: ConfigRevision.of(evaluated.value))
            if kept.made?.isSame(as: version) != true { kept.made = version }
            (made.version, made.problems) = (kept.made, evaluated.warnings)
        } catch {
            kept.refusals += 1
            made.problems = error.diagnostics
        }
        made.problems += sources.flatMap { item in item.status.problems.map(\.asWarning) }
        return made
    }

    private func layers(of sources: [Followed], _ config: Config, _ schema: ConfigValue?) -> [ConfigLayer] {
        sources.map { item in
            guard item.source.isText, let tree = item.layer.tree else { return item.layer }
            let others = sources.filter { $0.course != item.course && !$0.source.isText }.compactMap(\.layer.tree)
            let fitting = TextFitting(
                fitsKeys: item.source.hasVariableNames, schema: schema,
                others: others + [config.defaults].compactMap { $0 })
            return ConfigLayer(name: item.layer.name, tree: fitting.fit(tree))
        }
    }
}

extension ConfigSource {
    /// Whether it is read in the same way.
    fileprivate func isSame(as other: ConfigSource) -> Bool {
        backing == other.backing && isSecret == other.isSecret && isOptional == other.isOptional
            && onError == other.onError && hasReferences == other.hasReferences
    }

    /// Its keys are made of names in capitals, which have no `-`, and one case.
    fileprivate var hasVariableNames: Bool {
        switch backing {
        case .environment: true
        case .file(let file): file.format == .dotenv && file.names.separator != nil
        case .http(let http): http.format == .dotenv && http.names.separator != nil
        case .inline, .folder, .etcd: false
        }
    }
}

extension Diagnostic {
    fileprivate static func awaited(_ source: ConfigSource) -> Diagnostic {
        Diagnostic(
            .sourceAway, at: source.metadata.position,
            found: "nothing yet of ConfigSource \(quoted(source.metadata.name.name))",
            expected: "what it holds", remedy: "wait; set optional: true if the Config is right without it")
    }

    fileprivate var asWarning: Diagnostic {
        Diagnostic(
            code, .warning, at: position, found: found, expected: expected, remedy: remedy, isLineSecret: isLineSecret)
    }
}
