import Diagnostics
import Manifests
import Testing

@testable import Authorization

@Suite struct PolicyLintTests {
    private let web = source { $0.serviceAccounts = accounts(["shop/web"]) }
    private let get = operation { $0.methods = strings(["GET"]) }

    private func lint(
        _ policies: AuthorizationPolicy..., otherwise defaultAction: DefaultAction = .deny
    ) -> [Diagnostic] {
        PolicyLint.check(
            policies: policies, services: [ResourceName(namespace: "shop", name: "orders")],
            defaultAction: defaultAction)
    }

    @Test func `a sound policy gives no warning`() {
        let admin = operation { $0.paths = paths(["/admin*"]) }
        #expect(lint(policy(.allow, rule(from: [web], to: [get])), policy(.deny, rule(to: [admin]))).isEmpty)
    }

    @Test func `a DENY with paths and no ALLOW beside it probably meant notPaths`() {
        let admin = operation { $0.paths = paths(["/admin*"]) }
        let found = lint(policy(.deny, rule(to: [admin])))
        #expect(found.map(\.code) == [.loneDeny])
        #expect(found.first?.severity == .warning)
        #expect(found.first?.position.line == 20)
        #expect(found.first?.remedy.contains("add an ALLOW policy") == true)
        #expect(lint(policy(.deny, rule(to: [admin])), otherwise: .allow).isEmpty)
    }

    /// A rule that matches nothing becomes one for many if what stood in the way is taken out.
    @Test func `no remedy is to take out what keeps a rule from matching`() {
        let contradictions = [
            source { $0.requestPrincipals = strings(["*"]) },
            source { $0.namespaces = ValueMatch(values: strings(["a"]).values, notValues: strings(["a"]).values) },
            source {
                $0.serviceAccounts = accounts(["shop/web"])
                $0.namespaces = strings(["other"])
            },
        ]
        for action in [PolicyAction.allow, .deny] {
            for contradiction in contradictions {
                let found = lint(policy(action, rule(from: [contradiction])), otherwise: .allow)
                #expect(found.contains { $0.code == .neverMatches })
                #expect(!found.contains { $0.remedy.contains("remove") }, "\(found.map(\.remedy))")
            }
        }
        #expect(!lint(policy(.allow)).contains { $0.remedy.contains("{}") })
    }

    @Test func `an ALLOW for another service leaves a DENY alone`() {
        let found = lint(policy(.deny, rule(from: [web])), policy(.allow, rule(from: [web]), targets: ["carts"]))
        #expect(found.map(\.code) == [.loneDeny])
        #expect(lint(policy(.deny, rule(from: [web])), policy(.allow, rule(from: [web]), targets: [])).isEmpty)
    }

    @Test func `an ALLOW in Shadow lets nobody in, so that a DENY beside it takes nothing away`() {
        let shadow = policy(.allow, rule(from: [web]), mode: .shadow)
        let found = lint(policy(.deny, rule(from: [web], to: [get])), shadow)
        #expect(found.map(\.code) == [.loneDeny])
        #expect(found.first?.found == "a DENY policy, and no ALLOW policy beside it is enforced")
        // Enforced together they are sound.
        #expect(lint(policy(.deny, rule(from: [web], to: [get]), mode: .shadow), shadow).isEmpty)
        let allow = policy(.allow, rule(from: [web]))
        #expect(lint(policy(.deny, rule(from: [web], to: [get]), mode: .shadow), allow).isEmpty)
        #expect(lint(policy(.deny, rule(from: [web], to: [get]), mode: .shadow)).map(\.code) == [.loneDeny])
    }

    @Test func `AUDIT takes nothing away and lets nobody in`() {
        #expect(lint(policy(.audit, rule())).isEmpty)
        let deny = policy(.deny, rule(from: [web]))
        #expect(lint(deny, policy(.audit, rule(from: [web]))).map(\.code) == [.loneDeny])
        // What nobody can match is told of as of any other.
        #expect(lint(policy(.audit)).map(\.code) == [.neverMatches])
    }

    @Test func `what an AUDIT or a policy in Shadow asks of a TCP service is told of`() {
        let ledger = ResourceName(namespace: "shop", name: "ledger")
        func codes(_ policies: AuthorizationPolicy...) -> [String] {
            PolicyLint.check(policies: policies, services: [ledger], tcpServices: [ledger], defaultAction: .allow)
                .map { "\($0.code.rawValue): \($0.found)" }
        }
        let wanted = "policy.http-on-tcp: methods in"
        #expect(
            codes(policy(.audit, rule(to: [get]), targets: ["ledger"])) == [
                "\(wanted) an AUDIT rule for TCP Service \"ledger\""
            ])
        #expect(
            codes(policy(.deny, rule(to: [get]), targets: ["ledger"], mode: .shadow)) == [
                "\(wanted) a DENY rule for TCP Service \"ledger\""
            ])
        // An ALLOW of the whole namespace, where nothing that is enforced opens the service.
        let namespace = policy(.allow, rule(from: [web], to: [get]), targets: [])
        let opener = policy(.allow, rule(from: [web]), targets: ["ledger"], mode: .shadow)
        #expect(codes(namespace, opener) == ["\(wanted) an ALLOW rule for TCP Service \"ledger\""])
        var shadow = namespace
        shadow.mode = .shadow
        #expect(codes(shadow, opener).isEmpty)
    }

    @Test func `an ALLOW with notPaths lets in what it does not list`() {
        let found = lint(policy(.allow, rule(from: [web], to: [operation { $0.paths = paths(not: ["/admin"]) }])))
        #expect(found.map(\.code) == [.allowWithNotPaths])
        #expect(found.first?.position.line == 20)
    }

    @Test(arguments: [
        source { $0.namespaces = strings(["shop", "ops"], not: ["ops", "shop"]) },
        source { $0.principals = strings(["mesh.local/*"], not: ["*"]) },
        source { $0.requestPrincipals = strings(["issuer/user"]) },
        source {
            $0.serviceAccounts = accounts(["shop/web"])
            $0.namespaces = strings(["ops", "dev*"])
        },
        source {
            $0.serviceAccounts = accounts(["shop/web"])
            $0.namespaces = strings(not: ["sh*"])
        },
    ])
    func `a rule whose only source contradicts itself never matches`(item: PolicySource) {
        #expect(lint(policy(.allow, rule(from: [item]))).map(\.code) == [.neverMatches])
        #expect(lint(policy(.allow, rule(from: [item, web]))).isEmpty)
    }

    @Test func `an operation or a condition that contradicts itself never matches`() {
        let item = operation { $0.methods = strings(["GET"], not: ["GET"]) }
        #expect(lint(policy(.allow, rule(from: [web], to: [item]))).map(\.code) == [.neverMatches])
        let condition = header("x-tenant", ["a"], not: ["a"])
        #expect(lint(policy(.allow, rule(from: [web], when: [condition]))).map(\.code) == [.neverMatches])
    }

    @Test func `a policy without rules never matches`() {
        #expect(lint(policy(.allow)).map(\.code) == [.neverMatches])
    }

    @Test func `a rule that another says as well, or says of more, is redundant`() {
        let narrow = rule(from: [web], to: [get], line: 11)
        let same = rule(from: [web], to: [get], line: 12)
        let wide = rule(from: [web], line: 13)
        #expect(lint(policy(.allow, narrow, same)).map(\.position.line) == [12])
        #expect(lint(policy(.allow, narrow, wide)).map(\.position.line) == [11])
        #expect(lint(policy(.allow, narrow), policy(.deny, same)).isEmpty)
        let found = lint(policy(.allow, narrow), policy(.allow, wide, targets: []))
        #expect(found.map(\.code) == [.redundantRule])
        #expect(found.first?.found.contains("shop.yaml:13:1") == true)
    }

    @Test func `a rule is not redundant while one of its services needs it`() {
        let both = policy(.allow, rule(from: [web], to: [get], line: 11), targets: ["orders", "carts"])
        #expect(lint(both, policy(.allow, rule(from: [web], line: 12), targets: ["orders"])).isEmpty)
    }

    @Test func `the order of values and where they stand make no difference`() {
        let one = rule(
            from: [source { $0.namespaces = strings(["a", "b"]) }], when: [header("x", ["1", "2"])], line: 11)
        var other = rule(from: [source { $0.namespaces = strings(["b", "a"]) }], line: 12)
        other.when = [PolicyCondition(key: .requestHeader("x"), position: place(99), strings: strings(["2", "1"]))]
        #expect(lint(policy(.allow, one, other)).map(\.position.line) == [12])
    }

    @Test(arguments: [
        ["/admin/{**}"], ["/admin/{**}", "/admin/"], ["/{*}/admin/{**}", "/x/admin"], ["/a/{*}/{**}", "/a/b*"],
    ])
    func `an ALLOW that leaves out what stands before its {**} is named`(patterns: [String]) {
        let found = lint(policy(.allow, rule(from: [web], to: [operation { $0.paths = paths(patterns) }])))
        #expect(found.map(\.code) == [.allowBelowOnly])
        #expect(found.first?.position == place(20))
    }

    @Test(arguments: [
        ["/admin/{**}", "/admin"], ["/admin/{**}", "/adm*"], ["/admin/{**}", "*"], ["/{**}"], ["/admin/*"],
        ["/a/{*}/{**}", "/a/{*}"], ["/a/{*}/{**}", "/a/*"],
    ])
    func `an ALLOW that says what it means of the path before {**} is not`(patterns: [String]) {
        #expect(lint(policy(.allow, rule(from: [web], to: [operation { $0.paths = paths(patterns) }]))).isEmpty)
        let deny = policy(.deny, rule(from: [web], to: [operation { $0.paths = paths(patterns) }]))
        #expect(lint(policy(.allow, rule(from: [web])), deny).isEmpty)
    }

    @Test func `a policy for a namespace without services targets nothing`() {
        var stray = policy(.allow, rule(from: [web]), targets: [])
        stray.metadata.name = ResourceName(namespace: "ship", name: "stray")
        #expect(lint(stray).map(\.code) == [.noTarget])
    }

    @Test func `an ALLOW that asks nothing of the caller is for everyone`() {
        #expect(lint(policy(.allow, rule())).map(\.code) == [.allowForEveryone])
        #expect(lint(policy(.allow, rule(to: [get]))).map(\.code) == [.allowForEveryone])
        let notOps = source { $0.namespaces = strings(not: ["ops"]) }
        #expect(lint(policy(.allow, rule(from: [notOps]))).map(\.code) == [.allowForEveryone])
        #expect(lint(policy(.allow, rule(from: [source { $0.principals = strings(["*"]) }]))).isEmpty)
        let local = PolicyCondition(key: .sourceIP, position: place(), blocks: blocks(["127.0.0.0/8"]))
        #expect(lint(policy(.allow, rule(when: [local]))).isEmpty)
    }
}

/// policy.md, "TCP": what the lint says of it.
@Suite struct HTTPOnTCPTests {
    private let web = source { $0.serviceAccounts = accounts(["shop/web"]) }
    private let admin = operation { $0.paths = paths(["/admin*"]) }
    private let port = operation { $0.ports = ValueMatch(values: located([5432])) }
    private static let names = ["orders", "db"].map { ResourceName(namespace: "shop", name: $0) }

    private func lint(_ policies: AuthorizationPolicy...) -> [Diagnostic] {
        PolicyLint.check(
            policies: policies, services: Self.names, tcpServices: [Self.names[1]], defaultAction: .allow
        ).filter { $0.code == .httpOnTCP }
    }

    @Test(arguments: [["db"], ["orders", "db"], []])
    func `a DENY that needs HTTP matches every connection to a TCP service`(targets: [String]) {
        let found = lint(policy(.deny, rule(from: [web], to: [admin]), targets: targets))
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.position.line == 20)
        #expect(found.first?.found == "paths in a DENY rule for TCP Service \"db\"")
    }

    @Test func `one item that needs HTTP is enough for a DENY`() {
        #expect(lint(policy(.deny, rule(to: [port, admin]), targets: ["db"])).count == 1)
        #expect(lint(policy(.deny, rule(when: [header("x", ["a"])]), targets: ["db"])).count == 1)
        let token = source { $0.requestPrincipals = strings(["a"]) }
        #expect(lint(policy(.deny, rule(from: [web, token]), targets: ["db"])).count == 1)
    }

    @Test func `an ALLOW that needs HTTP lets no connection in`() {
        let found = lint(policy(.allow, rule(from: [web], to: [admin]), targets: ["db"]))
        #expect(found.map(\.found) == ["paths in an ALLOW rule for TCP Service \"db\""])
        #expect(lint(policy(.allow, rule(when: [header("x", ["a"])]), targets: ["db"])).count == 1)
    }

    @Test(arguments: [["orders", "db"], []])
    func `an ALLOW that needs HTTP, for TCP services among others, lets no connection in to those`(targets: [String]) {
        let found = lint(policy(.allow, rule(from: [web], to: [admin]), targets: targets))
        #expect(found.map(\.found) == ["paths in an ALLOW rule for TCP Service \"db\""])
    }

    @Test(arguments: [["db"], []])
    func `an ALLOW for a namespace is not blamed for a TCP service that another rule opens`(targets: [String]) {
        let reads = policy(.allow, rule(from: [web], to: [admin]), targets: [])
        #expect(lint(reads, policy(.allow, rule(from: [web], to: [port]), targets: targets)).isEmpty)
        #expect(lint(reads, policy(.deny, rule(from: [web], to: [port]), targets: targets)).count == 1)
    }

    @Test func `what may mean something gives no warning`() {
        #expect(lint(policy(.allow, rule(from: [web], to: [port, admin]), targets: ["db"])).isEmpty)
        #expect(lint(policy(.deny, rule(from: [web], to: [port]), targets: ["db"])).isEmpty)
        #expect(lint(policy(.deny, rule(from: [web], to: [admin]), targets: ["orders"])).isEmpty)
    }
}
