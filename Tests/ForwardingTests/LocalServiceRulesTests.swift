import Authorization
import Glibc
import Manifests
import ServiceContracts
import ServiceFixtures
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Forwarding

/// Whose rules decide what Heddle answers for itself, over real sockets, and what becomes of what is under way when they change.
struct LocalServiceRulesTests {
    @Test(arguments: LocalDialect.allCases)
    func `what one may have of a resource its own rules say`(dialect: LocalDialect) async throws {
        let world = try await InnerWorld(InnerWorld.reads("/values/a"))
        let caller = try InnerCaller(dialect, port: world.port)
        caller.get("/v1/values/a")
        #expect(caller.status == 200 && caller.text == "a")
        for path in ["/v1/values/b", "/v1/values/a/b", "/v1/values/a%2Fb", "/v1/values/A", "/v1/values"] {
            caller.get(path)
            #expect(caller.status == 403 && caller.fields["x-heddle-reason"] == "denied", "\(path)")
        }
        // However it is written, it is this one.
        for path in ["/v1/values/%61", "/v1//values/./b/../a", "/v1/values\\a"] {
            caller.get(path)
            #expect(caller.status == 200 && caller.text == "a", "\(path)")
        }
        try await world.serve(Shop.allowAll)
        caller.get("/v1/values/a")
        #expect(caller.status == 403)
        #expect(await world.stop())
    }

    @Test func `a refusal stands in both logs with the rule that decides, and is counted for its policy`() async throws
    {
        let log = TestLog()
        let deny = manifest(
            "AuthorizationPolicy", "never", "{action: DENY, rules: [{to: [{operation: {paths: [/values/b]}}]}]}")
        let soon = manifest(
            "AuthorizationPolicy", "soon",
            "{action: DENY, mode: Shadow, rules: [{to: [{operation: {paths: [/values/a]}}]}]}")
        let world = try await InnerWorld(
            [InnerWorld.all, deny, soon].joined(separator: "\n---\n"), accessLog: log.sink)
        let caller = try InnerCaller(.http1, port: world.port)
        caller.get("/v1/values/a")
        caller.get("/v1/values/b", fields: [("x-request-id", "the-refused")])
        #expect(caller.status == 403)
        let lines = await log.lines(2)
        #expect(lines[0].field("status") == "200" && lines[0].field("service") == "mesh/config")
        #expect(lines[1].field("status") == "403" && lines[1].field("reason") == "denied")
        #expect(lines[1].field("caller")?.hasSuffix("/ns/shop/sa/web") ?? false)
        let records = await world.mesh.dataPlane.decisionRecords()
        #expect(records.count == 1 && records[0].id == "the-refused" && records[0].path == "/v1/values/b")
        #expect(records[0].rule?.policy.name == "never" && !records[0].isAllowed)
        #expect(await world.mesh.observationCounts() == ["shop/soon would-deny": 1])
        let report = await world.mesh.dataPlane.report()
        func count(_ policy: String, isAllowed: Bool) -> UInt64 {
            let index = Int(world.mesh.dataPlane.labels.label(policy).id) * 2 + (isAllowed ? 0 : 1)
            return index < report.decisions.count ? report.decisions[index] : 0
        }
        #expect(count("shop/reads", isAllowed: true) == 1 && count("shop/never", isAllowed: false) == 1)
        // The door itself is open to every workload, by a rule that has a name.
        #expect(count("mesh/config", isAllowed: true) == 2)
        #expect(await world.stop())
    }

    // MARK: Reloads

    @Test(arguments: LocalDialect.allCases)
    func `a watch goes on over a reload, and ends in good order once its caller may not have it`(dialect: LocalDialect)
        async throws
    {
        let world = try await InnerWorld()
        let (caller, other) = (
            try InnerCaller(dialect, port: world.port), try InnerCaller(dialect, port: world.port)
        )
        caller.ask("GET", "/v1/watch/a")
        other.ask("GET", "/v1/watch/other")
        caller.hear { $0.text == "first;" }
        other.hear { $0.text == "first;" }
        try await world.serve(InnerWorld.all)
        world.service.push()
        caller.hear { $0.text == "first;1;" }
        other.hear { $0.text == "first;1;" }
        #expect(world.service.notes == [])
        try await world.serve(InnerWorld.none)
        caller.hear()
        #expect(caller.isWhole && caller.text == "first;1;")
        world.service.push()
        other.hear { $0.text == "first;1;2;" }
        other.leave()
        caller.get("/v1/values/a")
        #expect(caller.status == 403)
        #expect(await world.stop())
    }

    @Test(arguments: LocalDialect.allCases)
    func `a call that waits is answered as soon as its rules go`(dialect: LocalDialect) async throws {
        let world = try await InnerWorld()
        let caller = try InnerCaller(dialect, port: world.port)
        caller.ask("GET", "/v1/wait/a")
        await Poll.until { world.service.watcherCount == 1 }
        try await world.serve(InnerWorld.none)
        caller.hear()
        #expect(caller.status == 403 && caller.fields["x-heddle-reason"] == "denied")
        #expect(await world.stop())
    }

    @Test(arguments: LocalDialect.allCases)
    func `what was judged by rules that are gone is asked for once more`(dialect: LocalDialect) async throws {
        let world = try await InnerWorld()
        let caller = try InnerCaller(dialect, port: world.port)
        caller.ask("GET", "/v1/late/a")
        await Poll.until { world.service.begun == 1 }
        try await world.serve(InnerWorld.none)
        world.service.gate.open()
        caller.hear()
        #expect(caller.status == 403 && world.service.begun == 2)
        #expect(await world.stop())
    }

    @Test func `an answer that was judged is told where the rules of its resource stay`() async throws {
        let world = try await InnerWorld()
        let caller = try InnerCaller(.http1, port: world.port)
        caller.ask("GET", "/v1/late/a")
        await Poll.until { world.service.begun == 1 }
        try await world.serve(
            InnerWorld.all + "\n---\n" + manifest("AuthorizationPolicy", "more", "{action: ALLOW, rules: [{}]}"))
        world.service.gate.open()
        caller.hear()
        #expect(caller.status == 200 && caller.text == "a" && world.service.begun == 1)
        #expect(await world.stop())
    }

    @Test func `nothing that a watch hears was said after the rules were gone, whatever is said meanwhile`()
        async throws
    {
        let world = try await InnerWorld(threads: 3)
        let isOver = Mutex(false)
        let service = world.service
        spawn { while !isOver.withLock({ $0 }) { service.push() } }
        for round in 0..<20 {
            let caller = try InnerCaller(round % 2 == 0 ? .http1 : .http2, port: world.port)
            caller.ask("GET", "/v1/watch/a")
            caller.hear { $0.text.hasPrefix("first;") }
            try await world.serve(InnerWorld.none)
            caller.hear()
            #expect(caller.isWhole, "\(round)")
            caller.get("/v1/values/a")
            #expect(caller.status == 403)
            try await world.serve(InnerWorld.all)
        }
        isOver.withLock { $0 = true }
        #expect(await world.stop())
    }

    @Test func `a watch of a process that is no workload any more is cut`() async throws {
        let mine = "[{unix: {uid: \(getuid())}}]"
        let world = try await InnerWorld(selectors: mine)
        let caller = try InnerCaller(.http1, port: world.port)
        caller.ask("GET", "/v1/watch/a")
        caller.hear { $0.text == "first;" }
        try await world.serve(InnerWorld.all, selectors: mine)
        world.service.push()
        caller.hear { $0.text == "first;1;" }
        try await world.serve(InnerWorld.all, selectors: "[{unix: {uid: 4000000000}}]")
        caller.hear()
        #expect(caller.isCut)
        await Poll.until { world.service.notes == ["gone"] }
        caller.get("/v1/plain")
        #expect(caller.isCut)
        let next = try InnerCaller(.http1, port: world.port)
        next.get("/v1/plain")
        #expect(next.status == 403 && next.fields["x-heddle-reason"] == "not-attested")
        #expect(await world.stop())
    }

    // MARK: The node's end

    @Test(arguments: LocalDialect.allCases)
    func `when the node stops, watches end in good order, and what waits is answered`(dialect: LocalDialect)
        async throws
    {
        let world = try await InnerWorld()
        let (watch, wait) = (try InnerCaller(dialect, port: world.port), try InnerCaller(dialect, port: world.port))
        watch.ask("GET", "/v1/watch")
        wait.ask("GET", "/v1/wait")
        watch.hear { $0.text == "first;" }
        await Poll.until { world.service.watcherCount == 2 }
        let mesh = world.mesh
        async let stopped: Void = mesh.dataPlane.drain(deadline: .seconds(30))
        watch.hear()
        wait.hear()
        #expect(watch.isWhole && wait.status == 503)
        await stopped
        #expect(world.service.notes == ["stops", "stops"])
    }
}
