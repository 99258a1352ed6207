import CallOutcomes
import ConfigFormats
import ConfigValues
import HTTPSemantics
import Manifests
import ServiceContracts
import ServiceFixtures
import TestSupport
import Testing

@testable import ConfigDelivery

/// Configs as server-sent events.
struct ConfigWatchTests {
    private func world(_ json: String, _ policies: [String] = [ConfigWorld.everything]) async throws -> ConfigWorld {
        let world = try ConfigWorld()
        try world.adopt([ConfigWorld.source("base"), ConfigWorld.config()] + policies)
        try world.say(json)
        await Poll.until { world.json() != nil }
        return world
    }

    private static let path = "/v1/configs/shop/app/watch"
    /// Longer than any patch of its other members.
    private static let long = String(repeating: "l", count: 500)

    /// Sign by sign what a reader of events makes of a stream.
    private static func events(_ bytes: [UInt8]) -> [(id: String, name: String, data: String)] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").compactMap { event in
            var fields: [Substring: String] = [:]
            for line in event.split(separator: "\n") where !line.hasPrefix(":") {
                let parts = line.split(separator: ":", maxSplits: 1)
                fields[parts[0]] = String(parts[1].dropFirst())
            }
            return fields["data"].map { (fields["id"] ?? "", fields["event"] ?? "", $0) }
        }
    }

    @Test func `the value comes first, then patches that make it the next one`() async throws {
        let world = try await world("{\"a\":1,\"l\":\"\(Self.long)\"}")
        let watch = try #require(world.started(Self.path, fields: [("accept", "application/yaml")]))
        let first = await watch.gather { Self.events($0.body).count == 1 }
        #expect(first.status == 200 && first.fields["content-type"] == "text/event-stream")
        let value = Self.events(first.body)[0]
        #expect(value.name == "value" && value.data == world.json())
        #expect("\"\(value.id)\"" == (try await world.value("").fields["etag"]))

        try world.say("{\"a\":2,\"b\":[1],\"l\":\"\(Self.long)\"}")
        let second = await watch.gather { Self.events($0.body).count == 1 }
        let patch = Self.events(second.body)[0]
        #expect(patch.name == "patch")
        let operations = try #require(JSONPatch(try ConfigWorld.value(patch.data)))
        let patched = try operations.applied(to: try ConfigWorld.value(value.data))
        #expect(String(decoding: patched.json(), as: UTF8.self) == world.json())
        #expect("\"\(patch.id)\"" == (try await world.value("").fields["etag"]))
        watch.relay.leave()
        await Poll.until { world.hub.count == 0 }
        #expect(world.hub.count == 0)
    }

    @Test func `who comes back with what is still so is told of the next change alone`() async throws {
        let world = try await world("{\"a\":1,\"l\":\"\(Self.long)\"}")
        let tag = try #require(try await world.value("").fields["etag"]).filter { $0 != "\"" }
        let known = try #require(world.started(Self.path, fields: [("last-event-id", tag)]))
        let other = try #require(world.started(Self.path, fields: [("last-event-id", "other")]))
        let value = await other.gather { !Self.events($0.body).isEmpty }
        #expect(Self.events(value.body).map(\.name) == ["value"])
        await Poll.until { world.hub.count == 2 }
        try world.say("{\"a\":2,\"l\":\"\(Self.long)\"}")
        let next = await known.gather { !Self.events($0.body).isEmpty }
        #expect(Self.events(next.body).map(\.name) == ["patch"])
        known.relay.leave()
        other.relay.leave()
    }

    @Test func `a slow reader is given the newest value, and not those between`() async throws {
        let big = String(repeating: "x", count: 100_000)
        let world = try await world("{\"a\":0,\"big\":\"\(big)\"}")
        let watch = try #require(world.started(Self.path))
        await Poll.until { world.hub.count == 1 && watch.relay.isOpenEnded && watch.tellings > 0 }
        for number in 1...5 {
            try world.say("{\"a\":\(number),\"big\":\"\(big)\"}")
            #expect(await world.becomes("{\"a\":\(number),\"big\":\"\(big)\"}"))
        }
        let all = await watch.gather { gathered in
            let events = Self.events(gathered.body)
            return gathered.body.suffix(2) == [10, 10] && events.last?.data.contains("5") == true
        }
        let events = Self.events(all.body)
        #expect(events.count == 2 && events[1].name == "patch")
        #expect(events[1].data == "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":5}]")
        watch.relay.leave()
    }

    @Test func `rules that go end it, and those that change show what they show`() async throws {
        let world = try await world("{\"a\":1,\"b\":2}")
        let watch = try #require(world.started(Self.path))
        _ = await watch.gather { !Self.events($0.body).isEmpty }
        world.adoptRules(
            of: try ConfigWorld.snapshot([
                ConfigWorld.source("base"), ConfigWorld.config(), ConfigWorld.allow("/values/a, /watch"),
            ]))
        watch.relay.judgeAgain()
        let fewer = await watch.gather { !Self.events($0.body).isEmpty }
        #expect(Self.events(fewer.body).map(\.data) == ["{\"a\":1}"])
        world.adoptRules(
            of: try ConfigWorld.snapshot([
                ConfigWorld.source("base"), ConfigWorld.config(), ConfigWorld.allow("\"/values/{**}\""),
            ]))
        watch.relay.judgeAgain()
        let end = await watch.gather()
        #expect(end.isEnded && end.body.isEmpty && world.hub.count == 0)
        #expect(try await world.get(Self.path).status == 403)
    }

    @Test func `a config that goes and a node that stops end it`() async throws {
        let world = try await world("{\"a\":1}")
        let stopped = try #require(world.started(Self.path))
        _ = await stopped.gather { !Self.events($0.body).isEmpty }
        stopped.relay.stop()
        #expect(await stopped.gather().isEnded)
        let left = try #require(world.started(Self.path))
        _ = await left.gather { !Self.events($0.body).isEmpty }
        world.board.adopt(ConfigBoard.Plan())
        #expect(await left.gather().isEnded)
        #expect(world.hub.count == 0)
    }

    @Test func `a caller has a thousand watches, and others have theirs`() async throws {
        let world = try await world(
            "{\"a\":1}",
            [
                ConfigWorld.everything,
                ConfigWorld.allow("\"/values/{**}\", /watch", to: "shop/admin", named: "admin"),
            ])
        var watches: [InMemoryCaller] = []
        for _ in 0..<WatchHub.limitForCaller {
            let watch = try #require(world.started(Self.path))
            _ = await watch.gather { $0.status != 0 }
            watches.append(watch)
        }
        #expect(world.hub.count == 1_000)
        let refused = try await world.get(Self.path)
        #expect(refused.status == 429 && refused.reason == .overloaded && refused.text.contains("too-many-watches"))
        let admin = try #require(world.started(Self.path, as: "admin"))
        #expect(await admin.gather { $0.status != 0 }.status == 200)
        watches[0].relay.leave()
        await Poll.until { world.hub.count == 1_000 }
        let next = try #require(world.started(Self.path))
        #expect(await next.gather { $0.status != 0 }.status == 200)
        for watch in watches + [admin, next] { watch.relay.leave() }
        await Poll.until { world.hub.count == 0 }
    }
}
