import Diagnostics
import HTTPSemantics
import Manifests
import Testing

@testable import Authorization

private let everything = rule()
private let fromWeb = source { $0.serviceAccounts = accounts(["shop/web"]) }
private let fromCart = source { $0.serviceAccounts = accounts(["shop/cart"]) }

/// policy.md, "Order".
@Suite struct OrderTests {
    @Test func `without policies the default action decides, and no rule is named`() {
        #expect(AuthorizationProgram([]).decide(SampleCall()) == Decision(isAllowed: false, by: nil))
        #expect(AuthorizationProgram([], otherwise: .allow).allows(SampleCall()))
    }

    @Test func `a DENY that matches denies, whatever allows`() {
        let program = AuthorizationProgram([policy(.allow, everything), policy(.deny, everything)], otherwise: .allow)
        #expect(program.decide(SampleCall()) == Decision(isAllowed: false, by: Decision.Rule(policy: 1, index: 0)))
    }

    @Test func `an ALLOW that matches allows`() {
        let program = AuthorizationProgram([policy(.deny, rule(from: [fromCart])), policy(.allow, everything)])
        #expect(program.decide(SampleCall()) == Decision(isAllowed: true, by: Decision.Rule(policy: 1, index: 0)))
    }

    @Test func `of several rules that match, the first is named`() {
        let program = AuthorizationProgram([
            policy(.allow, rule(from: [fromCart]), rule(from: [fromWeb]), everything), policy(.allow, everything),
        ])
        #expect(program.decide(SampleCall()) == Decision(isAllowed: true, by: Decision.Rule(policy: 0, index: 1)))
    }

    @Test func `an ALLOW that does not match leaves the default action`() {
        let policies = [policy(.allow, rule(from: [fromCart]))]
        #expect(!AuthorizationProgram(policies).allows(SampleCall()))
        #expect(AuthorizationProgram(policies, otherwise: .allow).allows(SampleCall()))
    }

    @Test func `Consul CVE-2021-36213: a lone DENY for some paths does not cancel the default deny`() {
        let admin = operation { $0.paths = paths(["/admin*"]) }
        let program = AuthorizationProgram([policy(.deny, rule(to: [admin]))])
        #expect(!program.allows(SampleCall(path: "/admin")))
        #expect(program.decide(SampleCall(path: "/orders")) == Decision(isAllowed: false, by: nil))
    }
}

/// policy.md, "Matching": how rules are put together.
@Suite struct RuleTests {
    @Test func `no rules match nothing, one empty rule matches everything`() {
        #expect(!AuthorizationProgram([policy(.allow)]).allows(SampleCall()))
        #expect(AuthorizationProgram([policy(.deny)], otherwise: .allow).allows(SampleCall()))
        #expect(AuthorizationProgram([policy(.allow, everything)]).allows(SampleCall(caller: nil)))
    }

    @Test func `rules are ORed`() {
        let program = AuthorizationProgram([policy(.allow, rule(from: [fromCart]), rule(from: [fromWeb]))])
        #expect(program.allows(SampleCall()))
    }

    @Test func `from, to and when are ANDed`() {
        let get = operation { $0.methods = strings(["GET"]) }
        let program = AuthorizationProgram([
            policy(.allow, rule(from: [fromWeb], to: [get], when: [header("x-tenant", ["a"])]))
        ])
        let call = SampleCall(headers: [["x-tenant", "a"]])
        #expect(program.allows(call))
        #expect(!program.allows(SampleCall(method: "POST", headers: call.headers)))
        #expect(!program.allows(SampleCall(headers: call.headers, caller: "spiffe://mesh.local/ns/shop/sa/cart")))
        #expect(!program.allows(SampleCall()))
    }

    @Test func `items of a list are ORed, fields of an item are ANDed, values of a field are ORed`() {
        let one = operation {
            $0.methods = strings(["GET", "HEAD"])
            $0.paths = paths(["/a", "/b"])
        }
        let other = operation { $0.methods = strings(["POST"]) }
        let program = AuthorizationProgram([policy(.allow, rule(from: [fromCart, fromWeb], to: [one, other]))])
        #expect(program.allows(SampleCall(method: "HEAD", path: "/b")))
        #expect(program.allows(SampleCall(method: "POST", path: "/c")))
        #expect(!program.allows(SampleCall(method: "GET", path: "/c")))
    }

    @Test func `conditions are ANDed`() {
        let program = AuthorizationProgram([
            policy(.allow, rule(when: [header("x-tenant", ["a"]), header("x-role", ["b"])]))
        ])
        #expect(program.allows(SampleCall(headers: [["x-role", "b"], ["x-tenant", "a"]])))
        #expect(!program.allows(SampleCall(headers: [["x-tenant", "a"]])))
    }

    @Test func `fields with not negate, and both forms of a field are ANDed`() {
        let operation = operation { $0.paths = paths(["/orders/*"], not: ["/orders/1"]) }
        let program = AuthorizationProgram([policy(.allow, rule(to: [operation]))])
        #expect(program.allows(SampleCall(path: "/orders/2")))
        #expect(!program.allows(SampleCall(path: "/orders/1")))
        #expect(!program.allows(SampleCall(path: "/carts/2")))
    }

    @Test func `what is absent is in no list: a field with values fails, its negation holds`() {
        let nobody = SampleCall(caller: nil, peerAddress: nil, destinationAddress: nil, destinationPort: 0)
        let wanting: [PolicySource] = [
            source { $0.principals = strings(["*"]) }, source { $0.namespaces = strings(["*"]) },
            source { $0.serviceAccounts = accounts(["shop/web"]) }, source { $0.trustDomains = strings(["*"]) },
            source { $0.requestPrincipals = strings(["*"]) }, source { $0.ipBlocks = blocks(["0.0.0.0/0"]) },
            source { $0.remoteIpBlocks = blocks(["0.0.0.0/0"]) },
        ]
        let negating: [PolicySource] = [
            source { $0.principals = strings(not: ["*"]) }, source { $0.namespaces = strings(not: ["*"]) },
            source { $0.serviceAccounts = accounts(not: ["shop/web"]) },
            source { $0.trustDomains = strings(not: ["*"]) },
            source { $0.requestPrincipals = strings(not: ["*"]) }, source { $0.ipBlocks = blocks(not: ["0.0.0.0/0"]) },
            source { $0.remoteIpBlocks = blocks(not: ["0.0.0.0/0"]) },
        ]
        for action in [PolicyAction.allow, .deny] {
            for item in wanting {
                let program = AuthorizationProgram([policy(action, rule(from: [item]))])
                #expect(program.decide(nobody).rule == nil)
            }
            for item in negating {
                let program = AuthorizationProgram([policy(action, rule(from: [item]))])
                #expect(program.decide(nobody).rule?.policy == 0)
            }
        }
    }
}

/// policy.md, "Matching": `from.source`.
@Suite struct SourceTests {
    private func allows(_ call: SampleCall, _ set: (inout PolicySource) -> Void) -> Bool {
        AuthorizationProgram([policy(.allow, rule(from: [source(set)]))]).allows(call)
    }

    @Test(arguments: [
        "spiffe://mesh.local/ns/shop/sa/web", "mesh.local/ns/shop/sa/web", "mesh.local/ns/shop/*",
        "spiffe://mesh.local/*",
        "spiffe://*", "*/sa/web", "*",
    ])
    func `a principal is a SPIFFE ID, with its scheme or as Istio writes it`(pattern: String) {
        #expect(allows(SampleCall()) { $0.principals = strings([pattern]) })
        #expect(!allows(SampleCall(caller: nil)) { $0.principals = strings([pattern]) })
    }

    @Test(arguments: [
        "mesh.local/ns/shop/sa/we", "ns/shop/sa/web", "mesh.local", "spiffe://mesh.local/ns/ops/*", "*/sa/we",
    ])
    func `a principal is the whole ID or a marked part of it`(pattern: String) {
        #expect(!allows(SampleCall()) { $0.principals = strings([pattern]) })
    }

    @Test func `a prefix that could be the scheme's denies more and allows less`() {
        let anyone = source { $0.principals = strings(["s*"]) }
        #expect(!AuthorizationProgram([policy(.allow, rule(from: [anyone]))]).allows(SampleCall()))
        #expect(!AuthorizationProgram([policy(.deny, rule(from: [anyone]))], otherwise: .allow).allows(SampleCall()))
    }

    @Test func `CVE-2026-39350: identities are data, whatever their bytes would mean in a pattern`() {
        let dotted = SampleCall(caller: "spiffe://mesh.local/ns/shop/sa/w.b")
        #expect(!allows(SampleCall()) { $0.principals = strings(["mesh.local/ns/shop/sa/w.b"]) })
        #expect(!allows(SampleCall()) { $0.serviceAccounts = accounts(["shop/w.b"]) })
        #expect(allows(dotted) { $0.serviceAccounts = accounts(["shop/w.b"]) })
        #expect(!allows(dotted) { $0.serviceAccounts = accounts(["shop/web"]) })
    }

    @Test func `a service account is literal, and a path of another form has none`() {
        #expect(allows(SampleCall()) { $0.serviceAccounts = accounts(["shop/web"]) })
        #expect(!allows(SampleCall()) { $0.serviceAccounts = accounts(["ops/web"]) })
        let machine = SampleCall(caller: "spiffe://mesh.local/vm/shop/sa/web")
        #expect(!allows(machine) { $0.serviceAccounts = accounts(["shop/web"]) })
        #expect(!allows(machine) { $0.namespaces = strings(["*"]) })
    }

    @Test func `namespaces and trust domains are string patterns`() {
        #expect(allows(SampleCall()) { $0.namespaces = strings(["sh*"]) })
        #expect(!allows(SampleCall()) { $0.namespaces = strings(["ops"]) })
        #expect(allows(SampleCall()) { $0.trustDomains = strings(["*.local"]) })
        #expect(!allows(SampleCall()) { $0.trustDomains = strings(["mesh"]) })
    }

    @Test func `no request principal exists yet, so that none is in a list`() {
        #expect(!allows(SampleCall()) { $0.requestPrincipals = strings(["*"]) })
        #expect(allows(SampleCall()) { $0.requestPrincipals = strings(not: ["*"]) })
    }

    @Test func `a client whose address cannot be read matches a DENY that asks for it, and no ALLOW`() {
        let call = SampleCall(remoteAddress: [10, 0, 0, 7], isRemoteAddressUnreadable: true)
        for match in [blocks(["0.0.0.0/0"]), blocks(["203.0.113.0/24"]), blocks(not: ["203.0.113.0/24"])] {
            #expect(!allows(call) { $0.remoteIpBlocks = match })
            let deny = policy(.deny, rule(from: [source { $0.remoteIpBlocks = match }]))
            #expect(!AuthorizationProgram([deny], otherwise: .allow).allows(call))
        }
        #expect(allows(call) { $0.ipBlocks = blocks(["10.0.0.0/8"]) })
    }

    @Test func `ipBlocks are about the peer, remoteIpBlocks about the client`() {
        let call = SampleCall(peerAddress: [10, 0, 0, 7], remoteAddress: [203, 0, 113, 9])
        #expect(allows(call) { $0.ipBlocks = blocks(["192.168.0.0/16", "10.0.0.0/8"]) })
        #expect(!allows(call) { $0.ipBlocks = blocks(["203.0.113.0/24"]) })
        #expect(allows(call) { $0.remoteIpBlocks = blocks(["203.0.113.9/32"]) })
        #expect(!allows(call) { $0.remoteIpBlocks = blocks(["10.0.0.0/8"]) })
        #expect(allows(SampleCall()) { $0.remoteIpBlocks = blocks(["10.0.0.0/8"]) })
        #expect(!allows(call) { $0.ipBlocks = blocks(["10.0.0.0/8"], not: ["10.0.0.7/32"]) })
    }
}

/// policy.md, "Matching": `to.operation`.
@Suite struct OperationTests {
    private func allows(_ call: SampleCall, _ set: (inout PolicyOperation) -> Void) -> Bool {
        AuthorizationProgram([policy(.allow, rule(to: [operation(set)]))]).allows(call)
    }

    @Test(arguments: [
        ("/orders", "/orders", true), ("/orders", "/orders/", false), ("/orders/*", "/orders/1/2", true),
        ("/orders/*", "/orders", false), ("*.js", "/a/b.js", true), ("*", "/", true),
        ("/orders/{*}", "/orders/1", true), ("/orders/{*}", "/orders/1/2", false), ("/orders/{*}", "/orders/", false),
        ("/orders/{*}", "/orders", false), ("/orders/{**}", "/orders/", true),
        ("/orders/{**}", "/orders/1/2", true), ("/orders/{**}", "/ordersx", false),
        ("/{*}/items/{**}", "/orders/items/", true), ("/{*}/items/{**}", "/items/orders", false),
        ("/{**}", "/", true), ("/{**}", "*", false), ("/orders/{*}", "/orders/a%2Fb", true),
        ("/orders/a/b", "/orders/a%2Fb", false), ("/orders/a%2Fb", "/orders/a%2Fb", true),
    ])
    func `a path is matched whole, by segments where it is a template`(pattern: String, path: String, isMatch: Bool) {
        #expect(allows(SampleCall(path: path)) { $0.paths = paths([pattern]) } == isMatch)
        #expect(allows(SampleCall(path: path)) { $0.paths = paths(not: [pattern]) } == !isMatch)
    }

    @Test(arguments: [("/admin/{**}", "/admin"), ("/{*}/items/{**}", "/orders/items"), ("/a/{*}/{**}", "/a/b")])
    func `the path before {**} is let in by no ALLOW and past no DENY`(pattern: String, path: String) {
        for call in [SampleCall(path: path), SampleCall(path: path + "/")] {
            #expect(!allows(call) { $0.paths = paths(not: [pattern]) })
            let deny = policy(.deny, rule(to: [operation { $0.paths = paths([pattern]) }]))
            #expect(!AuthorizationProgram([deny], otherwise: .allow).allows(call))
        }
        #expect(!allows(SampleCall(path: path)) { $0.paths = paths([pattern]) })
        #expect(allows(SampleCall(path: path + "/")) { $0.paths = paths([pattern]) })
        let others = policy(.deny, rule(to: [operation { $0.paths = paths(not: [pattern]) }]))
        #expect(!AuthorizationProgram([others], otherwise: .allow).allows(SampleCall(path: path)))
        #expect(AuthorizationProgram([others], otherwise: .allow).allows(SampleCall(path: path + "/x")))
    }

    @Test func `methods are case-sensitive patterns`() {
        #expect(allows(SampleCall()) { $0.methods = strings(["GET"]) })
        #expect(!allows(SampleCall(method: "get")) { $0.methods = strings(["GET"]) })
        #expect(allows(SampleCall(method: "PATCH")) { $0.methods = strings(["P*"]) })
        #expect(allows(SampleCall(method: "PURGE")) { $0.methods = strings(["PURGE"]) })
        #expect(!allows(SampleCall(method: "PURGE")) { $0.methods = strings(["GET", "POST"]) })
    }

    @Test func `Istio CVE-2021-39155: a host pattern is compared in canonical form, whatever its case`() {
        #expect(allows(SampleCall(host: "orders.shop")) { $0.hosts = strings(["Orders.SHOP"]) })
        #expect(allows(SampleCall(host: "orders.shop")) { $0.hosts = strings(["*.SHOP"]) })
        #expect(!allows(SampleCall(host: "orders.shop")) { $0.hosts = strings(not: ["ORDERS*"]) })
        let authority = AuthorizationProgram(
            [policy(.deny, rule(when: [header("host", ["ORDERS.shop"])]))], otherwise: .allow)
        #expect(!authority.allows(SampleCall(headers: [["host", "oRdErS.shop:80"]])))
    }

    @Test func `ports are the destination's`() {
        #expect(allows(SampleCall()) { $0.ports = ValueMatch(values: located([443, 8080])) })
        #expect(!allows(SampleCall()) { $0.ports = ValueMatch(notValues: located([443, 8080])) })
    }
}

/// policy.md, "Matching": `when`.
@Suite struct ConditionTests {
    private func matches(_ call: SampleCall, _ condition: PolicyCondition, _ action: PolicyAction = .allow) -> Bool {
        AuthorizationProgram([policy(action, rule(when: [condition]))]).decide(call).rule?.policy == 0
    }

    private func condition(_ key: ConditionKey, _ strings: ValueMatch<StringPattern>) -> PolicyCondition {
        PolicyCondition(key: key, position: place(), strings: strings)
    }

    @Test func `a header's value is a pattern, and present means not empty`() {
        let call = SampleCall(headers: [["x-tenant", "acme"]])
        #expect(matches(call, header("x-tenant", ["ac*"])))
        #expect(matches(call, header("x-tenant", ["*"])))
        #expect(!matches(SampleCall(headers: [["x-tenant", ""]]), header("x-tenant", ["*"])))
        #expect(!matches(SampleCall(), header("x-tenant", ["*"])))
        #expect(matches(SampleCall(), header("x-tenant", not: ["acme"])))
    }

    @Test func `Envoy CVE-2026-26308, CVE-2021-32777: DENY if any value of a header matches, ALLOW only if all do`() {
        let mixed = SampleCall(headers: [["x-role", "guest"], ["x-role", "admin"]])
        let uniform = SampleCall(headers: [["x-role", "admin"], ["x-role", "admin"]])
        #expect(matches(mixed, header("x-role", ["admin"]), .deny))
        #expect(!matches(mixed, header("x-role", ["admin"]), .allow))
        #expect(matches(uniform, header("x-role", ["admin"]), .allow))
        #expect(matches(mixed, header("x-role", not: ["admin"]), .deny))
        #expect(!matches(mixed, header("x-role", not: ["admin"]), .allow))
    }

    @Test func `Envoy CVE-2026-26308: values are never joined, and a line is not split at its commas`() {
        let lines = SampleCall(headers: [["x-role", "guest"], ["x-role", "admin"]])
        #expect(!matches(lines, header("x-role", ["guest,admin"]), .deny))
        #expect(!matches(lines, header("x-role", ["guest, admin"]), .deny))
        let list = SampleCall(headers: [["x-role", "guest, admin"]])
        #expect(!matches(list, header("x-role", ["guest"]), .allow))
        #expect(matches(list, header("x-role", ["guest, admin"]), .allow))
    }

    @Test func `source and destination are as the connection has them`() {
        let call = SampleCall(remoteAddress: [203, 0, 113, 9], serverName: "Orders.shop")
        #expect(matches(call, PolicyCondition(key: .sourceIP, position: place(), blocks: blocks(["10.0.0.0/8"]))))
        #expect(matches(call, PolicyCondition(key: .destinationIP, position: place(), blocks: blocks(["127.0.0.0/8"]))))
        #expect(
            matches(
                call,
                PolicyCondition(key: .destinationPort, position: place(), ports: ValueMatch(values: located([8080])))))
        #expect(matches(call, condition(.sourceNamespace, strings(["shop"]))))
        #expect(matches(call, condition(.sourcePrincipal, strings(["mesh.local/ns/shop/sa/web"]))))
        #expect(matches(call, condition(.connectionSNI, strings(["orders.SHOP"]))))
        #expect(!matches(SampleCall(), condition(.connectionSNI, strings(["*"]))))
    }
}

/// policy.md, "TCP".
@Suite struct TCPTests {
    @Test(arguments: [
        operation { $0.paths = paths(["/admin"]) }, operation { $0.paths = paths(not: ["/admin"]) },
        operation { $0.methods = strings(["GET"]) }, operation { $0.hosts = strings(["orders"]) },
    ])
    func `an ALLOW that needs HTTP does not match a TCP connection, a DENY that needs it does`(item: PolicyOperation) {
        let call = SampleCall(callProtocol: .tcp)
        #expect(!AuthorizationProgram([policy(.allow, rule(to: [item]))]).allows(call))
        #expect(!AuthorizationProgram([policy(.deny, rule(to: [item]))], otherwise: .allow).allows(call))
    }

    @Test func `a call of HTTP is denied where a connection is asked for`() {
        let program = AuthorizationProgram([policy(.allow, rule())], otherwise: .allow)
        let call = SampleCall().facts()
        let isAllowed = program.decideConnection(call).isAllowed
        #expect(!isAllowed)
        let connection = SampleCall(callProtocol: .tcp).facts()
        let isConnectionAllowed = program.decideConnection(connection).isAllowed
        #expect(isConnectionAllowed)
    }

    @Test func `the rest of the rule still has to match`() {
        let admin = operation { $0.paths = paths(["/admin"]) }
        let program = AuthorizationProgram(
            [policy(.deny, rule(from: [fromCart], to: [admin])), policy(.allow, rule(from: [fromWeb]))])
        #expect(program.allows(SampleCall(callProtocol: .tcp)))
    }
}

@Suite struct ExplanationTests {
    @Test func `an explanation names each rule's position and what did not fit`() {
        let admin = operation { $0.paths = paths(["/admin*"]) }
        let program = AuthorizationProgram([
            policy(.deny, rule(to: [admin], line: 11), name: "no-admin"),
            policy(
                .allow, rule(from: [fromCart], line: 12),
                rule(from: [fromWeb], when: [header("x-tenant", ["a"])], line: 13),
                rule(from: [fromWeb], line: 14), name: "readers"),
        ])
        let explanation = program.explain(SampleCall())
        #expect(explanation.decision == Decision(isAllowed: true, by: Decision.Rule(policy: 1, index: 2)))
        #expect(explanation.verdicts.map(\.position.line) == [11, 12, 13, 14])
        #expect(
            explanation.verdicts.map(\.mismatch?.field) == [
                "to.operation.paths", "from.source.serviceAccounts", "when.request.headers[x-tenant]", nil,
            ])
        #expect(explanation.verdicts.map(\.policy.name) == ["no-admin", "readers", "readers", "readers"])
    }
}

/// The index: large sets, and what would go wrong if a candidate were missed.
@Suite struct IndexTests {
    @Test func `among 2,000 rules the one that matches is found, and only that`() {
        let rules = (0..<2_000).map { index in
            rule(
                from: [source { $0.serviceAccounts = accounts(["shop/caller-\(index % 50)"]) }],
                to: [operation { $0.paths = paths([index % 3 == 0 ? "/items/\(index)/{**}" : "/items/\(index)"]) }])
        }
        var policy = policy(.allow)
        policy.rules = rules
        let program = AuthorizationProgram([policy])
        for index in stride(from: 0, to: 2_000, by: 37) {
            let call = SampleCall(
                path: "/items/\(index)" + (index % 3 == 0 ? "/" : ""),
                caller: "spiffe://mesh.local/ns/shop/sa/caller-\(index % 50)")
            #expect(
                program.decide(call) == Decision(isAllowed: true, by: Decision.Rule(policy: 0, index: Int32(index))))
            let stranger = SampleCall(
                path: call.path, caller: "spiffe://mesh.local/ns/shop/sa/caller-\((index + 1) % 50)")
            #expect(!program.allows(stranger))
        }
    }

    @Test func `a field with 1,000 values of each kind finds each`() {
        let values = (0..<1_000).flatMap { ["/exact/\($0)", "/prefix-\($0)/*", "*/suffix-\($0)", "/t-\($0)/{*}/x"] }
        let program = AuthorizationProgram([policy(.allow, rule(to: [operation { $0.paths = paths(values) }]))])
        for index in stride(from: 0, to: 1_000, by: 111) {
            for path in ["/exact/\(index)", "/prefix-\(index)/a", "/a/suffix-\(index)", "/t-\(index)/y/x"] {
                #expect(program.allows(SampleCall(path: path)))
            }
            #expect(!program.allows(SampleCall(path: "/exact/\(index)x")))
            #expect(!program.allows(SampleCall(path: "/t-\(index)/x")))
        }
    }

    @Test func `rules that share every value but a header are told apart by it`() {
        var policy = policy(.allow)
        policy.rules = (0..<500).map { rule(from: [fromWeb], when: [header("x-tenant", ["t\($0)"])]) }
        let program = AuthorizationProgram([policy])
        #expect(program.decide(SampleCall(headers: [["x-tenant", "t321"]])).rule?.index == 321)
        #expect(!program.allows(SampleCall(headers: [["x-tenant", "t321"], ["x-tenant", "t322"]])))
    }
}
