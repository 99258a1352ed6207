import Diagnostics
import FuzzKit
import Manifests
import Testing

@testable import Authorization

@Suite struct RedundantRulesTests {
    private let web = source { $0.serviceAccounts = accounts(["shop/web"]) }
    private let get = operation { $0.methods = strings(["GET"]) }

    private func lines(_ policies: [AuthorizationPolicy], looks: Int = RedundantRules.maximumLooks) -> [Int] {
        var found: [Diagnostic] = []
        RedundantRules.check(policies, looks: looks, &found)
        return found.map(\.position.line)
    }

    @Test func `a rule in Shadow and one that is enforced say nothing of each other`() {
        let narrow = rule(from: [web], to: [get], line: 20)
        let wide = rule(from: [web], line: 10)
        #expect(lines([policy(.allow, wide), policy(.allow, narrow)]) == [20])
        #expect(lines([policy(.allow, wide, mode: .shadow), policy(.allow, narrow)]).isEmpty)
        #expect(lines([policy(.allow, wide), policy(.allow, narrow, mode: .shadow)]).isEmpty)
        #expect(lines([policy(.allow, wide, mode: .shadow), policy(.allow, narrow, mode: .shadow)]) == [20])
        // Each counts for itself.
        #expect(lines([policy(.audit, wide), policy(.audit, narrow)]).isEmpty)
    }

    // MARK: Agreement

    /// A rule by what it asks for: names of sources, of operations, and of conditions.
    private struct Model {
        let parts: [Set<String>]
        let line: Int

        /// Asks for less, and for nothing else.
        func isWider(than other: Model) -> Bool {
            parts != other.parts && zip(parts, other.parts).allSatisfy { $0.isEmpty || $0 == $1 }
        }

        /// - Parameter scope: All rules for one service.
        func isCovered(in scope: [Model]) -> Bool {
            let isAmongThem = scope.contains { $0.line == line }
            return scope.contains {
                $0.isWider(than: self) || $0.parts == parts && (isAmongThem ? $0.line < line : true)
            }
        }
    }

    private struct ModelPolicy {
        let action: PolicyAction
        let targets: [String]
        let rules: [Model]

        func isFor(_ service: String?, _ action: PolicyAction) -> Bool {
            self.action == action && (service.map { targets.contains($0) } ?? targets.isEmpty)
        }

        /// As a manifest of it is read: every other rule lists its values the other way round.
        var asRead: AuthorizationPolicy {
            var policy = empty(action, targets)
            policy.rules = rules.map { model in
                func list(_ values: [String]) -> [String] { model.line % 2 == 0 ? values : values.reversed() }
                return rule(
                    from: model.parts[0].map { name in source { $0.namespaces = strings(list([name, "other"])) } },
                    to: model.parts[1].map { name in operation { $0.paths = paths(list(["/\(name)", "/x/{*}"])) } },
                    when: model.parts[2].map { header($0, list(["1", "2"])) }, line: model.line)
            }
            return policy
        }
    }

    private static func redundant(_ policies: [ModelPolicy]) -> [Int] {
        policies.flatMap { policy -> [Int] in
            func scope(_ service: String?) -> [Model] {
                policies.filter { $0.isFor(service, policy.action) }.flatMap(\.rules)
            }
            return policy.rules.filter { rule in
                rule.isCovered(in: scope(nil))
                    || !policy.targets.isEmpty && policy.targets.allSatisfy { rule.isCovered(in: scope($0)) }
            }.map(\.line)
        }
    }

    private static func policies(_ random: inout SplitMix64) -> [ModelPolicy] {
        func choose(_ words: [String], upTo count: Int) -> [String] {
            Array(words.shuffled(using: &random).prefix(Int.random(in: 0...count, using: &random)))
        }
        var line = 10
        return (0..<Int.random(in: 1...5, using: &random)).map { _ in
            let rules = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                line += 1
                return Model(
                    parts: [
                        Set(choose(["a", "b"], upTo: 2)), Set(choose(["c", "d"], upTo: 1)), Set(choose(["e"], upTo: 1)),
                    ], line: line)
            }
            return ModelPolicy(
                action: Int.random(in: 0..<4, using: &random) == 0 ? .deny : .allow,
                targets: choose(["orders", "carts", "users"], upTo: 3), rules: rules)
        }
    }

    @Test func `rules are redundant as a reading service by service says`() {
        var random = SplitMix64(seed: 0x4EDD_1E02)
        var redundant = 0
        var rules = 0
        for _ in 0..<2_000 {
            let models = Self.policies(&random)
            let expected = Self.redundant(models)
            let found = lines(models.map(\.asRead))
            #expect(found == expected, "\(models)")
            redundant += expected.count
            rules += models.reduce(0) { $0 + $1.rules.count }
        }
        #expect(redundant > rules / 10 && redundant < rules * 9 / 10)
    }

    // MARK: What counts as the same

    @Test func `rules that differ in one field are not the same`() {
        let sources: [(inout PolicySource) -> Void] = [
            { $0.principals = strings(["a"]) }, { $0.serviceAccounts = accounts(["a/a"]) },
            { $0.namespaces = strings(["a"]) }, { $0.trustDomains = strings(["a"]) },
            { $0.requestPrincipals = strings(["a"]) }, { $0.ipBlocks = blocks(["10.0.0.0/8"]) },
            { $0.remoteIpBlocks = blocks(["10.0.0.0/8"]) },
            { $0.namespaces = strings(not: ["a"]) }, { $0.namespaces = strings(["a*"]) },
            { $0.namespaces = strings(["*a"]) }, { $0.ipBlocks = blocks(["10.0.0.0/9"]) },
        ]
        let operations: [(inout PolicyOperation) -> Void] = [
            { $0.hosts = strings(["a"]) }, { $0.ports = ValueMatch(values: located([80])) },
            { $0.methods = strings(["a"]) }, { $0.paths = paths(["/a"]) }, { $0.paths = paths(["/a*"]) },
            { $0.paths = paths(["/a/{*}"]) }, { $0.paths = paths(["/a/{**}"]) }, { $0.paths = paths(["/{*}/a"]) },
        ]
        let conditions = [
            header("a", ["a"]), header("b", ["a"]), header("a", not: ["a"]),
            PolicyCondition(key: .sourceNamespace, position: place(), strings: strings(["a"])),
            PolicyCondition(key: .sourceIP, position: place(), blocks: blocks(["10.0.0.0/8"])),
            PolicyCondition(key: .destinationIP, position: place(), blocks: blocks(["10.0.0.0/8"])),
            PolicyCondition(key: .destinationPort, position: place(), ports: ValueMatch(values: located([80]))),
        ]
        var all = empty(.allow, ["orders"])
        all.rules += sources.map { rule(from: [source($0)]) }
        all.rules += operations.map { rule(to: [operation($0)]) }
        all.rules += conditions.map { rule(when: [$0]) }
        #expect(lines([all]).isEmpty)
        // A field that is not among these has to be added to its form, and here.
        #expect(Mirror(reflecting: PolicySource()).children.count == 7)
        #expect(Mirror(reflecting: PolicyOperation()).children.count == 4)
        #expect(Mirror(reflecting: conditions[0]).children.count == 5)
    }

    @Test func `values written twice, and in another order, change nothing`() {
        let one = operation { $0.paths = paths(["/a", "/b/{*}", "/b/{*}", "/c*"], not: ["*.js", "/d"]) }
        let other = operation { $0.paths = paths(["/c*", "/b/{*}", "/a", "/a"], not: ["/d", "*.js"]) }
        #expect(lines([policy(.allow, rule(to: [one], line: 11), rule(to: [other], line: 12))]) == [12])
    }

    // MARK: Bounds

    @Test func `many targets with many rules of their own take no look at each of them`() {
        let targets = (0..<2_000).map { "s\($0)" }
        let items = (0..<2_000).map { number in operation { $0.paths = paths(["/\(number)"]) } }
        var many = empty(.allow, targets)
        many.rules = items.enumerated().map { rule(from: [web], to: [$1], line: 100 + $0) }
        // The same targets in another order.
        var again = empty(.allow, targets.reversed())
        again.rules = [rule(from: [web], to: [items[7]], line: 5_000)]
        let all = policy(.allow, rule(to: [items[9]], line: 6_000), targets: [])
        #expect(lines([many, again, all], looks: 0) == [109, 5_000])
    }

    @Test func `rules for services of several lists of targets are looked up while looks are left`() {
        let both = policy(.allow, rule(from: [web], to: [get], line: 11), targets: ["orders", "carts"])
        let one = policy(.allow, rule(from: [web], line: 12), targets: ["orders"])
        let other = policy(.allow, rule(to: [get], line: 13), targets: ["carts"])
        // Two services, each of two lists.
        #expect(lines([both, one, other], looks: 4) == [11])
        #expect(lines([both, one, other], looks: 3).isEmpty)
        #expect(lines([both, one, other]) == [11])
    }
}

/// Without rules.
private func empty(_ action: PolicyAction, _ targets: [String]) -> AuthorizationPolicy {
    policy(action, targets: targets)
}
