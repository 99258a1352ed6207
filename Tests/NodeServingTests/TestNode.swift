import Diagnostics
import EventLoops
import Forwarding
import Foundation
import Logging
import MeshFixtures
import MeshSnapshot
import Reconciliation
import SystemInterfaces
import WorkloadIdentity

@testable import NodeServing

/// What serves one host, in a folder of its own.
final class TestNode: Sendable {
    let folder: String
    let participant: ServingParticipant

    init(accounts: AccountTable = AccountTable(lookUp: AccountName.lookUp)) throws {
        folder = NSTemporaryDirectory() + "heddle-node-" + UUID().uuidString
        for name in ["manifests", "state"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        let held = HeldFolder("\(folder)/state")
        try held.hold(OpenFolder(held.path))
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        participant = ServingParticipant(
            node: nil, manifestsFolder: "\(folder)/manifests", issuer: IdentityIssuer(stateFolder: held, logger: log),
            accounts: accounts,
            accessLog: LineSink(descriptor: 2, byteLimit: 1 << 20, name: "access-log"), events: EventSink { _ in },
            log: log)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ name: String, _ bytes: [UInt8]) {
        let isMade = FileManager.default.createFile(
            atPath: "\(folder)/manifests/\(name)", contents: Data(bytes), attributes: [.posixPermissions: 0o600])
        precondition(isMade)
    }

    /// What lies in the state folder.
    var kept: [String] { (try? FileManager.default.subpathsOfDirectory(atPath: "\(folder)/state")) ?? [] }

    func prepare(_ manifests: String) async throws -> any PreparedChange {
        try await participant.prepare(MeshSnapshot(manifests), generation: Generation(number: 1, hash: "a"))
    }

    /// - Returns: What there was to say.
    @discardableResult
    func serve(_ manifests: String) async throws -> [Diagnostic] {
        let change = try await prepare(manifests)
        await change.commit()
        return change.warnings
    }

    func rehearse(_ manifests: String) async throws -> [Diagnostic] {
        try await participant.rehearse(MeshSnapshot(manifests), generation: Generation(number: 1, hash: "a"))
    }
}

/// A Gateway with one listener at each port.
func gateway(_ ports: UInt16..., tls: String? = nil, mesh: String = "{}") -> String {
    let listeners = ports.map { port in
        "{name: p\(port), address: 127.0.0.1, port: \(port), "
            + (tls.map { "protocol: HTTPS, hostname: a.example.com, tls: \($0)}" } ?? "protocol: HTTP}")
    }
    return """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec: \(mesh)
        ---
        apiVersion: heddle/v1
        kind: Gateway
        metadata: {name: edge}
        spec: {listeners: [\(listeners.joined(separator: ", "))]}
        """
}
