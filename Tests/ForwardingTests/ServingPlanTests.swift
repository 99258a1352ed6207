import CallPlanning
import CommonValues
import Diagnostics
import EventLoops
import Manifests
import MeshFixtures
import MeshSnapshot
import TestSupport
import Testing

@testable import Forwarding

@Suite struct ServingPlanTests {
    private func problems(_ endpoints: String, resolve: (String) -> ResolvedName) throws -> [Diagnostic] {
        let manifest = """
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: orders, namespace: shop}
            spec:
              protocol: HTTP
              endpoints: [\(endpoints)]
            """
        let snapshot = try MeshSnapshot(manifest)
        var problems: [Diagnostic] = []
        let plan = ServingPlan(snapshot, node: nil, generation: 1, resolve: resolve, problems: &problems)
        #expect(plan.services.count == 1)
        return problems
    }

    @Test func `an endpoint whose name has no address is left out with a warning at its place`() throws {
        let problems = try problems(#"{address: "nobody.example:80"}, {address: "127.0.0.1:80"}"#) { _ in [] }
        #expect(problems.map(\.code) == [.unresolvedEndpoint])
        #expect(problems.map(\.severity) == [.warning])
        #expect(problems.first.map { "\($0.position)" } == "test.yaml:6:25")
    }

    @Test func `an endpoint whose name has an address is no problem`() throws {
        #expect(try problems(#"{address: "somebody.example:80"}"#) { _ in [IPAddress(v4: 0x0A00_0001)] } == [])
    }

    @Test func `an endpoint whose name has its last address only is warned of`() throws {
        let problems = try problems(#"{address: "somebody.example:80"}"#) { _ in
            ResolvedName([IPAddress(v4: 0x0A00_0001)], isStale: true)
        }
        #expect(problems.map(\.code) == [.staleEndpoint])
        #expect(problems.map(\.severity) == [.warning])
        #expect(problems.first.map { "\($0.position)" } == "test.yaml:6:25")
    }

    @Test func `a node whose own name has no address is without its inbound port until it has one`() throws {
        let manifests = """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {identity: {authority: {type: Files, certificateFile: c, keyFile: k}}}
            ---
            apiVersion: heddle/v1
            kind: Node
            metadata: {name: a}
            spec: {address: "a.example:15008"}
            ---
            \(manifest("Workload", "web-1", "{serviceAccount: web, node: a, outbound: {listen: \"127.0.0.1:15001\"}}"))
            """
        let snapshot = try MeshSnapshot(manifests, node: "a")
        var problems: [Diagnostic] = []
        let plan = ServingPlan(snapshot, node: "a", generation: 1, resolve: { _ in [] }, problems: &problems)
        #expect(problems.map(\.code) == [.unresolvableName])
        #expect(plan.listeners.keys.map(\.description) == ["127.0.0.1:15001"])
        problems = []
        let renewed = plan.renewed(resolve: { _ in [IPAddress(v4: 0x7F00_0001)] }, problems: &problems)
        #expect(renewed?.listeners.keys.map(\.description).sorted() == ["127.0.0.1:15001", "127.0.0.1:15008"])
        #expect(problems.isEmpty)
    }

    @Test func `a port that gateways share is owned by all of them`() throws {
        func gateway(_ name: String, _ hosts: [String]) -> String {
            let listeners = hosts.map { "{name: \($0), port: 15080, protocol: HTTP, hostname: \($0).example}" }
            return """
                apiVersion: heddle/v1
                kind: Gateway
                metadata: {name: \(name)}
                spec: {listeners: [\(listeners.joined(separator: ", "))]}
                """
        }
        let snapshot = try MeshSnapshot(gateway("a", ["x", "y"]) + "\n---\n" + gateway("b", ["z"]))
        var problems: [Diagnostic] = []
        let plan = ServingPlan(snapshot, node: nil, generation: 1, resolve: { _ in [] }, problems: &problems)
        #expect(plan.listenerDescriptions.map(\.owner) == ["Gateway default/a/x,y, default/b/z"])
    }

    @Test func `a generation that serves takes up what its names stand for now`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let manifests = Shop.manifests(outbound: port, orders: backend.port)
            .replacing("127.0.0.1:\(backend.port)", with: "orders.example:\(backend.port)")
        let snapshot = try MeshSnapshot(manifests)
        var problems: [Diagnostic] = []
        var plan = ServingPlan(snapshot, node: nil, generation: 7, resolve: { _ in [] }, problems: &problems)
        #expect(problems.map(\.code) == [.unresolvedEndpoint])

        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: 1))
        await mesh.dataPlane.commit(mesh.dataPlane.prepare(plan, tls: nil))
        let caller = try RawConnection(port: port)
        func status() -> Int {
            caller.send("GET / HTTP/1.1\r\nHost: orders.shop\r\n\r\n")
            return caller.response().status
        }
        #expect(status() == 503)

        var none: [Diagnostic] = []
        let unchanged = plan.renewed(resolve: { _ in [] }, problems: &none)
        #expect(unchanged == nil)
        #expect(none.map(\.code) == [.unresolvedEndpoint])

        problems = []
        plan = try #require(plan.renewed(resolve: { _ in [IPAddress(v4: 0x7F00_0001)] }, problems: &problems))
        #expect(problems.isEmpty)
        await mesh.dataPlane.commit(mesh.dataPlane.prepare(plan, tls: nil))
        #expect(status() == 200)
        await mesh.stop()
    }

    @Test func `a connection from another node that was there before takes up what names stand for now`() async throws {
        let identities = try TestIdentities.shared.get()
        let backend = TestBackend.echo()
        let inbound = TestPort.free()
        func manifests(_ host: String) -> String {
            """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {identity: {authority: {type: Files, certificateFile: c, keyFile: k}}}
            ---
            apiVersion: heddle/v1
            kind: Node
            metadata: {name: b}
            spec: {address: "127.0.0.1:\(inbound)"}
            ---
            \(manifest("Service", "orders", "{protocol: HTTP}"))
            ---
            \(manifest("Workload", "orders-1", "{service: orders, address: \"\(host):\(backend.port)\", node: b}"))
            ---
            \(Shop.allowAll)
            """
        }
        let mesh = try await TestMesh(manifests("127.0.0.1"), node: "b", tls: identities.material())
        let snapshot = try MeshSnapshot(manifests("orders.example"), node: "b")
        var problems: [Diagnostic] = []
        let plan = ServingPlan(snapshot, node: "b", generation: 7, resolve: { _ in [] }, problems: &problems)
        await mesh.dataPlane.commit(mesh.dataPlane.prepare(plan, tls: nil))
        let peer = HTTP2Peer(
            calling: try SecureRelay.connect(
                port: inbound, serverName: TestIdentities.orders, offering: "h2", identities))
        #expect(peer.call(PolicyCase.good).status == 503)
        let renewed = try #require(
            plan.renewed(resolve: { _ in [IPAddress(v4: 0x7F00_0001)] }, problems: &problems))
        await mesh.dataPlane.commit(mesh.dataPlane.prepare(renewed, tls: nil))
        #expect(peer.call(PolicyCase.good).status == 200)
        await mesh.stop()
    }
}
