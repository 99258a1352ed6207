import Diagnostics
import Manifests
import ServiceContracts
import TestSupport
import Testing

@testable import ConfigDelivery

/// What becomes of configs as their sources and their manifests change.
struct ConfigBoardTests {
    private static let schema =
        "sources: [base], schema: {type: object, properties: {port: {type: integer, maximum: 100}}}"

    private func world(_ manifests: String...) throws -> ConfigWorld {
        let world = try ConfigWorld()
        try world.adopt(manifests)
        return world
    }

    @Test func `a config has no value before what it needs is there, and says what it waits for`() async throws {
        let world = try world(ConfigWorld.source("base"), ConfigWorld.config())
        // That it is there is known at once.
        #expect(world.published() != nil)
        await Poll.until { world.published()?.problems.isEmpty == false }
        #expect(world.published()?.value == nil)
        #expect(world.published()?.problems.map(\.code) == [.sourceAway])
        try world.say("{\"a\":1}")
        #expect(await world.becomes("{\"a\":1}"))
        #expect(world.published()?.problems == [])
    }

    @Test func `an optional source that is away is done without, with a warning`() async throws {
        let world = try world(
            ConfigWorld.source("base"), ConfigWorld.source("more", ", optional: true"),
            ConfigWorld.config("app", "sources: [base, more]"))
        try world.say("{\"a\":1}")
        world.fail("more", isLineSecret: true)
        #expect(await world.becomes("{\"a\":1}"))
        #expect(world.published()?.problems.map(\.severity) == [.warning])
        #expect(world.published()?.problems.map(\.isLineSecret) == [true])
    }

    @Test func `no value is made before an optional source has said something`() async throws {
        let world = try world(
            ConfigWorld.source("base"), ConfigWorld.source("more", ", optional: true"),
            ConfigWorld.source("other"), ConfigWorld.config("app", "sources: [base, more]"),
            ConfigWorld.config("sign", "sources: [other]"))
        try world.say("{\"a\":1}")
        try world.say("{}", of: "other")
        #expect(await world.becomes("{}", "sign"))
        #expect(world.published()?.value == nil)
        try world.say("{\"b\":2}", of: "more")
        #expect(await world.becomes("{\"a\":1,\"b\":2}"))
    }

    @Test(arguments: [("KeepLast", "{\"a\":1,\"b\":2}"), ("Drop", "{\"a\":1}")])
    func `a source that fails keeps its values or loses them`(onError: String, value: String) async throws {
        let world = try world(
            ConfigWorld.source("base"), ConfigWorld.source("more", ", optional: true, onError: \(onError)"),
            ConfigWorld.config("app", "sources: [base, more]"))
        try world.say("{\"a\":1}")
        try world.say("{\"b\":2}", of: "more")
        #expect(await world.becomes("{\"a\":1,\"b\":2}"))
        world.fail("more")
        await Poll.until { world.published()?.problems.isEmpty == false }
        #expect(world.json() == value)
        try world.say("{\"b\":2}", of: "more")
        await Poll.until { world.published()?.problems.isEmpty == true }
        #expect(world.json() == "{\"a\":1,\"b\":2}")
    }

    @Test func `what a config has become, and what it was not to become, is counted`() async throws {
        let world = try world(ConfigWorld.source("base"), ConfigWorld.config("app", Self.schema))
        for text in ["{\"port\":80}", "{\"port\":80,\"a\":1}"] {
            try world.say(text)
            #expect(await world.becomes(text.contains("a") ? "{\"a\":1,\"port\":80}" : text))
        }
        try world.say("{\"port\":800}")
        await Poll.until { world.published()?.refusals == 1 }
        #expect(world.published()?.changes == 2)
        #expect(world.published()?.sources.map(\.changes) == [3])
    }

    @Test func `a source that says it is as it was is as new, and nothing else changes`() async throws {
        let world = try world(ConfigWorld.source("base"), ConfigWorld.config())
        try world.say("{\"a\":1}")
        #expect(await world.becomes("{\"a\":1}"))
        let before = try #require(world.published())
        world.source("base").say(.unchanged)
        await Poll.until { world.published()?.sources.first?.since != before.sources.first?.since }
        let after = try #require(world.published())
        #expect(after.value === before.value && after.changes == 1 && after.sources.map(\.changes) == [1])
    }

    @Test func `what the schema refuses is not published, and is said with its position`() async throws {
        let world = try world(ConfigWorld.source("base"), ConfigWorld.config("app", Self.schema))
        try world.say("{\"port\":80}")
        #expect(await world.becomes("{\"port\":80}"))
        try world.say("{\"port\":800}")
        await Poll.until { world.published()?.problems.isEmpty == false }
        #expect(world.json() == "{\"port\":80}")
        let problem = try #require(world.published()?.problems.first)
        #expect(problem.severity == .error && problem.position.file == "shop/base.json")
        #expect(problem.position.line == 1 && problem.position.column == 9)
        try world.say("{\"port\":8}")
        #expect(await world.becomes("{\"port\":8}"))
        #expect(world.published()?.problems == [])
    }

    @Test func `a source that several configs read is followed once, and its trouble told once`() async throws {
        let world = try world(
            ConfigWorld.source("base"), ConfigWorld.config("app"),
            ConfigWorld.config("other", "sources: [base], defaults: {d: 0}"))
        let backend = world.source("base")
        try world.say("{\"a\":1}")
        #expect(await world.becomes("{\"a\":1}"))
        #expect(await world.becomes("{\"a\":1,\"d\":0}", "other"))
        world.fail()
        await Poll.until { !world.problems.isEmpty }
        #expect(world.problems.count == 1)
        try world.adopt([ConfigWorld.source("base"), ConfigWorld.config("app")])
        await Poll.until { world.published("other") == nil }
        #expect(world.json() == "{\"a\":1}" && !backend.isStopped)
    }

    @Test func `a config that goes is told of, and one that nothing reads is not followed`() async throws {
        let world = try world(ConfigWorld.source("base"), ConfigWorld.config())
        let backend = world.source("base")
        try world.say("{\"a\":1}")
        #expect(await world.becomes("{\"a\":1}"))
        await Poll.until { world.changedNames == ["app"] }
        try world.adopt([ConfigWorld.source("base")])
        await Poll.until { world.changedNames.count > 1 }
        #expect(world.changedNames == ["app", "app"] && world.published() == nil && backend.isStopped)
    }

    @Test func `a source that goes takes its values along, and nothing that it says later counts`() async throws {
        let world = try world(
            ConfigWorld.source("base"), ConfigWorld.source("more"), ConfigWorld.config("app", "sources: [base, more]"))
        let gone = world.source("more")
        try world.say("{\"a\":1}")
        try world.say("{\"b\":2}", of: "more")
        #expect(await world.becomes("{\"a\":1,\"b\":2}"))
        try world.adopt([ConfigWorld.source("base"), ConfigWorld.config()])
        #expect(await world.becomes("{\"a\":1}"))
        gone.say(.tree(ConfigSourceTree(try ConfigWorld.value("{\"b\":3}"))))
        try world.say("{\"a\":2}")
        #expect(await world.becomes("{\"a\":2}"))
    }

    @Test func `a source that is read in another way is asked anew, and the last value holds until it answers`()
        async throws
    {
        let world = try world(ConfigWorld.source("base"), ConfigWorld.config())
        let former = world.source("base")
        try world.say("{\"a\":1}")
        #expect(await world.becomes("{\"a\":1}"))
        try world.adopt([ConfigWorld.source("base", ", optional: true"), ConfigWorld.config()])
        await Poll.until { former.isStopped }
        #expect(world.json() == "{\"a\":1}")
        former.say(.tree(ConfigSourceTree(try ConfigWorld.value("{\"a\":9}"))))
        try world.say("{\"a\":2}")
        #expect(await world.becomes("{\"a\":2}"))
    }
}
