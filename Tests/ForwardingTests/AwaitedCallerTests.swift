import Foundation
import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// Calls that wait until it is known which process makes them, and all that may happen meanwhile.
struct AwaitedCallerTests {
    /// A world whose attestor is held up until it is let go.
    @dynamicMemberLookup
    private final class World: Sendable {
        private let attested: AttestedWorld
        private let attestor: HeldAttestor

        init() async throws {
            attested = try await AttestedWorld(try Self.own)
            attestor = try HeldAttestor(of: attested.mesh)
        }

        subscript<Value>(dynamicMember part: KeyPath<AttestedWorld, Value>) -> Value { attested[keyPath: part] }

        /// This process, by what has to be looked for.
        static var own: String {
            get throws {
                "[{unix: {uid: \(getuid()), path: '\(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))'}}]"
            }
        }

        func letGo() { attestor.letGo() }

        func serve(_ selectors: String) async throws { try await attested.serve(selectors) }

        /// Until its worker has all that was sent, and waits.
        func rest() async { #expect(await attested.mesh.comesToRest()) }

        func stop() async {
            letGo()
            await attested.mesh.stop()
        }
    }

    @Test func `a call waits with its body, and goes on whole`() async throws {
        let world = try await World()
        let client = try RawConnection(port: world.port)
        let body = String(repeating: "a", count: 200_000)
        client.send(
            "POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body.prefix(1_000))")
        await world.rest()
        #expect(world.backend.requests.isEmpty)
        world.letGo()
        client.send(String(body.dropFirst(1_000)))
        #expect(client.response().status == 200)
        #expect(world.backend.requests.count == 1)
        await world.stop()
    }

    @Test func `one whose caller goes away reaches nobody`() async throws {
        let world = try await World()
        do {
            let client = try RawConnection(port: world.port)
            client.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
            await world.rest()
        }
        await world.rest()
        world.letGo()
        // Who comes next is asked for in turn.
        let next = try RawConnection(port: world.port)
        next.send("GET /b HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect(next.response().status == 200)
        #expect(world.backend.requests.map { $0.prefix(6) } == ["GET /b"])
        await world.stop()
    }

    @Test(arguments: [true, false])
    func `the selectors that hold when it is known decide`(stays: Bool) async throws {
        let world = try await World()
        let client = try RawConnection(port: world.port)
        client.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        await world.rest()
        try await world.serve(stays ? "[{unix: {uid: \(getuid())}}]" : "[{unix: {uid: 4000000000}}]")
        world.letGo()
        #expect(client.response().status == (stays ? 200 : 403))
        await world.stop()
    }

    @Test func `streams of one connection wait together, and one that is reset waits no more`() async throws {
        let world = try await World()
        let peer = HTTP2Peer(calling: try RawConnection(port: world.port))
        let head = [(":method", "GET"), (":scheme", "http"), (":authority", "orders")]
        let streams = (0..<3).map { peer.begin(head + [(":path", "/\($0)")], ends: true) }
        await world.rest()
        peer.send(HTTP2Peer.FrameType.reset, stream: streams[1], [0, 0, 0, 8])
        await world.rest()
        world.letGo()
        #expect(peer.answers(on: [streams[0], streams[2]]).map(\.status) == [200, 200])
        #expect(Set(world.backend.requests.map { String($0.prefix(6)) }) == ["GET /0", "GET /2"])
        await world.stop()
    }

    @Test func `a connection of TCP waits with what it has said`() async throws {
        let world = try await World()
        let client = try RawConnection(port: world.tcp)
        client.send("hello")
        await world.rest()
        #expect(world.ledger.connectionCount == 0)
        world.letGo()
        #expect(client.receive(count: 5) == Array("hello".utf8))
        await world.stop()
    }

    /// A call that waits for a node which is away has its plan: it is not made once more, nor sent before it is known who makes it.
    @Test(arguments: [true, false])
    func `a call that waits for its node goes on as it was, once it is known`(isOwn: Bool) async throws {
        let backend = TestBackend.echo()
        let identities = try TestIdentities.shared.get()
        let port = TestPort.free()
        func manifests(_ selectors: String, orders: String) -> String {
            """
            \(TwoNodeMesh.manifests(b: TestPort.free(), proxy: "timeouts: {connect: 30s}"))
            ---
            \(manifest("Service", "orders", "{protocol: HTTP}"))
            ---
            \(manifest("Workload", "orders-1", "{service: orders, \(orders)}"))
            ---
            \(manifest("Workload", "web-1", "{serviceAccount: web, node: a, selectors: \(selectors), outbound: {listen: \"127.0.0.1:\(port)\"}}"))
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: longer, namespace: shop}
            spec:
              parentRefs: [{kind: Service, name: orders}]
              rules:
              - matches: [{path: {type: PathPrefix, value: /}}]
                filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /p}}}]
                backendRefs: [{name: orders}]
            ---
            \(Shop.allowAll)
            """
        }
        let mesh = try await TestMesh(
            manifests("[{unix: {uid: \(getuid())}}]", orders: "node: b, address: \"127.0.0.1:1\""), node: "a",
            tls: identities.material())
        let client = try RawConnection(port: port)
        client.send("GET /x HTTP/1.1\r\nHost: orders\r\n\r\n")
        await Poll.until { await mesh.dataPlane.report().counters.upstreamConnectFailures.values.reduce(0, +) > 0 }
        let selectors = isOwn ? try World.own : "[{unix: {uid: \(getuid()), path: /usr/bin/other}}]"
        try await mesh.serve(
            manifests(selectors, orders: "node: a, address: \"127.0.0.1:\(backend.port)\""), tls: identities.material())
        #expect(client.response().status == (isOwn ? 200 : 403))
        #expect(backend.requests.map { String($0.prefix(9)) } == (isOwn ? ["GET /p/x "] : []))
        await mesh.stop()
    }

    @Test func `who waits while the mesh drains is answered`() async throws {
        let world = try await World()
        let client = try RawConnection(port: world.port)
        client.send("GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        await world.rest()
        let dataPlane = world.mesh.dataPlane
        async let drained: Void = dataPlane.drain(deadline: .seconds(30))
        world.letGo()
        #expect(client.response().status == 200)
        await drained
    }
}
