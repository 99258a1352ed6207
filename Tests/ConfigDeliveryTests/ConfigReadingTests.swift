import ConfigValues
import HTTPSemantics
import Manifests
import ServiceContracts
import ServiceFixtures
import TestSupport
import Testing

@testable import ConfigDelivery

/// Values over `config.mesh`.
struct ConfigReadingTests {
    private func world(
        _ json: String = "{\"database\":{\"host\":\"db\",\"a/b\":1},\"list\":[1,{\"x\":2}],\"nulls\":[null]}",
        _ policies: String..., config: String = "sources: [base]"
    ) async throws -> ConfigWorld {
        let world = try ConfigWorld()
        try world.adopt(
            [ConfigWorld.source("base"), ConfigWorld.config("app", config)]
                + (policies.isEmpty ? [ConfigWorld.everything] : policies))
        try world.say(json)
        await Poll.until { world.json() != nil }
        return world
    }

    @Test(arguments: [
        ("/database/host", "\"db\""), ("/database", "{\"a/b\":1,\"host\":\"db\"}"), ("/database/a%2Fb", "1"),
        ("/list", "[1,{\"x\":2}]"), ("/list/1/x", "2"), ("/nulls/0", "null"),
        ("/database/", "{\"a/b\":1,\"host\":\"db\"}"),
        ("", "{\"database\":{\"a/b\":1,\"host\":\"db\"},\"list\":[1,{\"x\":2}],\"nulls\":[null]}"),
    ])
    func `a value is had at its path`(path: String, body: String) async throws {
        let answer = try await world().value(path)
        #expect(answer.status == 200 && answer.text == body && answer.fields["content-type"] == "application/json")
        #expect(answer.fields["cache-control"] == "private, no-cache" && answer.fields["vary"] == "accept")
    }

    @Test func `a tilde is the caller's namespace`() async throws {
        #expect(try await world().get("/v1/configs/~/app/values/list/0").text == "1")
    }

    @Test(arguments: [
        ("/v1/configs/shop/app/values/database/nobody", KnownMethod.get, [(String, String)](), UInt16(404), "no-value"),
        ("/v1/configs/shop/app/values/list/00", .get, [], 404, "no-value"),
        ("/v1/configs/shop/app/values/list/0/x", .get, [], 404, "no-value"),
        ("/v1/configs/shop/app", .get, [], 404, "unknown-path"),
        ("/v1/configs/shop/app/watch/x", .get, [], 404, "unknown-path"),
        ("/v1/configs/shop/app/values", .post, [], 405, "method-not-allowed"),
        ("/v1/configs/shop/app/watch", .head, [], 405, "method-not-allowed"),
        ("/v1/configs/shop/app/values", .get, [("accept", "text/html")], 406, "not-acceptable"),
        ("/v1/configs/shop/app/values", .get, [("accept", "text/event-stream")], 406, "not-acceptable"),
        ("/v1/configs/shop/app/values/nulls", .get, [("accept", "application/toml")], 406, "not-acceptable"),
        ("/v1/configs/shop/app/values?wait=soon", .get, [], 400, "invalid-wait"),
        ("/v1/configs/shop/app/values?wait=+5", .get, [], 400, "invalid-wait"),
        ("/v1/configs/shop/app/values?wait=-0", .get, [], 400, "invalid-wait"),
        ("/v1/configs/shop/app/values?wait=", .get, [], 400, "invalid-wait"),
        ("/v1/configs/shop/other/values", .get, [], 403, "denied"),
        ("/v1/configs/pay/app/values", .get, [], 403, "denied"),
    ])
    func `what cannot be had is a problem document`(
        path: String, method: KnownMethod, fields: [(String, String)], status: UInt16, code: String
    ) async throws {
        let answer = try await world().get(path, method, fields: fields)
        #expect(answer.status == status && answer.text.contains("\"code\":\"\(code)\""))
        #expect(answer.fields["content-type"] == "application/problem+json")
        #expect(answer.fields["cache-control"] == "no-store")
        #expect(answer.fields["allow"] == (status != 405 ? nil : method == .head ? "GET" : "GET, HEAD"))
    }

    @Test func `what HEAD is told is what GET is, under the same rules`() async throws {
        let world = try await world()
        for path in ["/v1/configs/shop/app/values/database", "/v1/configs/shop/app/values/database/nobody"] {
            for account in ["web", "guest"] {
                let get = try await world.get(path, as: account)
                let head = try await world.get(path, .head, as: account)
                #expect(head.status == get.status && head.fields == get.fields)
            }
        }
        let tag = try #require(try await world.get("/v1/configs/shop/app/values", .head).fields["etag"])
        #expect(try await world.value("", fields: [("if-none-match", tag)]).status == 304)
    }

    @Test(arguments: [
        ("application/yaml", "application/yaml", "host: db\n"),
        ("application/toml", "application/toml", "host = \"db\"\n"),
        ("text/html, application/json;q=0.1", "application/json", "{\"host\":\"db\"}"),
        ("*/*", "application/json", "{\"host\":\"db\"}"),
    ])
    func `a document comes in the format that is accepted`(accept: String, type: String, body: String) async throws {
        let answer = try await world("{\"d\":{\"host\":\"db\"}}").value("/d", fields: [("accept", accept)])
        #expect(answer.fields["content-type"] == type && answer.text == body)
    }

    @Test func `a config without a value is not ready to who may read it, and denied to others`() async throws {
        let world = try ConfigWorld()
        try world.adopt([ConfigWorld.source("base"), ConfigWorld.config(), ConfigWorld.allow("/values/a, /watch")])
        await Poll.until { world.published() != nil }
        let answer = try await world.value("/a")
        #expect(
            answer.status == 503 && answer.fields["retry-after"] == "1" && answer.text.contains("\"retriable\":true"))
        #expect(try await world.value("/b").status == 403)
        #expect(try await world.value("/a", as: "guest").status == 403)
        #expect(try await world.get("/v1/configs/shop/app/watch").status == 503)
        #expect(try await world.get("/v1/configs/shop/app/watch", as: "guest").status == 403)
    }

    @Test func `readers with other rules see other parts, and have tags of their own`() async throws {
        let world = try await world(
            "{\"a\":1,\"b\":2,\"m\":{\"x\":1,\"y\":2},\"l\":[1,2]}",
            ConfigWorld.allow("/values/a, /values/m/x, /values/l, /values/l/0"),
            ConfigWorld.allow("\"/values/{**}\"", to: "shop/admin", named: "all"))
        let (some, all) = (try await world.value(""), try await world.value("", as: "admin"))
        #expect(some.text == "{\"a\":1,\"m\":{\"x\":1}}")
        #expect(all.text == "{\"a\":1,\"b\":2,\"l\":[1,2],\"m\":{\"x\":1,\"y\":2}}")
        let tag = try #require(some.fields["etag"])
        #expect(tag != all.fields["etag"])
        // What others see changes, and nothing for this one.
        try world.say("{\"a\":1,\"b\":3,\"m\":{\"x\":1},\"l\":[2,2]}")
        #expect(await world.becomes("{\"a\":1,\"b\":3,\"l\":[2,2],\"m\":{\"x\":1}}"))
        #expect(try await world.value("").fields["etag"] == tag)
        #expect(try await world.value("/l").status == 404)
        #expect(try await world.value("/l/0").text == "2")
        #expect(try await world.value("", as: "guest").status == 403)
    }

    @Test
    func `what is made of what a reader may not read is not shown, and what stays is judged by what it is made of now`()
        async throws
    {
        let world = try await world(
            "{\"a\":\"same\",\"s\":\"same\",\"t\":\"-${a}\",\"u\":\"${m}\",\"m\":{\"k\":\"${s}\"}}",
            ConfigWorld.allow("/values/a, /values/t, \"/values/u/{**}\", \"/values/f\""),
            config: "sources: [base], fallbacks: [{path: f, from: [s]}]")
        #expect(try await world.value("").text == "{\"a\":\"same\",\"t\":\"-same\"}")
        #expect(try await world.value("/f").status == 404)
        #expect(try await world.value("/u/k").status == 404)
        // The text at the same place says the same, and is made of another one.
        try world.say("{\"a\":\"same\",\"s\":\"same\",\"t\":\"-${s}\",\"u\":\"${m}\",\"m\":{\"k\":\"${s}\"}}")
        await Poll.until { world.changedNames.count > 1 }
        #expect(try await world.value("").text == "{\"a\":\"same\"}")
        #expect(try await world.value("/t").status == 404)
    }

    @Test func `how nothing is told does not tell what is hidden, nor what a fallback did not find there`() async throws
    {
        let world = try await world(
            "{\"t\":\"x\",\"m\":{\"h\":1},\"q\":{\"k\":1},\"u\":\"${q}\",\"l\":[[]]}",
            ConfigWorld.allow("/values/t, /values/f, /values/m, /values/u, \"/values/u/{**}\", /values/l"),
            ConfigWorld.allow(
                "/values/f, /values/s, /values/t, /values, /values/l/0, /values/l", to: "shop/more", named: "more"),
            ConfigWorld.allow("/values", to: "shop/none", named: "none"),
            config: "sources: [base], fallbacks: [{path: f, from: [s, t]}]")
        #expect(try await world.value("").text == "{\"t\":\"x\"}")
        for path in ["/f", "/m", "/m/h", "/u", "/u/k", "/u/none", "/l", "/l/0", "/s"] {
            let isAllowed = path != "/m/h" && path != "/l/0" && path != "/s"
            #expect(try await world.value(path).status == (isAllowed ? 404 : 403), "\(path)")
        }
        #expect(try await world.value("", as: "more").text == "{\"f\":\"x\",\"l\":[[]],\"t\":\"x\"}")
        #expect(try await world.value("", as: "none").text == "{}")
    }

    @Test(arguments: ["TAG", "W/TAG", "\"x\", TAG", "*"])
    func `who has it already is not sent it again`(tags: String) async throws {
        let world = try await world()
        let tag = try #require(try await world.value("").fields["etag"])
        let answer = try await world.value("", fields: [("if-none-match", tags.replacing("TAG", with: tag))])
        #expect(answer.status == 304 && answer.body.isEmpty && answer.fields["etag"] == tag)
        #expect(try await world.value("", fields: [("if-none-match", "\"x\"")]).status == 200)
    }

    @Test func `a call that waits is answered by the change, and by nothing that it does not see`() async throws {
        let world = try await world("{\"a\":1,\"b\":1}")
        let tag = try #require(try await world.value("/a").fields["etag"])
        let call = try #require(
            world.started("/v1/configs/shop/app/values/a?wait=60s", fields: [("if-none-match", tag)]))
        await Poll.until { world.hub.count == 1 }
        try world.say("{\"a\":1,\"b\":2}")
        #expect(await world.becomes("{\"a\":1,\"b\":2}"))
        #expect(world.hub.count == 1)
        try world.say("{\"a\":2,\"b\":2}")
        let answer = await call.gather()
        #expect(answer.status == 200 && answer.text == "2" && world.hub.count == 0)
        #expect(try await world.value("/a?wait=0", fields: [("if-none-match", answer.fields["etag"]!)]).status == 304)
    }

    @Test func `a call that waits ends with its config, its rules and its node`() async throws {
        for end in 0..<3 {
            let world = try await world("{\"a\":1}")
            let tag = try #require(try await world.value("/a").fields["etag"])
            let call = try #require(
                world.started("/v1/configs/shop/app/values/a?wait=60s", fields: [("if-none-match", tag)]))
            await Poll.until { world.hub.count == 1 }
            switch end {
            case 0: world.board.adopt(ConfigBoard.Plan())
            case 1:
                world.adoptRules(of: try ConfigWorld.snapshot([]))
                call.relay.judgeAgain()
            default: call.relay.stop()
            }
            #expect(await call.gather().status == (end == 2 ? 304 : 403))
            #expect(world.hub.count == 0)
        }
    }
}
