import ConfigHistory
import ConfigMerging
import ConfigValues
import Diagnostics
import Glibc
import Manifests
import MeshSnapshot
import ServiceContracts
import ServiceFixtures
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import ConfigDelivery

/// Configs that are held at a past value.
struct ConfigPinTests {
    private let scratch = ScratchFolder()
    private static let source = ConfigWorld.source("base")

    private func history(_ writer: FileWriter = FileWriter()) throws -> ConfigHistory {
        let held = HeldFolder(scratch.path)
        try held.hold(try OpenFolder(scratch.path, followingLink: true))
        return try ConfigHistory(held, writer: writer)
    }

    /// A node of its own life with what earlier ones have kept.
    private func world(_ pin: String? = nil, _ spec: String = "", _ writer: FileWriter = FileWriter()) throws
        -> ConfigWorld
    {
        let world = try ConfigWorld(history: try history(writer))
        try adopt(pin, spec, in: world)
        return world
    }

    private func adopt(_ pin: String?, _ spec: String = "", in world: ConfigWorld) throws {
        let pinned = pin.map { ", pinned: {revision: \"\($0)\"}" } ?? ""
        try world.adopt([
            Self.source, ConfigWorld.config("app", "sources: [base]\(pinned)\(spec)"), ConfigWorld.everything,
        ])
    }

    /// Publishes one after the other.
    /// - Returns: Their revisions.
    private func publish(_ values: [String], in world: ConfigWorld) async throws -> [String] {
        var revisions: [String] = []
        for value in values {
            try world.say(value)
            #expect(await world.becomes(value))
            revisions.append(try #require(world.published()?.value?.revision))
        }
        return revisions
    }

    private func pin(_ world: ConfigWorld, _ sources: HeldPin.Sources) async -> Bool {
        await Poll.until { world.published()?.pin?.sources == sources }
    }

    private func problem(_ world: ConfigWorld, _ words: String) async throws -> Diagnostic {
        await Poll.until { world.published()?.problems.contains { $0.found.contains(words) } ?? false }
        return try #require(world.published()?.problems.first { $0.found.contains(words) })
    }

    @Test func `what is pinned is what readers have, whatever sources say, until it is pinned no more`() async throws {
        let world = try world()
        let revisions = try await publish(["{\"a\":1}", "{\"a\":2}"], in: world)
        try adopt(String(revisions[0].prefix(12)), in: world)
        #expect(await world.becomes("{\"a\":1}"))
        #expect(await pin(world, .other))
        #expect(world.published()?.pin?.revision == revisions[0])
        #expect(try await world.value("").text == "{\"a\":1}")
        let watchers = world.changedNames.count
        try world.say("{\"a\":3}")
        await Poll.until { world.published()?.sources.first?.changes == 3 }
        #expect(world.json() == "{\"a\":1}" && world.changedNames.count == watchers)
        try world.say("{\"a\":1}")
        #expect(await pin(world, .same))
        try world.say("{\"a\":4}")
        #expect(await pin(world, .other))
        try adopt(nil, in: world)
        #expect(await world.becomes("{\"a\":4}"))
        #expect(world.published()?.pin == nil && world.published()?.problems == [])
    }

    @Test func `a pin holds over a restart though its source is away, which is told and stops nothing`() async throws {
        var first: ConfigWorld? = try world()
        let revisions = try await publish(["{\"a\":1}", "{\"a\":2}"], in: try #require(first))
        first = nil
        let world = try world(revisions[0])
        world.fail()
        #expect(await world.becomes("{\"a\":1}"))
        #expect(await pin(world, .nothing))
        #expect(world.published()?.problems.map(\.severity) == [.warning])
        // Without it the last good value stays, since there is no newer one.
        try adopt(nil, in: world)
        await Poll.until { world.published()?.pin == nil }
        #expect(world.json() == "{\"a\":1}")
        #expect(world.published()?.problems.map(\.severity) == [.error])
        try world.say("{\"a\":5}")
        #expect(await world.becomes("{\"a\":5}"))
    }

    @Test func `an unknown revision is told where it stands, and what was published stays, also after a restart`()
        async throws
    {
        let unknown = String(repeating: "0", count: 12)
        var first: ConfigWorld? = try world()
        _ = try await publish(["{\"a\":1}", "{\"a\":2}"], in: try #require(first))
        try adopt(unknown, in: try #require(first))
        let told = try await problem(try #require(first), unknown)
        #expect(told.code == .configPinned && told.severity == .error && told.position.isInText)
        try first?.say("{\"a\":3}")
        await Poll.until { first?.published()?.sources.first?.changes == 3 }
        #expect(first?.json() == "{\"a\":2}" && first?.published()?.pin == nil)
        first = nil
        let world = try world(unknown)
        try world.say("{\"a\":3}")
        #expect(await world.becomes("{\"a\":2}"))
        _ = try await problem(world, unknown)
    }

    @Test func `where a node never had anything an unknown revision is no value, unless the sources make it`()
        async throws
    {
        let other = try ConfigWorld()
        try adopt(nil, in: other)
        let revision = try await publish(["{\"a\":7}"], in: other)[0]
        let world = try world(revision)
        try world.say("{\"a\":6}")
        let told = try await problem(world, String(revision.prefix(12)))
        #expect(told.code == .configPinned && world.published()?.value == nil)
        try world.say("{\"a\":7}")
        #expect(await world.becomes("{\"a\":7}"))
        try world.say("{\"a\":8}")
        #expect(await pin(world, .other))
        #expect(world.json() == "{\"a\":7}" && world.published()?.problems == [])
    }

    @Test func `what the schema of now refuses is not published by a pin`() async throws {
        let schema = ", schema: {type: object, properties: {a: {type: integer, minimum: 2}}}"
        let world = try world()
        let revisions = try await publish(["{\"a\":1}", "{\"a\":2}"], in: world)
        try adopt(revisions[0], schema, in: world)
        let told = try await problem(world, "schema")
        #expect(told.code == .configPinned && told.severity == .error)
        #expect(world.json() == "{\"a\":2}" && world.published()?.pin == nil)
        // The place in the source of then is told, too.
        #expect(world.published()?.problems.contains { $0.position.file == "shop/base.json" } == true)
        try adopt(revisions[1], schema, in: world)
        #expect(await pin(world, .same))
        #expect(world.published()?.problems == [])
    }

    @Test func `after a restart what was published last stays, where the schema refuses what is pinned`() async throws {
        let schema = ", schema: {type: object, properties: {a: {type: integer, minimum: 2}}}"
        var first: ConfigWorld? = try world()
        let revisions = try await publish(["{\"a\":1}", "{\"a\":2}"], in: try #require(first))
        first = nil
        let world = try world(revisions[0], schema)
        try world.say("{\"a\":3}")
        #expect(await world.becomes("{\"a\":2}"))
        _ = try await problem(world, "schema")
        // Nor is that published which the schema refuses of what was last.
        let other = try self.world("000000000000", ", schema: {type: object, properties: {a: {maximum: 1}}}")
        try other.say("{\"a\":0}")
        _ = try await problem(other, "000000000000")
        #expect(other.published()?.value == nil)
    }

    @Test func `what the sources come to is judged while something is pinned, as a warning`() async throws {
        let schema = ", schema: {type: object, properties: {a: {type: integer}}}"
        let world = try world(nil, schema)
        let revision = try await publish(["{\"a\":1}"], in: world)[0]
        try adopt(revision, schema, in: world)
        #expect(await pin(world, .same))
        try world.say("{\"a\":\"no\"}")
        #expect(await pin(world, .nothing))
        #expect(world.published()?.problems.map(\.severity) == [.warning])
        #expect(world.published()?.refusals == 1 && world.json() == "{\"a\":1}")
    }

    @Test func `what a full disk has not kept can be pinned as long as it is published`() async throws {
        let full = FileWriter { call, _ throws(SystemCallError) in
            if call == "write" { throw SystemCallError("write", errno: ENOSPC) }
        }
        let world = try world(nil, "", full)
        let revision = try await publish(["{\"a\":1}"], in: world)[0]
        try adopt(revision, in: world)
        #expect(await pin(world, .same))
        try world.say("{\"a\":2}")
        #expect(await pin(world, .other))
        #expect(world.json() == "{\"a\":1}")
    }

    @Test func `a damaged value cannot be pinned, its file is told, and the value stays`() async throws {
        let world = try world()
        let revisions = try await publish(["{\"a\":1}", "{\"a\":2}"], in: world)
        let folder = "\(scratch.path)/configs/shop/app"
        await Poll.until { (try? FileAccess.names(inFolder: folder).names.count) == 2 }
        let name = try #require(try FileAccess.names(inFolder: folder).names.first { $0.hasSuffix(revisions[0]) })
        scratch.write("nothing", to: "configs/shop/app/\(name)")
        try adopt(revisions[0], in: world)
        _ = try await problem(world, "cannot be read")
        #expect(world.published()?.problems.contains { $0.position.file.hasSuffix(name) } == true)
        #expect(world.json() == "{\"a\":2}")
    }

    @Test func `who may read a pinned value is said by what it was made of then`() async throws {
        let world = try world()
        let revision = try await publish(["{\"a\":1,\"b\":\"x\"}"], in: world)[0]
        try world.say("{\"a\":2}")
        #expect(await world.becomes("{\"a\":2}"))
        try world.adopt([
            Self.source, ConfigWorld.config("app", "sources: [base], pinned: {revision: \"\(revision)\"}"),
            ConfigWorld.allow("/values/b"),
        ])
        #expect(await pin(world, .other))
        #expect(try await world.value("").text == "{\"b\":\"x\"}")
        #expect(try await world.value("/a").status == 403)
    }

    @Test func `a pinned value whose source is secret now is secret`() async throws {
        let world = try world()
        let revision = try await publish(["{\"a\":\"x\"}"], in: world)[0]
        try world.adopt([
            ConfigWorld.source("base", ", secret: true"),
            ConfigWorld.config("app", "sources: [base], pinned: {revision: \"\(revision)\"}"), ConfigWorld.everything,
        ])
        await Poll.until { world.published()?.value?.evaluated.value.holdsSecrets == true }
        #expect(world.published()?.pin?.revision == revision)
        #expect(world.published()?.value?.evaluated.value.redacted.map?["a"]?.content.isText("(secret)") == true)
        #expect(try await world.value("").text == "{\"a\":\"x\"}")
    }

    @Test func `what is hidden for the moment is kept as it was`() async throws {
        let world = try world()
        let revision = try await publish(["{\"a\":\"x\"}"], in: world)[0]
        // The source has another name now, is secret, and says nothing so far.
        try world.adopt([
            ConfigWorld.source("keys", ", secret: true"),
            ConfigWorld.config("app", "sources: [keys], pinned: {revision: \"\(revision)\"}"), ConfigWorld.everything,
        ])
        world.fail("keys")
        #expect(await pin(world, .nothing))
        let version = try #require(world.published()?.value)
        #expect(version.evaluated.value.holdsSecrets && version.recipe.layers.first?.tree?.holdsSecrets == false)
        // Where nothing secret stood it is shown again.
        world.source("keys").say(
            .tree(ConfigSourceTree(try ConfigWorld.value("{\"b\":1}", of: "shop/keys", isSecret: true))))
        await Poll.until { world.published()?.value?.evaluated.value.holdsSecrets == false }
        #expect(world.json() == "{\"a\":\"x\"}" && world.published()?.pin?.revision == revision)
    }

    @Test func `what is secret is known as soon as the manifests say it, also where nobody reads the config`() throws {
        let world = try ConfigWorld()
        let snapshot = try ConfigWorld.snapshot([ConfigWorld.source("base", ", secret: true"), ConfigWorld.config()])
        var config = ConfigBoard.PlannedConfig(
            try #require(Array(snapshot.resources[Config.self]).first), schema: nil, schemaText: nil)
        config.isRead = false
        world.board.adopt(ConfigBoard.Plan(configs: [config], sources: Array(snapshot.resources[ConfigSource.self])))
        func isMarked(_ secrets: SecretsNow?) -> Bool {
            secrets?.names == ["shop/base"] && secrets?.layers.map(\.name) == ["shop/base"]
        }
        #expect(isMarked(world.published()?.secrets))
        Poll.until { world.published()?.isRead == false }
        #expect(isMarked(world.published()?.secrets))
    }

    @Test func `a beginning that several values have is told with all of them`() throws {
        let position = SourcePosition(file: "mesh.yaml", line: 3, column: 5)
        var course = PinCourse(Located("0123456789ab", at: position))
        let revisions = ["0123456789ab0", "0123456789ab1"]
        course.found = PinFinding(finding: .ambiguous(revisions: revisions), newest: .unknown)
        let snapshot = try ConfigWorld.snapshot([Self.source, ConfigWorld.config()])
        let config = try #require(Array(snapshot.resources[Config.self]).first)
        let held = course.held(
            ConfigBoard.PlannedConfig(config, schema: nil, schemaText: nil), hiding: SecretsNow(), nil, lastGood: nil)
        #expect(held.version == nil && held.pin == nil && !held.isAwaited)
        #expect(held.problems.map(\.code) == [.configPinned] && held.problems.map(\.position) == [position])
        #expect(revisions.allSatisfy { held.problems[0].expected.contains($0) })
    }
}

extension ConfigValue.Content {
    fileprivate func isText(_ text: String) -> Bool {
        if case .string(text) = self { true } else { false }
    }
}
