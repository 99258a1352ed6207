import Glibc
import TestSupport

@testable import Forwarding

extension Shop {
    /// Settings of the proxy, as the value of `Mesh.spec.proxy`.
    static func proxy(_ settings: String) -> String {
        """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec: {proxy: {accessLog: None, \(settings)}}
        """
    }

    /// A route for calls to orders.
    static func route(_ rules: String) -> String {
        """
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: orders, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules: [\(rules)]
        """
    }

    /// Another service of the namespace with workloads at `ports`.
    static func service(_ name: String, at ports: [UInt16]) -> String {
        let service = manifest("Service", name, "{protocol: HTTP}")
        return ([service] + ports.map { workload("\(name)-\($0)", of: name, at: $0) }).joined(separator: "\n---\n")
    }

    /// Another service of the namespace with one workload.
    static func service(_ name: String, speaking protocolName: String, at port: UInt16) -> String {
        """
        \(manifest("Service", name, "{protocol: \(protocolName)}"))
        ---
        \(workload("\(name)-1", of: name, at: port))
        """
    }

    static func workload(_ name: String, of service: String, at port: UInt16) -> String {
        manifest("Workload", name, "{service: \(service), address: \"127.0.0.1:\(port)\"}")
    }

    /// Serves the shop while `body` runs: `port` is where web calls from.
    static func serve(
        _ backend: TestBackend, more: [String] = [proxy("")], rule: String = allowAll,
        _ body: (_ port: UInt16, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        let port = TestPort.free()
        let mesh = try await TestMesh(
            manifests(outbound: port, orders: backend.port, more: more.joined(separator: "\n---\n"), rule: rule))
        do { try await body(port, mesh) } catch {
            await mesh.stop()
            throw error
        }
        await mesh.stop()
    }
}

extension RawConnection {
    /// Sends a request and reads its answer.
    func call(_ request: String) -> Response {
        send(request)
        return response()
    }

    static func call(port: UInt16, _ request: String) throws -> Response { try RawConnection(port: port).call(request) }

    /// The end of the stream comes next: `nil` if bytes or nothing come, `false` if it is a reset.
    func endsCleanly() -> Bool? {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, 0)
        if count == 0 { return true }
        return count < 0 && errno == ECONNRESET ? false : nil
    }

    /// Everything up to the end of the stream, and whether that was a clean one.
    func receiveToEnd() -> (text: String, isClean: Bool) {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress!, $0.count, 0) }
            guard count > 0 else { return (String(decoding: all, as: UTF8.self), count == 0) }
            all += buffer[..<count]
        }
    }
}
