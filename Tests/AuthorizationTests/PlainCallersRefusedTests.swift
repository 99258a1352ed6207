import Diagnostics
import Manifests
import MeshSnapshot
import Testing

@testable import Authorization

/// Services that are called in plain, and the rules that let such calls in.
struct PlainCallersRefusedTests {
    private static let services = """
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: a}
        spec: {}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: a-1}
        spec: {service: a, address: "127.0.0.1:8081", inbound: {plain: "0.0.0.0:8080"}}

        """

    private static func peer(_ mode: String) -> String {
        "---\napiVersion: heddle/v1\nkind: PeerAuthentication\nmetadata: {name: p}\nspec: {mtls: {mode: \(mode)}}\n"
    }

    private static func policy(_ rule: String, _ more: String = "action: ALLOW") -> String {
        "---\napiVersion: heddle/v1\nkind: AuthorizationPolicy\nmetadata: {name: r}\nspec: {\(more), rules: [\(rule)]}\n"
    }

    private func warnings(_ manifests: String) throws -> [Diagnostic] {
        let file = ManifestDecoder.decode(Array(manifests.utf8), path: "mesh.yaml")
        let resolution = Resolution([file], node: nil, requiresNode: false)
        let snapshot = try #require(resolution.snapshot, "\(resolution.diagnostics)")
        return PolicyLint.check(snapshot).filter { $0.code == .plainCallersRefused }
    }

    private static let forNobody: [String] = [
        "", policy("{from: [{source: {principals: ['*']}}]}"),
        policy("{from: [{source: {serviceAccounts: [default/b]}}]}"),
        policy("{from: [{source: {ipBlocks: [10.0.0.0/8], namespaces: [b]}}]}"),
        policy("{when: [{key: source.namespace, values: [b]}]}"),
        policy("{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}", "action: ALLOW, mode: Shadow"),
        policy("{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}", "action: DENY"),
    ]

    @Test(arguments: forNobody)
    func `one that lets none of them in is told of where it was opened`(policy: String) throws {
        let found = try warnings(Self.services + Self.peer("PERMISSIVE") + policy)
        #expect(found.count == 1)
        #expect(found.first.map { [$0.position.line, $0.position.column] } == [15, 21])
        #expect(
            found.first?.found == "mode PERMISSIVE, and no rule that lets a caller without identity in to default/a")
    }

    private static let forSome: [String] = [
        policy("{from: [{source: {ipBlocks: [192.0.2.31], notPrincipals: ['*']}}]}"), policy("{}"),
        policy("{to: [{operation: {paths: [/a]}}]}"),
        policy("{from: [{source: {namespaces: [b]}}, {source: {notNamespaces: [b]}}]}"),
        policy("{from: [{source: {remoteIpBlocks: [192.0.2.31]}}]}", "targetRefs: [{kind: Service, name: a}]"),
        "---\napiVersion: heddle/v1\nkind: Mesh\nmetadata: {name: mesh}\nspec: {authorization: {defaultAction: Allow}}\n",
    ]

    @Test(arguments: forSome)
    func `one that lets some of them in is not`(policy: String) throws {
        #expect(try warnings(Self.services + Self.peer("PERMISSIVE") + policy).isEmpty)
    }

    @Test func `nor one that takes none, or has no port`() throws {
        #expect(try warnings(Self.services + Self.peer("STRICT")).isEmpty)
        let portless = Self.services.replacing(", inbound: {plain: \"0.0.0.0:8080\"}", with: "")
        #expect(try warnings(portless + Self.peer("PERMISSIVE")).isEmpty)
    }
}
