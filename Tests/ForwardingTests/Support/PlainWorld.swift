import Telemetry
import TestSupport

@testable import Forwarding

/// A service with a port for plain calls, which its PeerAuthentication opens and closes.
final class PlainWorld: Sendable {
    let backend: TestBackend
    let mesh: TestMesh
    /// For plain calls.
    let plain: UInt16
    /// Of a workload of the mesh.
    let outbound: UInt16
    private let protocolName: String
    private let log: TestLog

    init(
        _ protocolName: String = "HTTP", rule: String = PolicyTable.policy("ALLOW", "{}"), mode: String = "PERMISSIVE",
        backend: TestBackend = .echo()
    ) async throws {
        self.backend = backend
        self.protocolName = protocolName
        (plain, outbound) = (TestPort.free(), TestPort.free())
        log = TestLog()
        mesh = try await TestMesh(
            Self.manifests(protocolName, rule, mode, plain: plain, outbound: outbound, orders: backend.port),
            accessLog: log.sink)
    }

    /// Takes up another mode or rule.
    /// - Parameter mode: Empty: no PeerAuthentication.
    func serve(
        mode: String = "PERMISSIVE", rule: String = PolicyTable.policy("ALLOW", "{}"), more: String = ""
    ) async throws {
        try await mesh.serve(
            Self.manifests(protocolName, rule, mode, plain: plain, outbound: outbound, orders: backend.port) + more)
    }

    func connect() throws -> RawConnection { try RawConnection(port: plain) }

    /// Nothing listens at the port.
    var isClosed: Bool { (try? connect()) == nil }

    func stop() async { await mesh.stop() }

    func lines(_ count: Int = 1) async -> [TestLog.Line] { await log.lines(count) }

    /// How many calls came, by source.
    func plainCalls() async -> [String: UInt64] {
        let callers = await mesh.dataPlane.report().plainCallers
        let orders = callers.byService[mesh.dataPlane.labels.label("shop/orders")]
        return Dictionary(uniqueKeysWithValues: (orders?.sources ?? []).map { ($0.text, $0.calls) })
    }

    private static func manifests(
        _ protocolName: String, _ rule: String, _ mode: String, plain: UInt16, outbound: UInt16, orders: UInt16
    ) -> String {
        let out =
            protocolName == "TCP"
            ? "tcp: [{service: orders, listen: \"127.0.0.1:\(outbound)\"}]" : "listen: \"127.0.0.1:\(outbound)\""
        return [
            manifest("Mesh", "mesh", "{proxy: {accessLog: All}}"),
            manifest("Service", "orders", "{protocol: \(protocolName)}"),
            manifest("Service", "other", "{protocol: \(protocolName == "TCP" ? "TCP" : "HTTP")}"),
            manifest(
                "Workload", "orders-1",
                "{service: orders, address: \"127.0.0.1:\(orders)\", inbound: {plain: \"127.0.0.1:\(plain)\"}}"),
            manifest("Workload", "web-1", "{serviceAccount: web, outbound: {\(out)}}"),
            mode.isEmpty
                ? "# The default."
                : manifest(
                    "PeerAuthentication", "moving",
                    "{targetRefs: [{kind: Service, name: orders}], mtls: {mode: \(mode)}}"),
            rule,
        ].joined(separator: "\n---\n")
    }
}
