import Telemetry
import TestSupport
import Testing

@testable import Forwarding

/// What is counted of connections.
struct TCPListenerTests {
    private static func manifests(port: UInt16, backend: UInt16, route: String) -> String {
        """
        \(manifest("Service", "ledger", "{protocol: TCP}"))
        ---
        \(manifest("Workload", "ledger-1", "{service: ledger, address: \"127.0.0.1:\(backend)\"}"))
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1, namespace: shop}
        spec: {serviceAccount: web, outbound: {tcp: [{service: ledger, listen: "127.0.0.1:\(port)"}]}}
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: all, namespace: shop}
        spec: {targetRefs: [{kind: Service, name: ledger}], action: ALLOW, rules: [{}]}
        \(route)
        """
    }

    private static let route = """
        ---
        apiVersion: heddle/v1
        kind: TCPRoute
        metadata: {name: books, namespace: shop}
        spec: {parentRefs: [{kind: Service, name: ledger}], rules: [{backendRefs: [{name: ledger}]}]}
        """

    @Test(arguments: [(route, "TCPRoute/shop/books/0"), ("", "")])
    func `a connection counts for the route that took it`(route: String, label: String) async throws {
        let backend = TestBackend { connection, _ in connection.send(connection.receive()) }
        let port = TestPort.free()
        let mesh = try await TestMesh(Self.manifests(port: port, backend: backend.port, route: route))
        do {
            let connection = try RawConnection(port: port)
            connection.send("hello")
            #expect(connection.receive(count: 5).count == 5)
        }
        try await SlowPeerTests.settles(mesh) { $0.accepted == 1 && $0.open == 0 }
        let routes = await mesh.dataPlane.report().metrics.series.map { mesh.dataPlane.labels.name(of: $0.key.route) }
        #expect(routes == [label])
        await mesh.stop()
    }
}
