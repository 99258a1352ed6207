import Diagnostics
import Manifests
import SPIFFE
import Testing

@testable import Authorization

@Suite struct UnknownCallersTests {
    private let get = operation { $0.methods = strings(["GET"]) }

    private func lint(known: [String], _ source: PolicySource, when: [PolicyCondition] = []) throws -> [Diagnostic] {
        let trustDomain = try #require(TrustDomain("mesh.local"))
        return PolicyLint.check(
            policies: [
                policy(.allow, PolicyRule(from: [source], to: [get], when: when, position: Located(0, at: position)))
            ],
            services: [ResourceName(namespace: "shop", name: "orders")], defaultAction: .deny,
            callers: UnknownCallers(
                known: Set(accounts(known).values.map(\.value)), trustDomain: trustDomain)
        ).filter { $0.code == .unknownCaller }
    }

    private let position = SourcePosition(file: "p.yaml", line: 10, column: 1)

    @Test func `an account that no workload has is told with its place, and the likeliest one`() throws {
        let found = try lint(known: ["shop/web"], source { $0.serviceAccounts = accounts(["shop/web", "shop/wbe"]) })
        #expect(found.map(\.code) == [.unknownCaller])
        #expect(found.first?.position.line == 20)
        #expect(found.first?.remedy == "change it to \"shop/web\"")
    }

    @Test(arguments: [
        source { $0.serviceAccounts = accounts(not: ["shop/wbe"]) },
        source { $0.namespaces = strings(["shpo"]) },
        source { $0.principals = strings(["mesh.local/ns/shop/sa/wbe"]) },
    ])
    func `so is every other way to name somebody who is not there`(item: PolicySource) throws {
        #expect(try lint(known: ["shop/web"], item).map(\.code) == [.unknownCaller])
    }

    @Test(arguments: [
        source { $0.namespaces = strings(["sh*", "shop", "*"]) },
        source {
            $0.principals = strings(["mesh.local/ns/shop/sa/web", "mesh.local/*", "spiffe://mesh.local/ns/sh*"])
        },
        source { $0.principals = strings(["*/sa/wbe", "*", "s*", "spiffe:*", "mesh*", "mesh.local/ns/x/sa/*"]) },
    ])
    func `patterns are nobody's mistake`(item: PolicySource) throws {
        #expect(try lint(known: ["shop/web"], item) == [])
    }

    @Test(arguments: [
        ("spiffe://mesh.local/ns/shop/sa/wbe", "change it to \"spiffe://mesh.local/ns/shop/sa/web\""),
        ("mesh.local/ns/shop/sa/wbe", "change it to \"mesh.local/ns/shop/sa/web\""),
        ("mesh.lcoal/ns/shop/sa/wbe", "change it to \"mesh.local/ns/shop/sa/web\""),
        ("mesh.local/ns/shop/sa/gg", "correct it, or add the Workload that has it"),
        ("spiffe://mesh.local/shop/web", "change it to \"spiffe://mesh.local/ns/shop/sa/web\""),
        ("mesh.local/shop/gg", "write it as \"mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
        ("other.example/ns/shop/sa/web", "change it to \"mesh.local/ns/shop/sa/web\""),
        ("spiffe://other.example/ns/shop/sa/wbe", "write it as \"spiffe://mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
        ("spiffe://shop/web", "change it to \"spiffe://mesh.local/ns/shop/sa/web\""),
        ("shop/web", "change it to \"mesh.local/ns/shop/sa/web\""),
        ("Web", "write it as \"mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
    ])
    func `a principal that nobody of this mesh can have is told, and what was probably meant`(
        principal: String, remedy: String
    ) throws {
        for principals in [strings([principal]), strings(not: [principal])] {
            let found = try lint(known: ["shop/web"], source { $0.principals = principals })
            #expect(found.map(\.remedy) == [remedy])
            #expect(found.first?.found.hasPrefix("the principal \"\(principal)\", ") == true)
        }
    }

    @Test(arguments: [
        ("spiffe://other.example/", "write it as \"spiffe://mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
        ("other.example/ns/shop/", "write it as \"mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
        ("other", "write it as \"mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
        ("mesh.local/shop/", "write it as \"mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
        ("mesh.local/ns/shop/sa/web/", "write it as \"mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
        ("spiffe://other.example/shop/", "write it as \"spiffe://mesh.local/ns/NAMESPACE/sa/ACCOUNT\""),
    ])
    func `so are principals by a beginning that nobody's can have`(beginning: String, remedy: String) throws {
        let found = try lint(known: ["shop/web"], source { $0.principals = strings([beginning + "*"]) })
        #expect(found.map(\.remedy) == [remedy])
        #expect(found.first?.found.hasPrefix("the principals \"\(beginning)*\", ") == true)
    }

    @Test func `conditions name callers too`() throws {
        let condition = PolicyCondition(
            key: .sourcePrincipal, position: position, strings: strings(["mesh.local/ns/shop/sa/wbe"]))
        let web = source { $0.serviceAccounts = accounts(["shop/web"]) }
        #expect(try lint(known: ["shop/web"], web, when: [condition]).map(\.code) == [.unknownCaller])
    }

    @Test(arguments: [
        source { $0.serviceAccounts = accounts(.init(repeating: "shop/wbe", count: 60)) },
        source { $0.namespaces = strings(.init(repeating: "shpo", count: 60)) },
        source { $0.principals = strings(.init(repeating: "mesh.local/ns/shop/sa/wbe", count: 60)) },
        source {
            $0.serviceAccounts = accounts(.init(repeating: "shop/wbe", count: 30))
            $0.namespaces = strings(.init(repeating: "shpo", count: 30))
        },
    ])
    func `likely names are looked for 50 times a check`(item: PolicySource) throws {
        let found = try lint(known: ["shop/web"], item)
        #expect(found.count == 60)
        #expect(found.count { $0.remedy.hasPrefix("change it to ") } == 50)
    }

    @Test func `an account that is there under another spelling is named however many were looked for`() throws {
        let found = try lint(
            known: ["shop/web"],
            source {
                $0.serviceAccounts = accounts(.init(repeating: "shop/wbe", count: 50))
                $0.principals = strings(["spiffe://mesh.local/shop/web"])
            })
        #expect(found.contains { $0.remedy == "change it to \"spiffe://mesh.local/ns/shop/sa/web\"" })
    }
}
