import TestSupport
import Testing

@testable import Forwarding

/// One rule, judged for a TCP connection: what it comes to.
struct ConnectionCase: Sendable, CustomTestStringConvertible {
    let source: String
    let rule: String
    let isAllowed: Bool
    /// What answers for the workload's node proves to be another service.
    var isImpersonated = false
    /// What the caller says, before it can know whether it may.
    var bytes = "hello"

    var testDescription: String { source }
}

/// The TCP service `ledger`, as web reaches it: on its own node, or on another.
final class ConnectionWorld: Sendable {
    let backend: TestBackend
    let port: UInt16
    /// Of the caller's node, and of the callee's.
    private let inboundPorts: [UInt16]
    private let nodes: [(mesh: TestMesh, name: String?)]
    private let identities: TestIdentities
    private let isHop: Bool

    /// - Parameter account: As whom the node of `ledger` answers.
    init(isHop: Bool, rule: String, account: String = "orders") async throws {
        self.isHop = isHop
        backend = TestBackend { connection, backend in
            while !connection.isEnded {
                let bytes = connection.receive()
                guard !bytes.isEmpty else { continue }
                backend.note(String(decoding: bytes, as: UTF8.self))
                connection.send(bytes)
            }
        }
        identities = try TestIdentities.shared.get()
        port = TestPort.free()
        inboundPorts = [TestPort.free(), TestPort.free()]
        let manifests = Self.manifests(isHop, rule, port, inboundPorts, backend.port)
        var nodes: [(mesh: TestMesh, name: String?)] = []
        for name in isHop ? ["b", "a"] : [nil] {
            let tls = name == nil ? TLSMaterial() : identities.material(account: account)
            nodes.append((mesh: try await TestMesh(manifests, node: name, tls: tls), name: name))
        }
        self.nodes = nodes
    }

    func swap(rule: String) async throws {
        let manifests = Self.manifests(isHop, rule, port, inboundPorts, backend.port)
        for node in nodes {
            try await node.mesh.serve(manifests, tls: isHop ? identities.material() : TLSMaterial())
        }
    }

    /// How often policies that decide nothing have matched, the callee's node first.
    func observationCounts() async -> [[String: Int]] {
        var counts: [[String: Int]] = []
        for node in nodes { counts.append(await node.mesh.observationCounts()) }
        return counts
    }

    func stop() async { for node in nodes.reversed() { await node.mesh.stop() } }

    private static func manifests(
        _ isHop: Bool, _ rule: String, _ port: UInt16, _ inbound: [UInt16], _ ledger: UInt16
    ) -> String {
        let (a, b) = isHop ? (", node: a", ", node: b") : ("", "")
        let nodes = """
            ---
            apiVersion: heddle/v1
            kind: Node
            metadata: {name: a}
            spec: {address: "127.0.0.1:\(inbound[0])"}
            ---
            apiVersion: heddle/v1
            kind: Node
            metadata: {name: b}
            spec: {address: "127.0.0.1:\(inbound[1])"}
            """
        return """
            \(manifest("Service", "ledger", "{protocol: TCP}"))
            ---
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: ledger-1, namespace: shop}
            spec: {service: ledger, serviceAccount: orders, address: "127.0.0.1:\(ledger)"\(b)}
            ---
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: web-1, namespace: shop}
            spec: {serviceAccount: web, outbound: {tcp: [{service: ledger, listen: "127.0.0.1:\(port)"}]}\(a)}
            ---
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {proxy: {accessLog: None}, identity: {authority: {type: Files, certificateFile: c, keyFile: k}}}
            ---
            \(rule)
            \(isHop ? nodes : "")
            """
    }
}
