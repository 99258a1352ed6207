import Manifests
import MeshFixtures
import MeshSnapshot
import TestSupport
import Testing

@testable import ConfigDelivery

/// Where a Config is made: where somebody may be told of it.
struct LocalReadersTests {
    private func isRead(on node: String?, by source: String, when: String = "", action: String = "ALLOW") throws -> Bool
    {
        let mesh = manifest(
            "Mesh", "mesh", "{identity: {authority: {type: Files, certificateFile: /root.pem, keyFile: /root.key}}}")
        let nodes =
            [mesh]
            + ["a", "b"].map { name in
                manifest("Node", name, "{address: \"192.0.2.\(name == "a" ? 1 : 2):15008\"}")
            }
        let workloads = ["web": "a", "ops": "b"].map { account, node in
            manifest(
                "Workload", account,
                "{node: \(node), serviceAccount: \(account), outbound: {listen: \"127.0.0.1:1540\(node == "a" ? 1 : 2)\"}}"
            )
        }
        let policy = manifest(
            "AuthorizationPolicy", "reads",
            "{targetRefs: [{kind: Config, name: app}], action: \(action), rules: [{from: [{source: {\(source)}}]\(when)}]}"
        )
        let text = (nodes + workloads + [ConfigWorld.source("base"), ConfigWorld.config(), policy])
            .joined(separator: "\n---\n")
        let snapshot = try MeshSnapshot(text, node: node)
        return LocalReaders(snapshot).areThere(for: ResourceName(namespace: "shop", name: "app"))
    }

    @Test(arguments: [
        ("serviceAccounts: [shop/web]", true, false), ("serviceAccounts: [shop/ops]", false, true),
        ("namespaces: [shop]", true, true), ("namespaces: [other]", false, false),
        ("notServiceAccounts: [shop/web]", false, true), ("principals: [\"*/sa/ops\"]", false, true),
    ])
    func `it is made on the nodes whose workloads a rule could let in`(source: String, a: Bool, b: Bool) throws {
        #expect(try isRead(on: "a", by: source) == a)
        #expect(try isRead(on: "b", by: source) == b)
    }

    @Test func `what else rules ask for may be so, and keeps nobody out`() throws {
        let when = ", when: [{key: source.ip, values: [\"192.0.2.9\"]}]"
        #expect(try isRead(on: "a", by: "serviceAccounts: [shop/web]", when: when))
        let who = ", when: [{key: source.principal, values: [\"*/sa/ops\"]}]"
        #expect(try !isRead(on: "a", by: "namespaces: [shop]", when: who))
    }

    @Test(arguments: ["DENY", "AUDIT"])
    func `what lets nobody in makes no reader`(action: String) throws {
        #expect(try !isRead(on: "a", by: "serviceAccounts: [shop/web]", action: action))
    }
}
