import Diagnostics
import EventLoops
import Glibc
import Manifests
import MeshFixtures
import MeshSnapshot
import TestSupport
import Testing

@testable import Forwarding

/// What the suite is run against: an outbound listener of Heddle's, or any HTTP/2 server with prior knowledge that
/// `HEDDLE_HTTP2_TARGET` names as `ADDRESS:PORT` (IPv4). Such a server must answer `GET /` with 200 and 64 bytes or more,
/// and `GET /large` with 1 MiB.
struct TestedServer: Sendable {
    /// The server that answers in the end.
    enum Origin: String, CaseIterable, Sendable {
        case http1, http2
        /// `HEDDLE_HTTP2_TARGET` itself.
        case itself

        static let tested: [Origin] = TestedServer.other == nil ? [.http1, .http2] : [.itself]
    }

    let address: String
    let port: UInt16

    static let other: TestedServer? = {
        guard let value = unsafe getenv("HEDDLE_HTTP2_TARGET") else { return nil }
        let parts = unsafe String(cString: value).split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
        return TestedServer(address: String(parts[0]), port: port)
    }()

    @TaskLocal fileprivate static var servers: [Origin: TestedServer] = [:]

    static func of(_ origin: Origin) throws -> TestedServer { try #require(servers[origin]) }

    func connect() throws -> RawConnection {
        guard address != "127.0.0.1" else { return try RawConnection(port: port) }
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var socketAddress = sockaddr_in()
        socketAddress.sin_family = sa_family_t(AF_INET)
        socketAddress.sin_port = port.bigEndian
        socketAddress.sin_addr.s_addr = unsafe inet_addr(address)
        let result = unsafe withUnsafePointer(to: &socketAddress) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let connection = RawConnection(descriptor: descriptor)
        try #require(result == 0, "nobody listens at \(address):\(port)")
        return connection
    }

    /// A connection whose prefaces are exchanged.
    func probe(_ settings: [Setting] = []) throws -> HTTP2Probe {
        let probe = HTTP2Probe(try connect(), role: .client)
        try #require(probe.shakeHands(settings), "no handshake; \(probe.story)")
        return probe
    }
}

/// Starts what is tested before the first test of a suite, and stops it after the last.
struct TestedServerTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        if let other = TestedServer.other {
            return try await TestedServer.$servers.withValue([.itself: other], operation: function)
        }
        let origins = (http1: OriginServer.http1(), http2: OriginServer.http2())
        let ports = (http1: TestPort.free(), http2: TestPort.free())
        let mesh = try await TestedMesh(
            [
                TestedMesh.proxy,
                TestedMesh.shop("one", protocol: "HTTP", orders: origins.http1.port, outbound: ports.http1),
                TestedMesh.shop("two", protocol: "HTTP2", orders: origins.http2.port, outbound: ports.http2),
            ].joined(separator: "\n---\n"))
        try await TestedServer.$servers.withValue([
            .http1: TestedServer(address: "127.0.0.1", port: ports.http1),
            .http2: TestedServer(address: "127.0.0.1", port: ports.http2),
        ]) {
            do { try await function() } catch {
                await mesh.stop()
                throw error
            }
        }
        await mesh.stop()
        for origin in [origins.http1, origins.http2] {
            let forbidden = origin.requests.filter { $0.contains(OriginServer.forbidden) }
            #expect(forbidden.isEmpty, "requests that are none reached a workload")
        }
    }
}

extension SuiteTrait where Self == TestedServerTrait {
    static var testedServer: Self { TestedServerTrait() }
}

/// A data plane in the test's process.
final class TestedMesh: Sendable {
    private let dataPlane: DataPlane

    init(_ manifests: String) async throws {
        let snapshot = try MeshSnapshot(manifests)
        dataPlane = try DataPlane(
            workerCount: 1, connectionLimit: 1000, descriptorLimit: 1 << 20,
            accessLog: LineSink(descriptor: 2, byteLimit: 1 << 20, name: "access-log"),
            events: EventSink { _ in }, peerTermLimits: PeerTerm.Limits())
        var problems: [Diagnostic] = []
        let plan = ServingPlan(snapshot, node: nil, generation: 1, resolve: { _ in [] }, problems: &problems)
        guard problems.isEmpty else { throw BadManifests(problems) }
        let prepared = dataPlane.prepare(plan, tls: TLSMaterial())
        guard prepared.problems.isEmpty else { throw BadManifests(prepared.problems) }
        await dataPlane.commit(prepared)
    }

    func stop(deadline: Duration = .milliseconds(50)) async { await dataPlane.drain(deadline: deadline) }

    static let proxy = """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec: {proxy: {accessLog: None}}
        """

    /// A namespace whose `web` calls its `orders` from a listener of its own.
    static func shop(_ namespace: String, protocol name: String, orders: UInt16, outbound: UInt16) -> String {
        """
        \(manifest("Service", "orders", in: "\(namespace)", "{protocol: \(name)}"))
        ---
        \(manifest("Service", "web", in: "\(namespace)", "{protocol: HTTP}"))
        ---
        \(manifest("Workload", "orders-1", in: "\(namespace)", "{service: orders, address: \"127.0.0.1:\(orders)\"}"))
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1, namespace: \(namespace)}
        spec: {service: web, address: "127.0.0.1:1", outbound: {listen: "127.0.0.1:\(outbound)"}}
        ---
        \(manifest("AuthorizationPolicy", "all", in: "\(namespace)", "{action: ALLOW, rules: [{}]}"))
        """
    }
}
