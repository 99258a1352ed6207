import EventLoops
import TestSupport

@testable import Forwarding

/// A workload with listeners of its own, for HTTP and for TCP, whose callers must be what its selectors say.
final class AttestedWorld: Sendable {
    let backend: TestBackend
    let ledger = TestBackend { connection, _ in
        while !connection.isEnded { connection.send(connection.receive()) }
    }
    let port = TestPort.free()
    let tcp = TestPort.free()
    let mesh: TestMesh
    private let rules: String

    /// - Parameters:
    ///   - selectors: `nil`: none, and whoever reaches it is the workload.
    ///   - backend: What answers for `orders`.
    ///   - rules: And whatever else there is.
    init(
        _ selectors: String?, _ sink: EventSink = EventSink { _ in }, backend: TestBackend = .echo(),
        accessLog: LineSink? = nil, rules: String = Shop.allowAll
    ) async throws {
        self.backend = backend
        self.rules = rules
        let manifests = Self.manifests(
            selectors, outbound: port, orders: backend.port, ledger: ledger.port, tcp: tcp, rules)
        mesh = try await TestMesh(manifests, accessLog: accessLog, events: sink)
    }

    /// From the next generation on.
    func serve(_ selectors: String?) async throws {
        try await mesh.serve(
            Self.manifests(selectors, outbound: port, orders: backend.port, ledger: ledger.port, tcp: tcp, rules))
    }

    func call(_ connection: RawConnection) -> Response {
        connection.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        return connection.response()
    }

    private static func manifests(
        _ selectors: String?, outbound: UInt16, orders: UInt16, ledger: UInt16, tcp: UInt16, _ rules: String
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
          \(selectors.map { "selectors: \($0)" } ?? "")
          outbound: {listen: "127.0.0.1:\(outbound)", tcp: [{service: ledger, listen: "127.0.0.1:\(tcp)"}]}
        ---
        \(rules)
        """
    }
}

extension TestBackend {
    /// Begins an answer, and does not end it.
    static func beginning() -> TestBackend {
        TestBackend { connection, _ in
            _ = connection.receive()
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegin")
            _ = connection.receive()
        }
    }
}
