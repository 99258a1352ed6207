import ConfigFormats
import ConfigMerging
import ConfigSources
import ConfigValues
import Cryptography
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
        var version: ConfigVersion?
        var changes: UInt64 = 0
        var refusals: UInt64 = 0
        var isDue = true
        /// Its sources have said that they are what they were.
        var isRestated = false
    }

    private let makeBackend: @Sendable (ConfigSource) -> any ConfigSourceBackend
    private let tell: @Sendable (ResourceName, Int, ConfigSourceNews) -> Void
    private var followed: [ResourceName: Followed] = [:]
    private var configs: [ResourceName: Kept] = [:]
    private var lastCourse = 0

    init(
        _ makeBackend: @escaping @Sendable (ConfigSource) -> any ConfigSourceBackend,
        tell: @escaping @Sendable (ResourceName, Int, ConfigSourceNews) -> Void
    ) {
        self.makeBackend = makeBackend
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

        var next: [ResourceName: Kept] = [:]
        for planned in plan.configs {
            let name = planned.config.metadata.name
            var kept = configs[name] ?? Kept(plan: planned)
            kept.plan = planned
            // Positions, schemas and rules may be others; to see whether they are costs as much as to evaluate.
            kept.isDue = true
            next[name] = kept
        }
        configs = next
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
            kept.version = nil
            return PublishedConfig(name: name, isRead: false, changes: kept.changes, refusals: kept.refusals)
        }
        let config = kept.plan.config
        let sources = config.sources.compactMap { followed[$0.value] }
        var result = PublishedConfig(
            name: name, value: kept.version, sources: sources.map(\.status), changes: kept.changes,
            refusals: kept.refusals)
        // Of a source that is not there the config is made only if it may do without it, or had it once.
        let missing = sources.filter { $0.status.since == nil && !$0.source.isOptional }
        // Nor is it made for the moment until one says its first: readers would see values go and come back.
        result.isAwaited = !sources.allSatisfy(\.isHeard)
        guard missing.isEmpty, !result.isAwaited else {
            result.problems = missing.flatMap { item in
                item.status.problems.isEmpty ? [.awaited(item.source)] : item.status.problems
            }
            return result
        }
        let recipe = ConfigRecipe(
            layers: layers(of: sources, config, kept.plan.schemaText),
            defaults: kept.plan.defaults,
            mergeKeys: MergeKeys(config.mergeKeys.map { .init(path: $0.path.value, key: $0.key) }),
            fallbacks: config.fallbacks.map { fallback in
                .init(path: fallback.path.value, from: fallback.from.map(\.value), position: fallback.path.position)
            })
        do throws(ConfigRefusal) {
            let evaluated = try EvaluatedConfig(recipe, after: kept.version?.evaluated) { value in
                kept.plan.schema?.mistakes(in: value) ?? []
            }
            let version = ConfigVersion(evaluated, revision: Self.revision(of: evaluated.value))
            if kept.version?.isSame(as: version) != true {
                kept.version = version
                kept.changes += 1
            }
            (result.value, result.changes) = (kept.version, kept.changes)
            result.problems = evaluated.warnings
        } catch {
            kept.refusals += 1
            (result.problems, result.refusals) = (error.diagnostics, kept.refusals)
        }
        result.problems += sources.flatMap { item in item.status.problems.map { $0.asWarning } }
        return result
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

    private static func revision(of value: ConfigValue) -> String {
        SHA256.hexadecimal(of: value.json())
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
