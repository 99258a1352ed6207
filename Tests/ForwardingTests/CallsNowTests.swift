import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// A call is judged by what is served when it goes to its workload, and goes where its service is then, whatever was served when
/// it came (policy.md, "Order").
struct CallsNowTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"
    private static let deny = PolicyTable.policy("DENY", "{to: [{operation: {paths: [/a]}}]}")

    /// The shop as the node `a` has it, where web calls from.
    private struct World {
        let port = TestPort.free()
        let inbound = TestPort.free()
        let identities: TestIdentities
        let mesh: TestMesh

        /// - Parameter rest: Workloads of orders, and policies.
        init(node: UInt16, _ rest: String...) async throws {
            identities = try TestIdentities.shared.get()
            mesh = try await TestMesh(
                Self.manifests(port, inbound, node, rest), node: "a", tls: identities.material())
        }

        func serve(node: UInt16, service: Bool = true, _ rest: String...) async throws {
            try await mesh.serve(
                Self.manifests(port, inbound, node, rest, hasService: service), tls: identities.material())
        }

        private static func manifests(
            _ port: UInt16, _ inbound: UInt16, _ node: UInt16, _ rest: [String], hasService: Bool = true
        ) -> String {
            let service = manifest("Service", "orders", "{}")
            let all = [
                """
                \(TwoNodeMesh.manifests(a: inbound, b: node, proxy: "accessLog: None"))
                ---
                apiVersion: heddle/v1
                kind: Workload
                metadata: {name: web-1, namespace: shop}
                spec: {serviceAccount: web, node: a, outbound: {listen: "127.0.0.1:\(port)"}}
                ---
                \(PolicyTable.policy("ALLOW", "{}"))
                """
            ]
            return (all + (hasService ? [service] : []) + rest).joined(separator: "\n---\n")
        }
    }

    private static func workload(on node: String, at port: UInt16) -> String {
        manifest("Workload", "orders-\(node)", "{service: orders, node: \(node), address: \"127.0.0.1:\(port)\"}")
    }

    /// Takes connections and says nothing, until it is told to cut them.
    private final class Silence: Sendable {
        private let isOver = Mutex(false)
        private let connections = Mutex<[RawConnection]>([])
        let backend = Mutex<TestBackend?>(nil)
        let port = TestPort.free()

        init() {
            let backend = TestBackend(port: port) { [self] connection, backend in
                connections.withLock { $0.append(connection) }
                backend.note("held")
                while !isOver.withLock({ $0 }), !connection.isEnded { _ = connection.receive() }
            }
            self.backend.withLock { $0 = backend }
        }

        var isHolding: Bool { backend.withLock { !($0?.requests ?? []).isEmpty } }

        func cut() {
            isOver.withLock { $0 = true }
            connections.withLock { all in
                for connection in all { connection.reset() }
                all = []
            }
        }
    }

    /// Calls until one of them waits for the node that says nothing; those before it were served by the workload of this node.
    private static func callsUntilOneWaits(_ port: UInt16, _ silence: Silence) async throws -> RawConnection {
        for _ in 0..<200 {
            let client = try RawConnection(port: port)
            client.send(get)
            await Poll.until { client.hasInput || silence.isHolding }
            if silence.isHolding { return client }
        }
        throw NobodyWaits()
    }

    private struct NobodyWaits: Error {}

    @Test func `a call that waits for a node is judged by the policies of when it turns local`() async throws {
        let local = TestBackend.echo()
        let silence = Silence()
        let workloads = [Self.workload(on: "a", at: local.port), Self.workload(on: "b", at: 1)]
        let world = try await World(node: silence.port, workloads[0], workloads[1])
        let client = try await Self.callsUntilOneWaits(world.port, silence)
        let before = local.requests.count
        try await world.serve(node: silence.port, workloads[0], workloads[1], Self.deny)
        silence.cut()
        let response = client.response()
        #expect((response.status, response.field("x-heddle-reason")) == (403, "denied"))
        #expect(local.requests.count == before)
        await world.mesh.stop()
    }

    @Test(arguments: [false, true])
    func `a call that waits to try its node again is judged where its service is by then`(isDenied: Bool) async throws {
        let local = TestBackend.echo()
        let down = TestPort.free()
        let world = try await World(node: down, Self.workload(on: "b", at: 1))
        let client = try RawConnection(port: world.port)
        client.send(Self.get)
        try await SlowPeerTests.settles(world.mesh) { !$0.upstreamConnectFailures.isEmpty }
        let here = Self.workload(on: "a", at: local.port)
        try await world.serve(node: down, here, isDenied ? Self.deny : "# none")
        let response = client.response()
        #expect(response.status == (isDenied ? 403 : 200))
        #expect(local.requests.count == (isDenied ? 0 : 1))
        await world.mesh.stop()
    }

    @Test func `a call that waits for a service that is gone has no route any more`() async throws {
        let down = TestPort.free()
        let world = try await World(node: down, Self.workload(on: "b", at: 1))
        let client = try RawConnection(port: world.port)
        client.send(Self.get)
        try await SlowPeerTests.settles(world.mesh) { !$0.upstreamConnectFailures.isEmpty }
        try await world.serve(node: down, service: false)
        let response = client.response()
        #expect((response.status, response.field("x-heddle-reason")) == (404, "no-route"))
        await world.mesh.stop()
    }

    @Test(arguments: [false, true])
    func `a call whose connection is not up yet goes where its service is now, if it may`(isDenied: Bool) async throws {
        let local = TestBackend.echo()
        let silence = Silence()
        let world = try await World(node: silence.port, Self.workload(on: "b", at: 1))
        let client = try RawConnection(port: world.port)
        client.send("POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 2\r\n\r\nhi")
        await Poll.until { silence.isHolding }
        // The node says nothing still: nobody waits for it any more.
        let here = Self.workload(on: "a", at: local.port)
        try await world.serve(node: silence.port, here, isDenied ? Self.deny : "# none")
        let response = client.response()
        #expect(response.status == (isDenied ? 403 : 200))
        #expect(local.requests.count == (isDenied ? 0 : 1))
        if !isDenied { #expect(response.body.hasSuffix("hi")) }
        silence.cut()
        await world.mesh.stop()
    }

    @Test func `a call that a workload of this node has is ended when its service is gone`() async throws {
        let silent = TestBackend { connection, backend in
            backend.note(connection.receive(through: "\r\n\r\n"))
            while !connection.isEnded { _ = connection.receive() }
        }
        let world = try await World(node: TestPort.free(), Self.workload(on: "a", at: silent.port))
        let client = try RawConnection(port: world.port)
        client.send(Self.get)
        await Poll.until { !silent.requests.isEmpty }
        try await world.serve(node: TestPort.free(), service: false)
        let response = client.response()
        #expect((response.status, response.field("x-heddle-reason")) == (404, "no-route"))
        await world.mesh.stop()
    }

    @Test func `a copy whose original is over is judged again, too`() async throws {
        let copy = TestBackend { connection, backend in
            backend.note(connection.receive(through: "\r\n\r\n"))
            while !connection.isEnded { _ = connection.receive() }
            backend.note("end")
        }
        let backend = TestBackend.echo()
        let port = TestPort.free()
        func manifests(_ rule: String) -> String {
            Shop.manifests(
                outbound: port, orders: backend.port,
                more: [
                    Shop.proxy(""), Shop.service("copy", at: [copy.port]), Shop.route(RouteActionTests.mirroring), rule,
                ].joined(separator: "\n---\n"))
        }
        let mesh = try await TestMesh(manifests("# none"))
        let response = try RawConnection.call(port: port, Self.get)
        #expect(response.status == 200)
        try await RouteActionTests.waits(for: copy, requests: 1)
        try await mesh.serve(manifests(Self.deny))
        try await RouteActionTests.waits(for: copy, requests: 2)
        #expect(copy.requests.last == "end")
        await mesh.stop()
    }

    @Test func `one GET that kills its workload is given to two of them`() async throws {
        let killers = (0..<6).map { _ in
            TestBackend { connection, backend in
                backend.note(connection.receive(through: "\r\n\r\n"))
                connection.reset()
            }
        }
        let more = killers.dropFirst().enumerated().map {
            Shop.workload("orders-\($0.offset + 2)", of: "orders", at: $0.element.port)
        }
        try await Shop.serve(killers[0], more: [Shop.proxy("")] + more) { port, _ in
            for calls in 1...5 {
                let response = try RawConnection.call(port: port, Self.get)
                #expect((response.status, response.field("x-heddle-reason")) == (502, "upstream-failed"))
                #expect(killers.reduce(0) { $0 + $1.requests.count } == 2 * calls)
            }
        }
    }
}
