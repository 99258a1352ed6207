import ConfigFormats
import ConfigHistory
import ConfigMerging
import ConfigValues
import Diagnostics
import HTTPSemantics
import JSONSchemas
import Manifests
import MeshFixtures
import MeshSnapshot
import Reconciliation
import ServiceContracts
import ServiceFixtures
import Synchronization
import Telemetry
import TestSupport

@testable import ConfigDelivery

/// Stands for what a ConfigSource reads: says what a test has it say.
final class ScriptedBackend: ConfigSourceBackend {
    private struct State {
        var tell: (@Sendable (ConfigSourceNews) -> Void)?
        var last: ConfigSourceNews?
        var isStopped = false
    }

    private let state = Mutex(State())

    var isStopped: Bool { state.withLock { $0.isStopped } }

    func start(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void) {
        let last = state.withLock { state in
            state.tell = tell
            return state.last
        }
        if let last { tell(last) }
    }

    func stop() { state.withLock { $0.isStopped = true } }

    func say(_ news: ConfigSourceNews) {
        let tell = state.withLock { state in
            state.last = news
            return state.tell
        }
        tell?(news)
    }
}

/// A board with a service and no socket, and sources in memory.
final class ConfigWorld: Sendable {
    private let compiler = Mutex(ResourceRulesCompiler(labels: LabelRegistry()))
    let hub: WatchHub
    let board: ConfigBoard
    let host: ServiceHost
    let rules = RulesInForce(.none(labels: LabelRegistry()))

    private let history: ConfigHistory?

    /// - Parameter history: Ends with it.
    init(history: ConfigHistory? = nil) throws {
        let hub = try WatchHub()
        self.history = history
        self.hub = hub
        let made = Made()
        board = try ConfigBoard(
            backends: { made.backend(of: $0) }, history: history,
            changed: { change in
                made.tell(change)
                for name in change.names { hub.changed(name) }
            })
        host = ServiceHost(ConfigService(board, hub), name: "config", threadCount: 2)
        self.made = made
    }

    deinit {
        board.stop()
        hub.stop()
        host.executor.stop()
        history?.stop()
    }

    /// What the board has asked for, and told.
    private final class Made: Sendable {
        private let state = Mutex((backends: [String: ScriptedBackend](), names: [String](), problems: [Diagnostic]()))

        /// One that was stopped is used up.
        func named(_ name: String) -> ScriptedBackend {
            state.withLock { state in
                if let known = state.backends[name], !known.isStopped { return known }
                let new = ScriptedBackend()
                state.backends[name] = new
                return new
            }
        }

        func backend(of source: ConfigSource) -> any ConfigSourceBackend { named(source.metadata.name.name) }

        func tell(_ change: ConfigBoard.Change) {
            state.withLock { state in
                state.names += change.names.map(\.name)
                state.problems = change.problems
            }
        }

        var names: [String] { state.withLock { $0.names } }
        var problems: [Diagnostic] { state.withLock { $0.problems } }
    }

    private let made: Made

    /// Of all changes that were told, in order.
    var changedNames: [String] { made.names }
    var problems: [Diagnostic] { made.problems }

    func source(_ name: String) -> ScriptedBackend { made.named(name) }

    // MARK: What is said

    static func value(_ json: String, of layer: String = "shop/base", isSecret: Bool = false) throws -> ConfigValue {
        try ConfigFormat.json.read(
            Array(json.utf8), of: TextOrigin(layer: layer, file: "\(layer).json", isSecret: isSecret))
    }

    func say(_ json: String, of source: String = "base") throws {
        self.source(source).say(.tree(ConfigSourceTree(try Self.value(json, of: "shop/\(source)"))))
    }

    func fail(_ source: String = "base", isLineSecret: Bool = false) {
        self.source(source).say(
            .failure([
                Diagnostic(
                    .sourceAway, at: .place(source), found: "nobody", expected: "somebody", remedy: "start it",
                    isLineSecret: isLineSecret)
            ]))
    }

    // MARK: What is wanted

    static func source(_ name: String, _ more: String = "") -> String {
        manifest("ConfigSource", name, "{type: File, path: /nowhere/\(name).json\(more)}")
    }

    static func config(_ name: String = "app", _ spec: String = "sources: [base]") -> String {
        manifest("Config", name, "{\(spec)}")
    }

    static func allow(
        _ paths: String, to account: String = "shop/web", named name: String = "reads", of config: String = "app"
    )
        -> String
    {
        manifest(
            "AuthorizationPolicy", name,
            "{targetRefs: [{kind: Config, name: \(config)}], action: ALLOW, rules: "
                + "[{from: [{source: {serviceAccounts: [\(account)]}}], to: [{operation: {methods: [GET], paths: [\(paths)]}}]}]}"
        )
    }

    static let everything = allow("/values, \"/values/{**}\", /watch")

    static let mesh = """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec: {authorization: {defaultAction: Deny}}
        """

    static func snapshot(_ manifests: [String]) throws -> MeshSnapshot {
        try MeshSnapshot(([mesh] + manifests).joined(separator: "\n---\n"))
    }

    /// All that there is, with its rules.
    func adopt(_ manifests: [String]) throws {
        let snapshot = try Self.snapshot(manifests)
        let (configs, problems) = SchemaLoading(FileBoundary(ofFolder: "/nowhere")).load(
            Array(snapshot.resources[Config.self]))
        if let problem = problems.first { throw problem }
        adoptRules(of: snapshot)
        board.adopt(ConfigBoard.Plan(configs: configs, sources: Array(snapshot.resources[ConfigSource.self])))
    }

    func adoptRules(of snapshot: MeshSnapshot) { rules.adopt(compiler.withLock { $0.compile(snapshot) }) }

    // MARK: What comes of it

    func published(_ name: String = "app") -> PublishedConfig? {
        board.config(ResourceName(namespace: "shop", name: name))
    }

    func json(_ name: String = "app") -> String? {
        published(name)?.value.map { String(decoding: $0.evaluated.value.json(), as: UTF8.self) }
    }

    /// Waits for a value.
    func becomes(_ json: String, _ name: String = "app") async -> Bool {
        await Poll.until { self.json(name) == json }
    }

    func started(
        _ path: String, _ method: KnownMethod = .get, fields: [(String, String)] = [], as account: String = "web"
    ) -> InMemoryCaller? {
        let caller = InMemoryCaller(
            method, path, fields: fields, account: ("shop", account), of: host, rules: rules)
        return caller.relay.start() ? caller : nil
    }

    func get(
        _ path: String, _ method: KnownMethod = .get, fields: [(String, String)] = [], as account: String = "web"
    ) async throws -> InMemoryCaller.Gathered {
        guard let caller = started(path, method, fields: fields, as: account) else { throw SetUpError("not admitted") }
        return await caller.gather()
    }

    /// At a path of the values of `shop/app`.
    func value(_ path: String, fields: [(String, String)] = [], as account: String = "web") async throws
        -> InMemoryCaller.Gathered
    {
        try await get("/v1/configs/shop/app/values\(path)", fields: fields, as: account)
    }
}
