import Authorization
import CommonValues
import HTTPSemantics
import Manifests
import MeshFixtures
import MeshSnapshot
import ServiceFixtures
import Telemetry
import TestSupport
import Testing

@testable import ServiceContracts

/// What may be had of a resource, by whose rules, and when.
struct ResourceRulesTests {
    static func policy(_ name: String, _ spec: String, namespace: String = "shop") -> String {
        """
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: \(name), namespace: \(namespace)}
        spec: \(spec)
        """
    }

    static func allow(_ paths: String, to account: String = "shop/web") -> String {
        policy(
            "reads",
            "{targetRefs: [{kind: Config, name: app}], action: ALLOW, rules: "
                + "[{from: [{source: {serviceAccounts: [\(account)]}}], to: [{operation: {methods: [GET], paths: [\(paths)]}}]}]}"
        )
    }

    static let inline = """
        apiVersion: heddle/v1
        kind: ConfigSource
        metadata: {name: base, namespace: shop}
        spec: {type: Inline, data: {a: 1}}
        ---
        apiVersion: heddle/v1
        kind: Config
        metadata: {name: app, namespace: shop}
        spec: {sources: [base]}
        ---
        apiVersion: heddle/v1
        kind: Config
        metadata: {name: other, namespace: shop}
        spec: {sources: [base]}
        """

    static func snapshot(_ policies: [String], defaultAction: String = "Deny") throws -> MeshSnapshot {
        let mesh = """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {authorization: {defaultAction: \(defaultAction)}}
            """
        return try MeshSnapshot(([mesh, inline] + policies).joined(separator: "\n---\n"))
    }

    /// What `shop/web` may read of `shop/app`, or of another resource.
    private func allows(
        _ policies: [String], _ keys: [String] = ["a"], of resource: ResourceIdentity = EchoService.app,
        defaultAction: String = "Deny"
    ) throws -> Bool {
        var compiler = ResourceRulesCompiler(labels: LabelRegistry())
        let rules = compiler.compile(try Self.snapshot(policies, defaultAction: defaultAction))
        return judge(rules).allows(.get, Self.path(keys), of: resource)
    }

    private func judge(_ rules: ResourceRules) -> Judge {
        let host = ServiceHost(EchoService(), name: "echo", threadCount: 1)
        return Judge(
            rules, of: InMemoryCaller(.get, "/v1/x", of: host, rules: RulesInForce(rules)).relay.request)
    }

    private static func path(_ keys: [String]) -> ResourcePath {
        var path = ResourcePath(below: "/values")
        for key in keys { path.append(key) }
        return path
    }

    @Test func `only an ALLOW that names the resource opens it`() throws {
        let all = Self.policy("all", "{action: ALLOW, rules: [{}]}")
        #expect(try !allows([]))
        #expect(try !allows([all]))
        #expect(try !allows([all], defaultAction: "Allow"))
        #expect(try !allows([], defaultAction: "Allow"))
        #expect(try allows([Self.allow("\"/values/{**}\"")]))
        #expect(try allows([Self.allow("\"/values/a\""), all]))
        #expect(try !allows([Self.allow("\"/values/b\"")], defaultAction: "Allow"))
        #expect(try !allows([Self.allow("\"/values/{**}\"", to: "shop/other")]))
    }

    @Test func `what names one resource opens no other, of whatever namespace`() throws {
        let rules = [Self.allow("\"/values/{**}\"")]
        func config(_ namespace: String, _ name: String) -> ResourceIdentity {
            ResourceIdentity(.config, ResourceName(namespace: namespace, name: name))
        }
        #expect(try allows(rules, of: config("shop", "app")))
        #expect(try !allows(rules, of: config("shop", "other")))
        #expect(try !allows(rules, of: config("pay", "app")))
        #expect(try !allows(rules, of: ResourceIdentity(.service, ResourceName(namespace: "shop", name: "app"))))
    }

    @Test func `a DENY for all of the namespace holds, and one for services does not`() throws {
        let reads = Self.allow("\"/values/{**}\"")
        let deny = "action: DENY, rules: [{to: [{operation: {paths: [/values/a]}}]}]"
        #expect(try !allows([reads, Self.policy("never", "{\(deny)}")]))
        #expect(try allows([reads, Self.policy("never", "{\(deny)}")], ["b"]))
        #expect(try allows([reads, Self.policy("never", "{\(deny)}", namespace: "pay")]))
        #expect(try !allows([reads, Self.policy("never", "{targetRefs: [{kind: Config, name: app}], \(deny)}")]))
        let web = "apiVersion: heddle/v1\nkind: Service\nmetadata: {name: app, namespace: shop}\nspec: {protocol: HTTP}"
        #expect(
            try allows([reads, web, Self.policy("never", "{targetRefs: [{kind: Service, name: app}], \(deny)}")]))
    }

    @Test func `a program stays the same while its policies say the same`() throws {
        var compiler = ResourceRulesCompiler(labels: LabelRegistry())
        let reads = Self.allow("\"/values/{**}\"")
        let first = compiler.compile(try Self.snapshot([reads]))[EchoService.app]
        let unrelated = Self.policy("all", "{action: ALLOW, rules: [{}]}")
        #expect(compiler.compile(try Self.snapshot([unrelated, reads]))[EchoService.app] === first)
        #expect(compiler.compile(try Self.snapshot([Self.allow("/values/a")]))[EchoService.app] !== first)
    }

    @Test func `fields of the call are asked for, and a path that cannot be had is denied whatever the rules say`()
        throws
    {
        let policy = Self.policy(
            "reads",
            "{targetRefs: [{kind: Config, name: app}], action: ALLOW, rules: "
                + "[{when: [{key: 'request.headers[x-team]', values: [blue]}]}]}")
        var compiler = ResourceRulesCompiler(labels: LabelRegistry())
        let rules = compiler.compile(try Self.snapshot([policy]))
        let host = ServiceHost(EchoService(), name: "echo", threadCount: 1)
        func allows(_ fields: [(String, String)], _ keys: [String]) -> Bool {
            let caller = InMemoryCaller(.get, "/v1/x", fields: fields, of: host, rules: RulesInForce(rules))
            return Judge(rules, of: caller.relay.request).allows(.get, Self.path(keys), of: EchoService.app)
        }
        #expect(allows([("x-team", "blue")], ["a"]))
        #expect(!allows([("x-team", "red")], ["a"]) && !allows([], ["a"]))
        #expect(!allows([("x-team", "blue")], ["a", ".."]))
    }

    @Test func `a judge says of each of many places what a call to it would be told`() throws {
        var random = SystemRandomNumberGenerator()
        let keys = ["a", "b", "a/b", "ü", "a:b", "%2F", "A", "..", ".", "", " ", "x*", "{*}"]
        let patterns = ["/values/a", "/values/{*}", "/values/a/{**}", "/values/{*}/b", "/values/a%2Fb", "/values/a*"]
        for _ in 0..<40 {
            let allowed = patterns.shuffled(using: &random).prefix(2).map { "\"\($0)\"" }.joined(separator: ", ")
            let denied = patterns.randomElement(using: &random)!
            var compiler = ResourceRulesCompiler(labels: LabelRegistry())
            let rules = compiler.compile(
                try Self.snapshot([
                    Self.allow(allowed),
                    Self.policy("never", "{action: DENY, rules: [{to: [{operation: {paths: [\"\(denied)\"]}}]}]}"),
                ]))
            let judge = judge(rules)
            for _ in 0..<50 {
                let keys = (0..<Int.random(in: 0...3, using: &random)).map { _ in keys.randomElement(using: &random)! }
                let path = Self.path(keys)
                // Whatever a caller writes, this is what its path becomes, or it becomes another one's.
                var head = MessageHead()
                head.setMethod(KnownMethod.get.name.bytes)
                let isOwn =
                    (try? head.setPath(canonicalizing: Array(path.text.utf8).span)) != nil
                    && head.text(head.path) == path.text && path.isPossible
                let facts = CallFacts(caller: .web, peerAddress: .unspecified)
                let single = isOwn && rules[EchoService.app].program.decide(head, facts).isAllowed
                #expect(judge.allows(.get, path, of: EchoService.app) == single, "\(path.text) \(allowed) \(denied)")
                #expect(isOwn == path.isPossible)
            }
        }
    }

    // MARK: Rules that change

    private static func rules(_ compiler: inout ResourceRulesCompiler, _ paths: String) throws -> ResourceRules {
        compiler.compile(try snapshot([allow(paths)]))
    }

    private final class Changing: Sendable {
        let service = EchoService()
        let host: ServiceHost
        let rules: RulesInForce
        let open: ResourceRules
        let closed: ResourceRules

        init() throws {
            var compiler = ResourceRulesCompiler(labels: LabelRegistry())
            open = try ResourceRulesTests.rules(&compiler, "\"/values/{**}\"")
            closed = try ResourceRulesTests.rules(&compiler, "\"/values/b\"")
            rules = RulesInForce(open)
            host = ServiceHost(service, name: "echo", threadCount: 1)
        }

        deinit { host.executor.stop() }

        func started(_ path: String) -> InMemoryCaller {
            let caller = InMemoryCaller(.get, path, of: host, rules: rules)
            #expect(caller.relay.start())
            return caller
        }
    }

    @Test func `an answer that was judged by rules that are gone is not told`() async throws {
        let world = try Changing()
        let caller = world.started("/v1/values/a")
        await Poll.until { caller.tellings == 1 }
        world.rules.adopt(world.closed)
        let answer = await caller.gather()
        #expect(answer.isOutdated && answer.status == 0 && answer.body.isEmpty)
        #expect(await world.started("/v1/values/a").gather().status == 403)
        #expect(await world.started("/v1/values/b").gather().text == "b")
    }

    @Test func `an answer stays good where the rules that it was judged by stay`() async throws {
        let world = try Changing()
        let caller = world.started("/v1/values/a")
        let plain = world.started("/v1/plain")
        await Poll.until { caller.tellings == 1 && plain.tellings == 1 }
        world.rules.adopt(world.open)
        #expect(await caller.gather().text == "a")
        world.rules.adopt(world.closed)
        #expect(await plain.gather().status == 200)
    }

    @Test func `a watch is told that its rules are gone, and nothing of what they allowed comes any more`() async throws
    {
        let world = try Changing()
        let watch = world.started("/v1/watch/a")
        _ = await watch.gather { $0.text == "first;" }
        watch.relay.judgeAgain()
        world.service.push()
        _ = await watch.gather { $0.text == "1;" }
        #expect(world.service.notes == [])
        world.rules.adopt(world.closed)
        watch.relay.judgeAgain()
        let rest = await watch.gather()
        #expect(rest.isEnded && rest.body.isEmpty && world.service.notes == ["rules"])
    }

    @Test func `who asks rules that went before he was known to ask is told all the same`() async throws {
        let world = try Changing()
        let caller = world.started("/v1/never")
        await Poll.until { world.service.notes == ["whole"] }
        let judge = caller.relay.judge()
        world.rules.adopt(world.closed)
        caller.relay.judgeAgain()
        #expect(judge.allows(.get, Self.path(["a"]), of: EchoService.app))
        await Poll.until { world.service.notes.count > 1 }
        #expect(world.service.notes == ["whole", "rules"])
        caller.relay.leave()
    }

    @Test func `a verdict names the rule that decides, and the policies that only look`() throws {
        var compiler = ResourceRulesCompiler(labels: LabelRegistry())
        let rules = compiler.compile(
            try Self.snapshot([
                Self.allow("\"/values/{**}\""),
                Self.policy("soon", "{action: DENY, mode: Shadow, rules: [{to: [{operation: {paths: [/values/a]}}]}]}"),
            ]))
        let verdict = judge(rules).verdict(.get, Self.path(["a"]), of: EchoService.app)
        let program = verdict.program.program
        #expect(verdict.isAllowed && program.policies[Int(verdict.decision.rule!.policy)].name.name == "reads")
        #expect(verdict.observed.map(\.verdict) == [.wouldDeny])
        #expect(judge(rules).verdict(.get, Self.path(["b"]), of: EchoService.app).observed.isEmpty)
    }
}
