import Diagnostics
import Manifests
import MeshFixtures
import MeshSnapshot
import TestSupport
import Testing

@testable import Authorization

/// Policies for Configs beside those for Services.
@Suite struct ConfigPolicyTests {
    private static let configs = [
        manifest("ConfigSource", "base", "{type: Inline, data: {a: 1}}"),
        manifest("Config", "app", "{sources: [base]}"),
        manifest("Config", "other", "{sources: [base]}"),
        manifest(
            "Workload", "web", "{serviceAccount: web, outbound: {listen: '127.0.0.1:1'}, selectors: [{exec: {}}]}"),
    ]
    private static let services = [
        manifest("Service", "orders", "{endpoints: [{address: '192.0.2.1:80'}]}"),
        manifest("Service", "bytes", "{protocol: TCP, endpoints: [{address: '192.0.2.1:81'}]}"),
    ]

    private func policy(
        _ name: String, _ action: String = "ALLOW", of targets: String = "targetRefs: [{kind: Config, name: app}],",
        from: String = "serviceAccounts: [shop/web]", paths: String = "/values/a"
    ) -> String {
        manifest(
            "AuthorizationPolicy", name,
            "{action: \(action), \(targets) rules: [{from: [{source: {\(from)}}], to: [{operation: {paths: ['\(paths)']}}]}]}"
        )
    }

    private func lint(
        _ policies: String..., services: [String] = [], defaultAction: String = "Deny"
    ) throws -> [String] {
        let mesh = manifest("Mesh", "mesh", "{authorization: {defaultAction: \(defaultAction)}}")
        let snapshot = try MeshSnapshot((Self.configs + services + [mesh] + policies).joined(separator: "\n---\n"))
        return PolicyLint.check(snapshot).filter { $0.code != .noReader }.map(\.code.rawValue)
    }

    private func unread(_ policies: String...) throws -> [String] {
        let snapshot = try MeshSnapshot((Self.configs + policies).joined(separator: "\n---\n"))
        return PolicyLint.check(snapshot).filter { $0.code == .noReader }.map(\.found)
    }

    @Test func `a config that no enforced ALLOW names is told of`() throws {
        let (app, other) = ("Config \"app\", which nobody may read", "Config \"other\", which nobody may read")
        #expect(try unread(policy("p")) == [other])
        #expect(try unread(policy("p"), policy("q", of: "targetRefs: [{kind: Config, name: other}],")) == [])
        #expect(try unread(policy("p", "DENY")) == [app, other])
        #expect(try unread(policy("p", of: "")) == [app, other])
        #expect(try unread(policy("p", of: "mode: Shadow, targetRefs: [{kind: Config, name: app}],")) == [app, other])
    }

    /// A list of Services that is empty once meant all of the namespace.
    @Test(arguments: ["ALLOW", "DENY", "AUDIT"])
    func `no policy for a Config is asked about calls to Services`(action: String) throws {
        let snapshot = try MeshSnapshot(
            (Self.configs + Self.services + [policy("p", action)]).joined(separator: "\n---\n"))
        for service in snapshot.services.names { #expect(snapshot.policies(for: service).isEmpty) }
        #expect(snapshot.policies.count == 1)
    }

    @Test func `what lets somebody read is nothing to warn of, with Services or without`() throws {
        #expect(try lint(policy("p")) == [])
        #expect(try lint(policy("p"), services: Self.services) == [])
        #expect(try lint(policy("p", paths: "/values/{**}")) == [], "each value is asked for by itself")
    }

    @Test func `an ALLOW that asks nothing of the caller is told of`() throws {
        #expect(
            try lint(policy("p", from: "notNamespaces: [ops]")) == [
                "policy.allow-for-everyone", "policy.unknown-caller",
            ])
    }

    @Test func `a DENY takes something away only from what an ALLOW gave`() throws {
        let deny = policy("deny", "DENY", paths: "/values/b")
        for action in ["Deny", "Allow"] {
            #expect(try lint(deny, defaultAction: action) == ["policy.lone-deny"])
            #expect(try lint(deny, policy("p"), defaultAction: action) == [])
            let other = policy("p", of: "targetRefs: [{kind: Config, name: other}],")
            #expect(try lint(deny, other, defaultAction: action) == ["policy.lone-deny"])
            let service = policy("p", of: "targetRefs: [{kind: Service, name: orders}],")
            #expect(try lint(deny, service, services: Self.services, defaultAction: action) == ["policy.lone-deny"])
            // One for all of the namespace lets nobody in to a Config.
            let all = policy("p", of: "")
            #expect(
                try lint(deny, all, services: [Self.services[0]], defaultAction: action) == ["policy.lone-deny"])
        }
    }

    @Test func `an ALLOW for a Config gives a DENY for its namespace something to take away`() throws {
        let deny = policy("deny", "DENY", of: "", paths: "/values/b")
        #expect(try lint(deny, policy("p")) == [])
        #expect(try lint(deny) == ["policy.lone-deny"])
    }

    @Test func `an ALLOW for a namespace that has Configs alone is for nothing`() throws {
        #expect(try lint(policy("p", of: "")) == ["policy.no-target"])
    }

    @Test func `a rule is covered by those of the same Config alone`() throws {
        #expect(try lint(policy("p"), policy("q")) == ["policy.redundant-rule"])
        #expect(try lint(policy("p"), policy("q", of: "targetRefs: [{kind: Config, name: other}],")) == [])
        let sameName = manifest("Service", "app", "{endpoints: [{address: '192.0.2.1:80'}]}")
        let service = policy("q", of: "targetRefs: [{kind: Service, name: app}],")
        #expect(try lint(policy("p"), service, services: [sameName]) == [])
        #expect(try lint(policy("p"), policy("q", of: ""), services: [sameName]) == [])
    }

    @Test func `a policy that targets a TCP Service is about connections, and one for a Config is not`() throws {
        #expect(try lint(policy("p"), services: [Self.services[1]]) == [])
        #expect(try lint(policy("p", "AUDIT"), services: [Self.services[1]]) == [])
    }
}
