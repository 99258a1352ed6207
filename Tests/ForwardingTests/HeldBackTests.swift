import CommonValues
import Diagnostics
import EventLoops
import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// Ports that are taken, and listeners that move over one another.
struct HeldBackTests {
    private static let get = "GET / HTTP/1.1\r\nHost: any\r\n\r\n"

    private static func gateway(_ listeners: String..., at backend: UInt16, rule: String = Shop.allowAll) -> String {
        """
        \(Shop.service("orders", at: [backend]))
        ---
        \(manifest("Gateway", "edge", "{listeners: [\(listeners.joined(separator: ", "))]}"))
        ---
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: edge, namespace: shop}
        spec:
          parentRefs: [{kind: Gateway, name: edge}]
          rules: [{backendRefs: [{name: orders}]}]
        ---
        \(rule)
        """
    }

    private static func listener(_ name: String, _ address: String, _ port: UInt16, _ more: String = "") -> String {
        "{name: \(name), address: \"\(address)\", port: \(port), protocol: HTTP\(more)}"
    }

    /// Connects to an address of this host.
    private static func connect(_ address: String, _ port: UInt16) throws -> RawConnection {
        let socket = try Socket.connecting(to: .ip(IPAddress(address)!, port: port))
        let descriptor = dup(socket.descriptor)
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe Glibc.poll(&poll, 1, 5000)
        let error = socket.connectError()
        _ = fcntl(descriptor, F_SETFL, 0)
        let connection = RawConnection(descriptor: descriptor)
        guard error == 0 else { throw RawConnection.ConnectFailed(errno: error) }
        return connection
    }

    private static func status(_ address: String, _ port: UInt16) throws -> Int {
        try connect(address, port).call(get).status
    }

    @Test func `a port that is taken holds back its listener alone, until it is free`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let stranger = try Socket.bound(to: .ip(IPAddress("127.0.0.1")!, port: 0), sharesPort: false)
        try stranger.listen()
        let taken = stranger.localAddress().port
        let mesh = try await TestMesh(Self.gateway(Self.listener("a", "127.0.0.1", port), at: backend.port))
        let both = Self.gateway(
            Self.listener("a", "127.0.0.1", port), Self.listener("b", "127.0.0.1", taken), at: backend.port,
            rule: ReloadTests.denyAll)
        let prepared = try mesh.prepare(both)
        #expect(prepared.problems.map(\.code) == [.cannotListen])
        await mesh.dataPlane.commit(prepared)
        #expect(try Self.status("127.0.0.1", port) == 403)
        #expect(!mesh.dataPlane.listens(at: .ip(IPAddress("127.0.0.1")!, port: taken)))

        _ = consume stranger
        let again = try mesh.prepare(both)
        #expect(again.problems.isEmpty && again.opensSockets)
        await mesh.dataPlane.commit(again)
        #expect(try Self.status("127.0.0.1", taken) == 403)
        #expect(mesh.dataPlane.listens(at: .ip(IPAddress("127.0.0.1")!, port: taken)))
        await mesh.stop()
    }

    @Test func `a listener that goes is closed although the one that was to follow is held back`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let stranger = try Socket.bound(to: .ip(IPAddress("127.0.0.1")!, port: 0), sharesPort: false)
        try stranger.listen()
        let mesh = try await TestMesh(Self.gateway(Self.listener("a", "127.0.0.1", port), at: backend.port))
        let moved = try mesh.prepare(
            Self.gateway(Self.listener("a", "127.0.0.1", stranger.localAddress().port), at: backend.port))
        #expect(moved.problems.map(\.code) == [.cannotListen])
        await mesh.dataPlane.commit(moved)
        #expect(throws: RawConnection.ConnectFailed.self) { try Self.connect("127.0.0.1", port) }
        await mesh.stop()
    }

    @Test func `a listener without a certificate to show does not listen`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let secure =
            "{name: a, address: 127.0.0.1, port: \(port), protocol: HTTPS, "
            + "tls: {certificateFile: c, keyFile: k}}"
        let mesh = try await TestMesh(Self.gateway(secure, at: backend.port))
        #expect(throws: RawConnection.ConnectFailed.self) { try Self.connect("127.0.0.1", port) }
        let address = NetworkAddress.ip(IPAddress("127.0.0.1")!, port: port)
        let tls = TLSMaterial(gateways: [address: try TestIdentities.shared.get().gateway])
        try await mesh.serve(Self.gateway(secure, at: backend.port), tls: tls)
        _ = try Self.connect("127.0.0.1", port)
        await mesh.stop()
    }

    @Test func `127.0.0.1 becomes 0.0.0.0, and back: its connections live on, and no call is refused`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let narrow = Self.gateway(Self.listener("a", "127.0.0.1", port), at: backend.port)
        let wide = Self.gateway(Self.listener("a", "0.0.0.0", port), at: backend.port)
        let mesh = try await TestMesh(narrow, workers: 2)
        let old = try Self.connect("127.0.0.1", port)
        #expect(old.call(Self.get).status == 200)
        for _ in 0..<5 {
            try await mesh.serve(wide)
            #expect(try Self.status("127.0.0.2", port) == 200)
            #expect(try Self.status("127.0.0.1", port) == 200)
            #expect(old.call(Self.get).status == 200)
            try await mesh.serve(narrow)
            #expect(try Self.status("127.0.0.1", port) == 200)
            #expect(throws: RawConnection.ConnectFailed.self) { try Self.connect("127.0.0.2", port) }
            #expect(old.call(Self.get).status == 200)
        }
        await mesh.stop()
    }

    @Test func `a widened listener is judged by its own routes and rules`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Self.gateway(Self.listener("a", "127.0.0.1", port), at: backend.port))
        let old = try Self.connect("127.0.0.1", port)
        #expect(old.call(Self.get).status == 200)
        try await mesh.serve(
            Self.gateway(Self.listener("a", "0.0.0.0", port), at: backend.port, rule: ReloadTests.denyAll))
        #expect(old.call(Self.get).status == 403)
        #expect(try Self.status("127.0.0.1", port) == 403)
        await mesh.stop()
    }

    @Test func `another process that takes all addresses stands in the way, with SO_REUSEPORT too`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Self.gateway(Self.listener("a", "127.0.0.1", port), at: backend.port))
        let stranger = try Socket.bound(to: .ip(IPAddress("0.0.0.0")!, port: port), sharesPort: true)
        try stranger.listen()
        let wide = try mesh.prepare(Self.gateway(Self.listener("a", "0.0.0.0", port), at: backend.port))
        #expect(wide.problems.map(\.code) == [.cannotListen])
        await mesh.stop()
    }

    // MARK: IPv6

    private static let hasIPv6 = {
        guard let socket = try? Socket.bound(to: .ip(IPAddress("::1")!, port: 0), sharesPort: false) else {
            return false
        }
        return (try? socket.listen()) != nil
    }()

    @Test(.enabled(if: hasIPv6)) func `all of IPv6 takes calls of IPv4 too, unless it is for IPv6 only`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Self.gateway(Self.listener("a", "::", port), at: backend.port))
        #expect(try Self.status("::1", port) == 200)
        let four = try Self.connect("127.0.0.1", port)
        #expect(four.call(Self.get).status == 200)
        try await mesh.serve(Self.gateway(Self.listener("a", "::", port, ", ipv6Only: true"), at: backend.port))
        #expect(try Self.status("::1", port) == 200)
        #expect(throws: RawConnection.ConnectFailed.self) { try Self.connect("127.0.0.1", port) }
        #expect(four.endsCleanly() == true, "what the listener takes no more has ended")
        try await mesh.serve(Self.gateway(Self.listener("a", "::", port), at: backend.port))
        #expect(try Self.status("127.0.0.1", port) == 200)
        await mesh.stop()
    }

    @Test(.enabled(if: hasIPv6)) func `listeners on all of IPv6 and on all of IPv4 share a port`() async throws {
        let (six, four) = (TestBackend.fixed(Self.answer("six")), TestBackend.fixed(Self.answer("four")))
        let port = TestPort.free()
        func manifests(_ listeners: String...) -> String {
            let routes = [("six", six.port), ("four", four.port)].map { name, backend in
                """
                \(Shop.service(name, at: [backend]))
                ---
                apiVersion: heddle/v1
                kind: HTTPRoute
                metadata: {name: \(name), namespace: shop}
                spec:
                  parentRefs: [{kind: Gateway, name: edge, sectionName: \(name)}]
                  rules: [{backendRefs: [{name: \(name)}]}]
                """
            }
            return """
                \(manifest("Gateway", "edge", "{listeners: [\(listeners.joined(separator: ", "))]}"))
                ---
                \(routes.prefix(listeners.count).joined(separator: "\n---\n"))
                ---
                \(Shop.allowAll)
                """
        }
        let all = Self.listener("six", "::", port)
        let mesh = try await TestMesh(manifests(all))
        for _ in 0..<3 {
            #expect(try Self.connect("127.0.0.1", port).call(Self.get).body == "six")
            try await mesh.serve(manifests(all, Self.listener("four", "0.0.0.0", port)))
            #expect(try Self.connect("127.0.0.1", port).call(Self.get).body == "four")
            #expect(try Self.connect("::1", port).call(Self.get).body == "six")
            try await mesh.serve(manifests(all))
        }
        await mesh.stop()
    }

    private static func answer(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}
