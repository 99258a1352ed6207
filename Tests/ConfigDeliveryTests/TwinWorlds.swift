import ConfigChecks
import ConfigFormats
import ConfigMerging
import ConfigValues
import Diagnostics
import HTTPSemantics
import Manifests
import MeshSnapshot
import ServiceContracts
import ServiceFixtures
import Telemetry
import TestSupport
import Testing

@testable import ConfigDelivery

/// Two worlds that differ only in what one reader may not read: whatever it calls, it hears the same in both of them, byte for byte, and
/// nothing that the leaves which it may read do not explain.
final class TwinWorlds {
    /// What became of calls.
    struct Tally {
        var differing = 0
        var values = 0
        var notModified = 0
        var absent = 0
        var forbidden = 0
        var unwritable = 0
        var events = 0
        var patches = 0
        var ends = 0
        var woken = 0
        var held = 0
    }

    typealias Layers = TwinChance.Layers

    private struct Watch {
        let callers: [InMemoryCaller]
        var has: ConfigValue
    }

    private struct Wait {
        let callers: [InMemoryCaller]
        let path: ConfigPath
        let format: ConfigFormat
        let known: [UInt8]
    }

    private let worlds: [ConfigWorld]
    private let recipe: ConfigRecipe
    private let snapshots: [MeshSnapshot]
    /// For the naive reader alone.
    private let rules: [ResourceRules]
    private let fields: [(String, String)]
    private let request: LocalRequest
    private var phase = 0
    private var layers: [Layers]
    private var readers: [NaiveReader] = []
    private var watches: [Watch] = []
    private var waits: [Wait] = []
    private var probes: [ConfigPath] = []
    /// What single calls are told, by the rules of each phase.
    private var allowed: [[ConfigPath: Bool]]
    /// Entity tags that this reader has been told, and of what.
    private var tags: [String: [UInt8]] = [:]
    var tally = Tally()
    /// What was done, for whoever looks for a mistake.
    private var course: [String] = []

    var phaseCount: Int { rules.count }

    private static let resource = ResourceIdentity(.config, ResourceName(namespace: "shop", name: "app"))

    init(
        _ name: String, _ policies: [[String]], _ fallbacks: [ConfigFallback], fields: [(String, String)],
        _ layers: Layers
    ) throws {
        course = [name]
        worlds = [try ConfigWorld(), try ConfigWorld()]
        var recipe = ConfigRecipe(layers: [])
        recipe.mergeKeys = MergeKeys([.init(path: ConfigPath(["s"]), key: "n")])
        recipe.fallbacks = fallbacks
        self.recipe = recipe
        let said = fallbacks.map { rule in
            "{path: '\(rule.path.dotted)', from: [\(rule.from.map { "'\($0.dotted)'" }.joined(separator: ", "))]}"
        }
        let manifests =
            TwinChance.sources.map { ConfigWorld.source($0) } + [
                ConfigWorld.config(
                    "app",
                    "sources: [\(TwinChance.sources.joined(separator: ", "))], mergeKeys: [{path: s, key: n}]"
                        + ", fallbacks: [\(said.joined(separator: ", "))]")
            ]
        snapshots = try policies.map { try ConfigWorld.snapshot(manifests + $0) }
        var compiler = ResourceRulesCompiler(labels: LabelRegistry())
        rules = snapshots.map { compiler.compile($0) }
        allowed = rules.map { _ in [:] }
        for world in worlds { try world.adopt(manifests + policies[0]) }
        self.fields = fields
        self.layers = [layers, layers]
        request = InMemoryCaller(.get, "/", fields: fields, of: worlds[0].host, rules: worlds[0].rules).relay.request
    }

    // MARK: What may be known

    func config(_ layers: Layers) -> NaiveConfig {
        var recipe = recipe
        recipe.layers = TwinChance.sources.map { ConfigLayer(name: "shop/\($0)", tree: layers[$0]) }
        return NaiveConfig(recipe)
    }

    private func allows(_ place: ResourcePath, _ phase: Int) -> Bool {
        rules[phase].judge(of: request).allows(.get, place, of: Self.resource)
    }

    private func allows(_ path: ConfigPath, _ phase: Int) -> Bool {
        if let known = allowed[phase][path] { return known }
        let isAllowed = allows(ReaderView.resourcePath(path), phase)
        allowed[phase][path] = isAllowed
        return isAllowed
    }

    /// Whatever rules there are.
    func isHidden(_ path: ConfigPath) -> Bool { rules.indices.allSatisfy { !allows(path, $0) } }

    private func reader(_ layers: Layers, _ phase: Int) -> NaiveReader? {
        NaiveReader(config(layers)) { [self] in allows($0, phase) }
    }

    /// Whether they differ in nothing that the reader may read.
    func areTwins(_ one: Layers, _ other: Layers) -> Bool {
        rules.indices.allSatisfy { phase in
            guard let left = reader(one, phase), let right = reader(other, phase) else { return false }
            return left.leaves == right.leaves
        }
    }

    /// All that is there, what is above it, and some of what is not.
    private static func paths(_ configs: [NaiveConfig]) -> [ConfigPath] {
        var paths: Set<ConfigPath> = [.root]
        for config in configs {
            config.value?.forEachLeaf { path in
                for count in 0...path.keys.count { paths.insert(ConfigPath(Array(path.keys.prefix(count)))) }
                paths.formUnion([path.appending("a"), ConfigPath(path.keys.dropLast() + ["nobody"])])
            }
            for trial in config.trials { paths.formUnion([trial.path, trial.path.appending("a")] + trial.looked) }
        }
        return paths.sorted { $0.pointer < $1.pointer }
    }

    // MARK: What changes

    /// The first values.
    func begin(_ layers: [Layers]) async throws {
        self.layers = layers
        for (world, layers) in zip(worlds, layers) {
            for source in TwinChance.sources {
                try world.source(source).say(.tree(ConfigSourceTree(#require(layers[source]))))
            }
        }
        try await settle()
    }

    /// One source says something else in one of the worlds, or in both.
    func change(_ source: String, to next: [Layers]) async throws {
        layers = next
        course.append("change \(source)")
        for (world, layers) in zip(worlds, next) {
            try world.source(source).say(.tree(ConfigSourceTree(#require(layers[source]))))
        }
        try await settle()
    }

    private func settle() async throws {
        try takeReaders()
        for (world, layers) in zip(worlds, layers) {
            let bytes = try #require(config(layers).value?.json())
            #expect(await world.becomes(String(decoding: bytes, as: UTF8.self)), "\(course)")
        }
        try await pass()
        try await hear()
    }

    func switchRules(by steps: Int) async throws {
        phase = (phase + steps) % snapshots.count
        course.append("rules \(phase)")
        try takeReaders()
        for world in worlds { world.adoptRules(of: snapshots[phase]) }
        for caller in watches.flatMap(\.callers) + waits.flatMap(\.callers) { caller.relay.judgeAgain() }
        try await pass()
        try await hear()
    }

    private func takeReaders() throws {
        readers = try layers.map { try #require(reader($0, phase)) }
        #expect(readers[0].leaves == readers[1].leaves, "\(course)")
        probes = Self.paths(layers.map(config))
        tally.differing += config(layers[0]).value == config(layers[1]).value ? 0 : 1
    }

    /// Services are told in turn: what was to be told before these calls has been told by now, mostly.
    private func pass() async throws {
        for world in worlds {
            for _ in 0..<2 { _ = try await world.get("/v1/configs/shop/app/nothing") }
        }
    }

    // MARK: What is heard of it

    /// The bytes that a document must have; `nil`: there is none.
    private func bytes(_ path: ConfigPath, _ format: ConfigFormat = .json) throws -> [UInt8]? {
        let all = try readers.map { reader -> [UInt8]? in
            if case .value(let value) = reader.answer(at: path) {
                return format == .json ? value.json() : try format.write(value)
            }
            return nil
        }
        #expect(all[0] == all[1], "\(course)")
        return all[0]
    }

    /// Of one document there is one tag, and of one tag one document.
    private func check(_ tag: String?, of bytes: [UInt8]) throws {
        let tag = try #require(tag)
        #expect(tags[tag] == nil || tags[tag] == bytes, "\(course)")
        tags[tag] = bytes
    }

    private func same(_ answers: [InMemoryCaller.Gathered]) -> InMemoryCaller.Gathered {
        let (one, other) = (answers[0], answers[1])
        let texts = [one, other].map { "\($0.status) \($0.fields.sorted { $0.key < $1.key }) \($0.text)" }
        #expect(texts[0] == texts[1], "\(course)")
        #expect(
            one.reason == other.reason && one.isEnded == other.isEnded && one.failure == other.failure
                && one.isOutdated == other.isOutdated, "\(one) \(other)")
        return one
    }

    /// What streams and calls that wait say of what is now.
    private func hear() async throws {
        for wait in waits {
            if try bytes(wait.path, wait.format) == wait.known {
                expectNothing(wait.callers)
                tally.held += 1
                continue
            }
            try check(same(await Self.all(wait.callers)), at: wait.path, wait.format)
            tally.woken += 1
        }
        waits = try waits.filter { try bytes($0.path, $0.format) == $0.known }
        let root = try bytes(.root)
        guard let root, allows(ResourcePath(below: "/watch"), phase) else {
            for watch in watches {
                let end = same(await Self.all(watch.callers))
                #expect(end.isEnded && Self.events(end).isEmpty, "\(course)")
                tally.ends += 1
            }
            watches = []
            return
        }
        for index in watches.indices {
            guard watches[index].has.json() != root else {
                expectNothing(watches[index].callers)
                continue
            }
            try await take(&watches[index], root)
        }
    }

    private static func all(_ callers: [InMemoryCaller]) async -> [InMemoryCaller.Gathered] {
        var all: [InMemoryCaller.Gathered] = []
        for caller in callers { all.append(await caller.gather()) }
        return all
    }

    /// Signs of life say nothing.
    private static func events(_ gathered: InMemoryCaller.Gathered) -> [String] {
        gathered.text.split(separator: "\n\n").map(String.init).filter { !$0.hasPrefix(":") }
    }

    private func expectNothing(_ callers: [InMemoryCaller]) {
        for caller in callers {
            caller.relay.heard()
            while let output = caller.relay.next() {
                guard case .body(let bytes) = output, bytes == Array(":\n\n".utf8) else {
                    Issue.record("told \(output), though nothing has changed that it may know: \(course)")
                    return
                }
            }
        }
    }

    /// The next event, which makes what the reader has what it is to have.
    private func take(_ watch: inout Watch, _ root: [UInt8]) async throws {
        var heard: [String] = []
        for caller in watch.callers {
            let events = Self.events(await caller.gather { !Self.events($0).isEmpty && $0.body.suffix(2) == [10, 10] })
            #expect(events.count == 1, "\(course)")
            heard.append(events.first ?? "")
        }
        #expect(heard[0] == heard[1], "\(course)")
        watch.has = try value(of: heard[0], after: watch.has)
        #expect(watch.has.json() == root, "\(course)")
        tally.events += 1
    }

    private func value(of event: String, after has: ConfigValue?) throws -> ConfigValue {
        let lines = event.split(separator: "\n")
        try #require(lines.count == 3 && lines[0].hasPrefix("id: ") && lines[2].hasPrefix("data: "))
        let data = try ConfigWorld.value(String(lines[2].dropFirst(6)))
        let value: ConfigValue
        if lines[1] == "event: patch" {
            value = try NaivePatch.apply(data, to: #require(has))
            tally.patches += 1
        } else {
            #expect(lines[1] == "event: value", "\(course)")
            value = data
        }
        try check("\"\(lines[0].dropFirst(4))\"", of: value.json())
        return value
    }

    // MARK: Calls

    private func url(_ path: ConfigPath) -> String { "/v1/configs/shop/app\(ReaderView.resourcePath(path).text)" }

    private func call(_ url: String, _ method: KnownMethod = .get, _ more: [[(String, String)]]) async throws
        -> InMemoryCaller.Gathered
    {
        var answers: [InMemoryCaller.Gathered] = []
        for (world, more) in zip(worlds, more) {
            answers.append(try await world.get(url, method, fields: fields + more))
        }
        return same(answers)
    }

    private func both(_ fields: [(String, String)]) -> [[(String, String)]] { [fields, fields] }

    /// Held to what there is.
    private func check(
        _ answer: InMemoryCaller.Gathered, at path: ConfigPath, _ format: ConfigFormat, knows known: [UInt8]? = nil
    ) throws {
        let expected: [UInt8]?
        do { expected = try bytes(path, format) } catch is UnwritableValue {
            #expect(answer.status == 406, "\(course)")
            tally.unwritable += 1
            return
        }
        guard let expected else {
            if case .absent = readers[0].answer(at: path) {
                #expect(answer.status == 404, "\(path.dotted) \(course)")
                tally.absent += 1
                return
            }
            #expect(answer.status == 403, "\(path.dotted) \(course)")
            tally.forbidden += 1
            return
        }
        try check(answer.fields["etag"], of: expected)
        if known == expected {
            #expect(answer.status == 304 && answer.body.isEmpty, "\(course)")
            tally.notModified += 1
        } else {
            #expect(answer.status == 200 && answer.body == expected, "\(path.dotted) \(course)")
            tally.values += 1
        }
    }

    private static let formats: [(ConfigFormat, String?)] = [
        (.json, nil), (.json, "application/json"), (.yaml, "application/yaml"), (.toml, "application/toml"),
    ]

    /// One call for one document.
    func ask(_ chance: inout TwinChance) async throws {
        let path = chance.pick(chance.happens(3) ? [.root] : probes)
        let (format, accept) = chance.pick(Self.formats)
        let accepts = accept.map { [("accept", $0)] } ?? []
        var known: [UInt8]?
        var more = both(accepts)
        switch chance.random(4) {
        case 0, 1:
            // Its own, of now or of then, of this or of something else.
            let now = try bytesIfWritable(path, format)
            let own = chance.happens(3) ? tags : tags.filter { $0.value == now }
            if let (tag, bytes) = own.sorted(by: { $0.key < $1.key }).randomElement(using: &chance.random) {
                more = both(accepts + [("if-none-match", tag)])
                known = bytes
            }
        case 2:
            // Of somebody who sees more there.
            let own = try bytesIfWritable(path, format)
            let others = try await others(path, accepts)
            if others.allSatisfy({ $0.status == 200 && $0.body != own }) {
                more = others.map { accepts + [("if-none-match", $0.fields["etag"] ?? "")] }
            }
        default: break
        }
        course.append("ask \(path.dotted) \(format) \(more[0])")
        // Others have asked before, who may read more or less, and be told so by the same account's name.
        if chance.happens() {
            let others = chance.pick([[], [("x-team", "ops")], [("x-team", "dev")]])
            for world in worlds { _ = try await world.get(url(path), fields: others + accepts) }
        }
        let suffix = chance.pick(["", "", "?wait=0", "?wait=0s"])
        let method: KnownMethod = chance.happens(4) ? .head : .get
        try check(try await call(url(path) + suffix, method, more), at: path, format, knows: known)
    }

    /// What somebody gets who may read all.
    private func others(_ path: ConfigPath, _ accepts: [(String, String)]) async throws -> [InMemoryCaller.Gathered] {
        var all: [InMemoryCaller.Gathered] = []
        for world in worlds { all.append(try await world.get(url(path), fields: accepts, as: "admin")) }
        return all
    }

    private func bytesIfWritable(_ path: ConfigPath, _ format: ConfigFormat) throws -> [UInt8]? {
        do { return try bytes(path, format) } catch is UnwritableValue { return nil }
    }

    /// One that is held back.
    func wait(_ chance: inout TwinChance) async throws {
        let path = chance.pick(chance.happens() ? [.root, ConfigPath([TwinChance.count])] : probes)
        let (format, accept) = chance.pick(Self.formats)
        guard let known = try bytesIfWritable(path, format) else { return }
        let accepts = accept.map { [("accept", $0)] } ?? []
        course.append("wait \(path.dotted) \(format)")
        let tag = try #require(try await call(url(path), .get, both(accepts)).fields["etag"])
        let callers = worlds.compactMap {
            $0.started(url(path) + "?wait=60s", fields: fields + accepts + [("if-none-match", tag)])
        }
        try #require(callers.count == 2)
        waits.append(Wait(callers: callers, path: path, format: format, known: known))
        try await pass()
    }

    /// A stream, with what the reader says it has.
    func watch(_ chance: inout TwinChance) async throws {
        let root = try bytes(.root)
        var ids = ["x", "x"]
        switch chance.random(4) {
        case 0:
            ids = both(tags.first { $0.value == root }?.key ?? "x")
        case 1: ids = both(tags.keys.sorted().randomElement(using: &chance.random) ?? "x")
        case 2:
            // Of somebody who sees more.
            let others = try await others(.root, [])
            if others.allSatisfy({ $0.body != root }) { ids = others.map { $0.fields["etag"] ?? "x" } }
        default: break
        }
        course.append("watch \(ids[0])")
        let callers = zip(worlds, ids).compactMap { world, id in
            world.started(
                "/v1/configs/shop/app/watch", fields: fields + [("last-event-id", id.filter { $0 != "\"" })])
        }
        try #require(callers.count == 2)
        guard let root, allows(ResourcePath(below: "/watch"), phase) else {
            #expect(same(await Self.all(callers)).status == 403, "\(course)")
            tally.forbidden += 1
            return
        }
        // Nobody has another one's whole value unless it is one's own as well.
        let isKnown = try await isCurrent(ids)
        var first: [InMemoryCaller.Gathered] = []
        for caller in callers {
            first.append(await caller.gather { $0.status != 0 && (isKnown || $0.body.suffix(2) == [10, 10]) })
        }
        let head = same(first)
        #expect(head.status == 200, "\(course)")
        let events = Self.events(head)
        #expect(events.count == (isKnown ? 0 : 1), "\(course)")
        let has =
            try events.first.map { try value(of: $0, after: nil) }
            ?? ConfigWorld.value(String(decoding: root, as: UTF8.self))
        #expect(has.json() == root, "\(course)")
        tally.events += events.count
        watches.append(Watch(callers: callers, has: has))
        try await pass()
    }

    private func both(_ text: String) -> [String] { [text, text] }

    private func isCurrent(_ ids: [String]) async throws -> Bool {
        let current = try await call(url(.root), .get, both([])).fields["etag"]
        let are = ids.map { $0 == current }
        #expect(are[0] == are[1], "\(course)")
        return are[0]
    }

    /// The node stops.
    func end() async throws {
        for caller in (waits.flatMap(\.callers) + watches.flatMap(\.callers)) { caller.relay.stop() }
        for wait in waits { #expect(same(await Self.all(wait.callers)).status == 304) }
        for watch in watches {
            let end = same(await Self.all(watch.callers))
            #expect(end.isEnded && Self.events(end).isEmpty, "\(course)")
        }
    }
}
