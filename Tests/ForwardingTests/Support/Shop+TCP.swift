import TestSupport

@testable import Forwarding

extension Shop {
    /// How the bytes of a plain connection get from one side to the other.
    enum Way: String, CaseIterable, Sendable {
        case copied, insideTheKernel

        /// Of a read, from which on it is left to the kernel.
        fileprivate var bulkByteCount: Int { self == .copied ? .max : 1 }
    }

    /// Serves connections to a workload that speaks bytes while `body` runs.
    /// - Parameter way: `nil`: as outside of tests.
    static func serveTCP(
        _ backend: TestBackend, _ timeouts: String = "", way: Way? = nil,
        _ body: (_ port: UInt16, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        let port = TestPort.free()
        let caller = """
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: books-1, namespace: shop}
            spec: {serviceAccount: web, outbound: {tcp: [{service: ledger, listen: "127.0.0.1:\(port)"}]}}
            """
        let more = [proxy("timeouts: {\(timeouts)}"), service("ledger", speaking: "TCP", at: backend.port), caller]
        try await serve(.echo(), more: more) { _, mesh in
            if let way { await mesh.dataPlane.onEveryWorker { $0.bench.bulkByteCount = way.bulkByteCount } }
            try await body(port, mesh)
        }
    }
}
