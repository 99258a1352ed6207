import EventLoops
import TestSupport

@testable import Forwarding

/// A workload with listeners of its own, for HTTP and for TCP, whose callers must be what its selectors say.
final class AttestedWorld: Sendable {
    let backend = TestBackend.echo()
    let ledger = TestBackend { connection, _ in
        while !connection.isEnded { connection.send(connection.receive()) }
    }
    let port = TestPort.free()
    let tcp = TestPort.free()
    let mesh: TestMesh

    init(
        _ selectors: String, _ sink: EventSink = EventSink { _ in }, accessLog: LineSink? = nil
    ) async throws {
        mesh = try await TestMesh(
            Self.manifests(selectors, outbound: port, orders: backend.port, ledger: ledger.port, tcp: tcp),
            accessLog: accessLog, events: sink)
    }

    /// From the next generation on.
    func serve(_ selectors: String) async throws {
        try await mesh.serve(manifests(selectors))
    }

    func manifests(_ selectors: String) -> String {
        Self.manifests(selectors, outbound: port, orders: backend.port, ledger: ledger.port, tcp: tcp)
    }

    func call(_ connection: RawConnection) -> Response {
        connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        return connection.response()
    }

    static func manifests(
        _ selectors: String, outbound: UInt16, orders: UInt16, ledger: UInt16 = 1, tcp: UInt16 = 2
    ) -> String {
        """
        \(manifest("Service", "orders", "{protocol: HTTP}"))
        ---
        \(manifest("Service", "ledger", "{protocol: TCP}"))
        ---
        \(manifest("Workload", "orders-1", "{service: orders, address: \"127.0.0.1:\(orders)\"}"))
        ---
        \(manifest("Workload", "ledger-1", "{service: ledger, address: \"127.0.0.1:\(ledger)\"}"))
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1, namespace: shop}
        spec:
          serviceAccount: web
          selectors: \(selectors)
          outbound: {listen: "127.0.0.1:\(outbound)", tcp: [{service: ledger, listen: "127.0.0.1:\(tcp)"}]}
        ---
        \(Shop.allowAll)
        """
    }
}
