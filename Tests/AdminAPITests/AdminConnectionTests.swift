import CommonValues
import EventLoops
import Reconciliation
import Synchronization
import SystemInterfaces
import Testing

@testable import AdminAPI

/// What is no good request, and what is too much.
struct AdminConnectionTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func raw(
        _ bytes: String, mesh: FakeMesh? = nil, limits: AdminLimits = AdminLimits(), pieceByteCount: Int = .max
    ) async throws -> String {
        try await serving(mesh ?? FakeMesh(), in: folder, limits: limits) { [folder] _ in
            try rawExchange(folder.socketPath, bytes, pieceByteCount: pieceByteCount)
        }
    }

    private static let applyHead = "POST /v1/apply HTTP/1.1\r\nHost: a\r\nContent-Type: application/yaml\r\n"

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET / HTTP/1.1\nHost: a\n\n", "400"), ("nonsense\r\n\r\n", "400"),
        ("GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"),
        ("POST /v1/apply HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("GET /healthz?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("GET /healthz?a=%ff HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /v1/decisions/%ff HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
    ])
    func `a malformed request is refused`(request: String, status: String) async throws {
        #expect(try await raw(request).hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test func `a head over its limit is refused`() async throws {
        let line = "X-A: \(String(repeating: "a", count: 1000))\r\n"
        let request = "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: line, count: 40) + "\r\n"
        #expect(try await raw(request).hasPrefix("HTTP/1.1 431 "))
    }

    @Test(arguments: [
        ("Content-Length: 11\r\n\r\n12345678901", "413"),
        ("Transfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n", "413"),
        ("Content-Length: 10\r\n\r\n1234567890", "200"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n", "200"),
    ])
    func `a body over its limit is refused, announced or not`(rest: String, status: String) async throws {
        var limits = AdminLimits()
        limits.bodyByteCount = 10
        #expect(try await raw(Self.applyHead + rest, limits: limits).hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test(arguments: ["Content-Length: 11\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"])
    func `who wants text is told in words what is too much, and what to do`(rest: String) async throws {
        var limits = AdminLimits()
        limits.bodyByteCount = 10
        let head = Self.applyHead.replacing("/apply", with: "/apply?dryRun=true&format=text")
        let answer = try await raw(head + rest, limits: limits)
        #expect(
            answer.contains("\r\n\r\nerror: the body is over 10 bytes, the most of one apply: hand in fewer "),
            "\(answer)")
        #expect(answer.contains("heddle-exit-code: 2\r\n"))
    }

    @Test func `a client that waits for 100 gets it`() async throws {
        let answer = try await raw(Self.applyHead + "Content-Length: 1\r\nExpect: 100-continue\r\n\r\nx")
        #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "))
    }

    @Test func `a request that does not come in time is answered with 408`() async throws {
        var limits = AdminLimits()
        limits.transferMilliseconds = 20
        #expect(try await raw("GET / HTTP/1.1\r\n", limits: limits).hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `a body in pieces is put together`() async throws {
        let mesh = try FakeMesh()
        let body = String(repeating: "a: 1\n", count: 100_000)
        let answer = try await raw(
            Self.applyHead + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)", mesh: mesh, pieceByteCount: 4_000)
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(mesh.changes.withLock { $0 }.first?.documents.first?.bytes.count == body.utf8.count)
    }

    @Test func `HEAD is answered without a body`() async throws {
        let answer = try await raw("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(answer.hasSuffix("\r\n\r\n"))
    }

    @Test func `connections come and go`() async throws {
        var limits = AdminLimits()
        limits.connections = 2
        let statuses = try await serving(FakeMesh(), in: folder, limits: limits) { client in
            try (0..<10).map { _ in try client.send("GET", ["healthz"]).status }
        }
        #expect(statuses == Array(repeating: 200, count: 10))
    }

    // MARK: The loopback port

    @Test(arguments: [
        ("GET", "/metrics", "127.0.0.1:9090", "200"), ("GET", "/healthz", "localhost", "200"),
        ("GET", "/readyz", "[::1]", "200"), ("GET", "/v1/status", "localhost", "404"),
        ("GET", "/v1/apply", "localhost", "404"), ("GET", "/metrics", "evil.example", "421"),
        ("POST", "/metrics", "localhost", "405"),
    ])
    func `the loopback port answers metrics and probes, and nothing else`(
        method: String, path: String, host: String, status: String
    ) async throws {
        let server = try AdminServer(mesh: FakeMesh(), socketPath: folder.socketPath)
        let loopback = IPAddress(v4: 0x7F00_0001)
        let prepared = try server.prepareTelemetry(.ip(loopback, port: 0))
        let port = prepared.address.port
        server.commitTelemetry(prepared)
        let answer = try await running(server) {
            try rawExchange(port, "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        }
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
    }

    @Test func `a port that is taken is refused`() throws {
        let server = try AdminServer(mesh: FakeMesh(), socketPath: folder.socketPath)
        let loopback = IPAddress(v4: 0x7F00_0001)
        let taken = try Socket.bound(to: .ip(loopback, port: 0), sharesPort: false)
        try taken.listen()
        let address = taken.localAddress()
        #expect(throws: SystemCallError.self) { try server.prepareTelemetry(address) }
    }
}
