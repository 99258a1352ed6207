import Authorization
import Manifests
import MeshFixtures
import MeshSnapshot
import Testing

@testable import CallPlanning

/// Policies are compiled once for all services that have the same, and once for as long as they stay what they are.
@Suite struct ProgramCompilerTests {
    private static func manifests(_ services: Int, path: String = "/x", more: String...) -> String {
        let all = (0..<services).map { number in
            """
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: s\(number), namespace: shop}
            spec: {protocol: \(number == 0 ? "TCP" : "HTTP"), endpoints: [{address: "192.0.2.1:80"}]}
            """
        }
        return (all + [policy("all", path: path)] + more).joined(separator: "\n---\n")
    }

    private static func policy(_ name: String, for services: String..., path: String = "/y") -> String {
        let targets = services.map { "{kind: Service, name: \($0)}" }.joined(separator: ", ")
        return """
            apiVersion: heddle/v1
            kind: AuthorizationPolicy
            metadata: {name: \(name), namespace: shop}
            spec:
              \(services.isEmpty ? "" : "targetRefs: [\(targets)]")
              action: DENY
              rules: [{to: [{operation: {paths: [\(path)]}}]}]
            """
    }

    private static func compile(_ manifests: String, with compiler: inout ProgramCompiler) throws
        -> [AuthorizationProgram]
    {
        let snapshot = try MeshSnapshot(manifests)
        return compiler.compile(snapshot.services.map { ServiceRules($0, in: snapshot) }, in: snapshot, number: 1)
    }

    @Test func `a policy that decides nothing is as old as what it says, wherever it is written`() throws {
        var observed = ObservedSince()
        func number(_ spec: String, after comment: String = "", _ name: String = "p", at number: UInt64) throws
            -> UInt64
        {
            let manifest = """
                \(comment)
                apiVersion: heddle/v1
                kind: AuthorizationPolicy
                metadata: {name: \(name), namespace: shop}
                spec: \(spec)
                """
            observed.take(try MeshSnapshot(manifest).policies, number: number)
            return observed.number(.init(namespace: "shop", name: name))
        }
        let when = "rules: [{when: [{key: source.ip, values: [192.0.2.1/32]}]}]"
        #expect(try number("{action: DENY, mode: Shadow, \(when)}", at: 3) == 3)
        #expect(try number("{action: DENY, mode: Shadow, \(when)}", after: "# moved\n#", at: 4) == 3)
        #expect(try number("{action: DENY, mode: Shadow, rules: [{}]}", at: 5) == 5)
        #expect(try number("{action: AUDIT, rules: [{}]}", at: 6) == 6)
        // While it is enforced it is none of them.
        _ = try number("{action: DENY, rules: [{}]}", at: 7)
        #expect(try number("{action: AUDIT, rules: [{}]}", at: 8) == 8)
    }

    @Test func `services of a namespace share the program of its policies, for each protocol one`() throws {
        var compiler = ProgramCompiler()
        let programs = try Self.compile(Self.manifests(4), with: &compiler)
        #expect(programs.map(\.policies.count) == [1, 1, 1, 1])
        #expect(programs[1] === programs[2] && programs[2] === programs[3])
        #expect(programs[0] !== programs[1] && programs[0].callProtocol == .tcp)
    }

    @Test func `whoever is named has a program of its own, and those that are named together share it`() throws {
        var compiler = ProgramCompiler()
        let manifests = Self.manifests(6, more: Self.policy("some", for: "s2", "s3"), Self.policy("one", for: "s4"))
        let programs = try Self.compile(manifests, with: &compiler)
        #expect(
            programs.map { $0.policies.map(\.name.name) } == [
                ["all"], ["all"], ["all", "some"], ["all", "some"], ["all", "one"], ["all"],
            ])
        #expect(programs[2] === programs[3] && programs[1] === programs[5])
        #expect(Set(programs.map(ObjectIdentifier.init)).count == 4)
    }

    @Test func `what stays as it was is not compiled again, wherever it stands now`() throws {
        var compiler = ProgramCompiler()
        let before = try Self.compile(
            Self.manifests(4, more: Self.policy("some", for: "s2")), with: &compiler)
        // Another policy comes before it by its name, and is for another service.
        let after = try Self.compile(
            Self.manifests(4, more: Self.policy("some", for: "s2"), Self.policy("a", for: "s3")), with: &compiler)
        #expect(after[1] === before[1] && after[2] === before[2])
        #expect(after[3] !== before[3])
        let changed = try Self.compile(
            Self.manifests(4, path: "/z", more: Self.policy("some", for: "s2")), with: &compiler)
        #expect(changed[1] !== after[1] && changed[2] !== after[2])
    }
}
