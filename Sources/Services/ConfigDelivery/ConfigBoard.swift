package import ConfigHistory
import ConfigMerging
import ConfigSources
package import ConfigValues
package import Diagnostics
package import JSONSchemas
package import Manifests
package import ServiceContracts
import Synchronization
package import SystemInterfaces

/// All Configs of this node: follows their sources, and evaluates each anew when one of them says something.
///
/// What is published is good: merged, resolved, and as the schema has it. Of what is not, the problems are kept, and the value before.
package final class ConfigBoard: Sendable {
    /// What a generation says of configs.
    package struct Plan: Sendable {
        package var configs: [PlannedConfig] = []
        package var sources: [ConfigSource] = []

        package init(configs: [PlannedConfig] = [], sources: [ConfigSource] = []) {
            self.configs = configs
            self.sources = sources
        }

        /// By name alone.
        var secrets: SecretsNow {
            func names(_ isSecret: Bool) -> Set<String> {
                Set(sources.filter { $0.isSecret == isSecret }.map(\.metadata.name.description))
            }
            return SecretsNow(names: names(true), openNames: names(false))
        }
    }

    package struct PlannedConfig: Sendable {
        package let config: Config
        /// Compiled; `nil`: it has none.
        package let schema: JSONSchema?
        /// As it is written.
        package let schemaText: ConfigValue?
        /// One object, as long as the plan holds: an evaluation knows by it that they are the same.
        let defaults: ConfigLayer?
        /// Whether somebody on this node may be told of it.
        package var isRead = true

        package init(_ config: Config, schema: JSONSchema?, schemaText: ConfigValue?) {
            self.config = config
            self.schema = schema
            self.schemaText = schemaText
            defaults = config.defaults.map { ConfigLayer(name: "defaults", tree: $0) }
        }
    }

    /// What has become of configs since it was last told.
    package struct Change: Sendable {
        /// Whose value is another one, or that are no more.
        package let names: [ResourceName]
        /// All that is wrong now, with whichever; what is only awaited so far is not.
        package let problems: [Diagnostic]
    }

    private struct State {
        /// Since it was last looked at.
        var newPlan: Plan?
        var news: [(source: ResourceName, course: Int, news: ConfigSourceNews)] = []
        var found: [(config: ResourceName, prefix: String, found: PinFinding)] = []
        var isStopped = false
    }

    private let state = Mutex(State())
    private let published = Mutex<[ResourceName: PublishedConfig]>([:])
    private let wakeup = Signal()
    private let makeBackend: @Sendable (ConfigSource) -> any ConfigSourceBackend
    private let history: ConfigHistory?
    private let changed: @Sendable (Change) -> Void

    /// - Parameters:
    ///   - history: Where what is published is kept, and past values are found; `nil`: nowhere.
    ///   - changed: Told on the board's thread.
    /// - Throws: The host gives no thread.
    package init(
        backends: @escaping @Sendable (ConfigSource) -> any ConfigSourceBackend, history: ConfigHistory? = nil,
        changed: @escaping @Sendable (Change) -> Void = { _ in }
    ) throws(SystemCallError) {
        makeBackend = backends
        self.history = history
        self.changed = changed
        try SystemThread.start(name: "configs") { [self] in
            var desk = ConfigDesk(self.makeBackend, find: find) { [self] source, course, news in
                take(source, course, news)
            }
            while turn(&desk) {}
            desk.stop()
        }
    }

    /// Follows what the plan says, from now on.
    package func adopt(_ plan: Plan) {
        state.withLock { $0.newPlan = plan }
        // From now on it is there, and has no value yet: whoever may read it is told to come back, not that there is none.
        published.withLock { published in
            let secrets = plan.secrets
            for config in plan.configs.map(\.config) {
                let name = config.metadata.name
                var item = published[name] ?? PublishedConfig(name: name)
                // Nor is anything shown meanwhile that is secret by this plan.
                item.secrets = SecretsNow(
                    names: secrets.names, openNames: secrets.openNames, layers: item.secrets.layers
                ).before(config.sources.map(\.value.description))
                published[name] = item
            }
        }
        wakeup.give()
    }

    package func stop() {
        state.withLock { $0.isStopped = true }
        wakeup.give()
    }

    package func config(_ name: ResourceName) -> PublishedConfig? { published.withLock { $0[name] } }
    /// By name.
    package var all: [PublishedConfig] { published.withLock { $0.values.sorted { $0.name < $1.name } } }

    private func take(_ source: ResourceName, _ course: Int, _ news: ConfigSourceNews) {
        state.withLock { $0.news.append((source, course, news)) }
        wakeup.give()
    }

    private func find(_ prefix: String, of config: ResourceName) {
        guard let history else { return take(config, prefix, PinFinding(finding: .unknown, newest: .unknown)) }
        history.find(pin: prefix, of: config) { [self] found in take(config, prefix, found) }
    }

    private func take(_ config: ResourceName, _ prefix: String, _ found: PinFinding) {
        state.withLock { $0.found.append((config, prefix, found)) }
        wakeup.give()
    }

    /// - Returns: `false` to end.
    private func turn(_ desk: inout ConfigDesk) -> Bool {
        wakeup.wait()
        let (plan, news, found, isStopped) = state.withLock { state in
            defer { (state.newPlan, state.news, state.found) = (nil, [], []) }
            return (state.newPlan, state.news, state.found, state.isStopped)
        }
        guard !isStopped else { return false }
        if let plan {
            history?.adopt(Set(plan.configs.map(\.config.metadata.name)))
            desk.adopt(plan)
        }
        for item in found { desk.take(item.config, item.prefix, item.found) }
        for item in news { desk.take(item.source, item.course, item.news) }
        let results = desk.evaluate()
        let restated = desk.restated()
        let (change, others) = published.withLock { published in
            let awaited = state.withLock { $0.newPlan?.configs.map(\.config.metadata.name) ?? [] }
            let names = desk.names.union(awaited)
            let gone = published.keys.filter { !names.contains($0) }
            for name in gone { published[name] = nil }
            let others = results.filter { result in
                let former = published.updateValue(result, forKey: result.name)
                return former?.value !== result.value
            }
            for (name, sources) in restated { published[name]?.sources = sources }
            let change = Change(
                names: others.map(\.name) + gone.sorted(),
                problems: published.values.filter { !$0.isAwaited }.sorted { $0.name < $1.name }.problems)
            return (change, others)
        }
        for other in others {
            guard let value = other.value else { continue }
            history?.keep(
                value.recipe, value.evaluated.value, revision: value.revision, at: value.madeAt, of: other.name)
        }
        changed(change)
        return true
    }
}
