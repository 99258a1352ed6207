import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// What a new generation does to connections and calls that are under way.
struct ReloadTests {
    static let get = "GET /orders HTTP/1.1\r\nHost: orders\r\n\r\n"
    static let denyAll = manifest("AuthorizationPolicy", "none", "{action: DENY, rules: [{}]}")

    /// Begins an answer and goes on with it for as long as it is read.
    static func streaming() -> TestBackend {
        TestBackend { connection, backend in
            guard connection.receive(through: "\r\n\r\n").hasSuffix("\r\n\r\n") else { return }
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n")
            Poll.until { !backend.requests.isEmpty }
            connection.send("3\r\nend\r\n0\r\n\r\n")
        }
    }

    @Test func `linkerd2#15549, kuma#3379, consul#6454: a stream that a new policy denies is cut with the swap`()
        async throws
    {
        let backend = Self.streaming()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        client.send(Self.get)
        _ = client.receive(through: "begin\r\n")
        try await mesh.serve(Shop.manifests(outbound: port, orders: backend.port, rule: Self.denyAll))
        // No byte and no time between the swap and the cut.
        #expect(client.endsCleanly() == false)
        #expect(await mesh.dataPlane.report().counters.upstream == 0)
        backend.note("done")
        await mesh.stop()
    }

    @Test func `a call that waits for its answer when a policy denies it gets 403`() async throws {
        let backend = TestBackend { connection, backend in
            backend.note(connection.receive(through: "\r\n\r\n"))
            // Never answers, however long the swap takes on a busy machine.
            Poll.until { backend.requests.count >= 2 }
        }
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        client.send(Self.get)
        await Poll.until { !backend.requests.isEmpty }
        try await mesh.serve(Shop.manifests(outbound: port, orders: backend.port, rule: Self.denyAll))
        let response = client.response()
        #expect((response.status, response.field("x-heddle-reason")) == (403, "denied"))
        backend.note("done")
        await mesh.stop()
    }

    @Test func `a stream that is still allowed goes on through new generations`() async throws {
        let backend = Self.streaming()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        client.send(Self.get)
        _ = client.receive(through: "begin\r\n")
        for rule in [Shop.readsOrders, Shop.allowAll, Shop.readsOrders] {
            try await mesh.serve(Shop.manifests(outbound: port, orders: backend.port, rule: rule))
        }
        backend.note("done")
        let rest = client.receive(through: "0\r\n\r\n")
        #expect(rest == "3\r\nend\r\n0\r\n\r\n")
        await mesh.stop()
    }

    @Test func `the next request on a kept connection is judged by the new policy`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        for round in 0..<20 {
            let isDenied = round % 2 == 1
            try await mesh.serve(
                Shop.manifests(outbound: port, orders: backend.port, rule: isDenied ? Self.denyAll : Shop.allowAll))
            let response = client.call(Self.get)
            #expect(response.status == (isDenied ? 403 : 200))
        }
        #expect(await mesh.dataPlane.report().counters.accepted == 1)
        await mesh.stop()
    }

    @Test func `a kept connection carries the identity its listener has now`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let before = Shop.manifests(outbound: port, orders: backend.port, rule: Shop.readsOrders)
        let listen = "outbound: {listen: \"127.0.0.1:\(port)\"}"
        let after = before.split(separator: listen).joined(separator: "serviceAccount: intruder, \(listen)")
        let mesh = try await TestMesh(before)
        let client = try RawConnection(port: port)
        let allowed = client.call(Self.get)
        try await mesh.serve(after)
        let denied = client.call(Self.get)
        #expect((allowed.status, denied.status) == (200, 403))
        await mesh.stop()
    }

    @Test func `a kept connection through a gateway carries the gateway's account of now`() async throws {
        let backend = TestBackend.echo()
        let (port, gateway) = (TestPort.free(), TestPort.free())
        func manifests(account: String, listeners: Int) -> String {
            let names = (0..<listeners).map {
                "{name: l\($0), address: 127.0.0.1, port: \(gateway), protocol: HTTP, hostname: h\($0).example}"
            }
            return Shop.manifests(
                outbound: port, orders: backend.port,
                more: """
                    apiVersion: heddle/v1
                    kind: Gateway
                    metadata: {name: edge, namespace: shop}
                    spec: {serviceAccount: \(account), listeners: [\(names.joined(separator: ", "))]}
                    ---
                    apiVersion: heddle/v1
                    kind: HTTPRoute
                    metadata: {name: edge, namespace: shop}
                    spec:
                      parentRefs: [{kind: Gateway, name: edge}]
                      rules: [{backendRefs: [{name: orders}]}]
                    ---
                    \(Shop.proxy(""))
                    """, rule: Shop.readsOrders)
        }
        let mesh = try await TestMesh(manifests(account: "web", listeners: 3))
        let client = try RawConnection(port: gateway)
        let request = "GET /orders HTTP/1.1\r\nHost: h0.example\r\n\r\n"
        let allowed = client.call(request)
        try await mesh.serve(manifests(account: "edge", listeners: 3))
        let denied = client.call(request)
        try await mesh.serve(manifests(account: "web", listeners: 1))
        let again = client.call(request)
        #expect((allowed.status, denied.status, again.status) == (200, 403, 200))
        await mesh.stop()
    }

    @Test func `a call through a gateway that has lost listeners meanwhile is tried again, answered and logged`()
        async throws
    {
        let backend = TestBackend { connection, backend in
            backend.note(connection.receive(through: "\r\n\r\n"))
            Poll.until { backend.requests.count >= 2 }
            connection.reset()
        }
        let good = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let (port, gateway) = (TestPort.free(), TestPort.free())
        func manifests(listeners: Int) -> String {
            let names = (0..<listeners).map {
                "{name: l\($0), address: 127.0.0.1, port: \(gateway), protocol: HTTP, hostname: h\($0).example}"
            }
            return Shop.manifests(
                outbound: port, orders: backend.port,
                more: [
                    Shop.workload("orders-2", of: "orders", at: good.port),
                    """
                    apiVersion: heddle/v1
                    kind: Mesh
                    metadata: {name: mesh}
                    spec: {proxy: {accessLog: All}}
                    """,
                    manifest("Gateway", "edge", "{listeners: [\(names.joined(separator: ", "))]}"),
                    """
                    apiVersion: heddle/v1
                    kind: HTTPRoute
                    metadata: {name: edge, namespace: shop}
                    spec: {parentRefs: [{kind: Gateway, name: edge}], rules: [{backendRefs: [{name: orders}]}]}
                    """,
                ].joined(separator: "\n---\n"))
        }
        let mesh = try await TestMesh(manifests(listeners: 4))
        let client = try RawConnection(port: gateway)
        // Until one goes to the endpoint that waits.
        for _ in 0..<200 {
            client.send("GET /orders HTTP/1.1\r\nHost: h3.example\r\n\r\n")
            await Poll.until { client.hasInput || !backend.requests.isEmpty }
            if !backend.requests.isEmpty { break }
            _ = client.response()
        }
        #expect(backend.requests.count == 1)
        try await mesh.serve(manifests(listeners: 1))
        backend.note("go on")
        let response = client.response()
        #expect(response.body == "ok")
        await mesh.stop()
    }

    @Test func `connections of a listener that is kept are kept, those of one removed end once they are answered`()
        async throws
    {
        let backend = Self.streaming()
        let echo = TestBackend.echo()
        let (kept, removed) = (TestPort.free(), TestPort.free())
        let more = """
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: web-2, namespace: shop}
            spec: {service: web, address: "127.0.0.1:1", outbound: {listen: "127.0.0.1:\(removed)"}}
            ---
            \(Shop.service("echo", at: [echo.port]))
            """
        let mesh = try await TestMesh(Shop.manifests(outbound: kept, orders: backend.port, more: more))
        let call = "GET / HTTP/1.1\r\nHost: echo\r\n\r\n"
        let idleKept = try RawConnection(port: kept)
        let idleRemoved = try RawConnection(port: removed)
        let partRemoved = try RawConnection(port: removed)
        let busyRemoved = try RawConnection(port: removed)
        let served = [idleKept, idleRemoved, partRemoved].map { $0.call(call).status }
        #expect(served == [200, 200, 200])
        partRemoved.send("GET / HTTP/1.1\r\nHo")
        busyRemoved.send(Self.get)
        _ = busyRemoved.receive(through: "begin\r\n")
        partRemoved.waitUntilDelivered()
        _ = await mesh.dataPlane.report()
        try await mesh.serve(
            Shop.manifests(outbound: kept, orders: backend.port, more: Shop.service("echo", at: [echo.port])))
        #expect(idleRemoved.endsCleanly() == true)
        // Twice over changes nothing for those that end.
        try await mesh.serve(
            Shop.manifests(outbound: kept, orders: backend.port, more: Shop.service("echo", at: [echo.port])))
        let next = idleKept.call(call)
        #expect(next.status == 200)
        let rest = partRemoved.call("st: echo\r\n\r\n")
        #expect((rest.status, rest.field("connection")) == (200, "close"))
        #expect(partRemoved.endsCleanly() == true)
        backend.note("done")
        let end = busyRemoved.receive(through: "0\r\n\r\n")
        #expect(end == "3\r\nend\r\n0\r\n\r\n")
        #expect(busyRemoved.endsCleanly() == true)
        #expect(throws: (any Error).self) { try RawConnection(port: removed) }
        await mesh.stop()
    }

    @Test func `what had come when the mesh drains is answered`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let clients = try (0..<20).map { _ in try RawConnection(port: port) }
        for client in clients { client.send(Self.get) }
        await mesh.dataPlane.drain(deadline: .seconds(5))
        let statuses = clients.map { $0.response().status }
        #expect(statuses == Array(repeating: 200, count: 20))
    }

    @Test func `a change that comes while the mesh drains opens nothing, and one that comes after waits for nobody`()
        async throws
    {
        let backend = TestBackend.echo()
        let (port, other) = (TestPort.free(), TestPort.free())
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let change = try mesh.prepare(Shop.manifests(outbound: other, orders: backend.port))
        await mesh.dataPlane.onEveryWorker { $0.drain() }
        await mesh.dataPlane.commit(change)
        await mesh.dataPlane.onEveryWorker { #expect($0.acceptors.isEmpty) }
        await mesh.stop()
        await mesh.dataPlane.commit(change)
        await mesh.dataPlane.rotate(TLSMaterial())
        #expect(await mesh.dataPlane.report().counters.open == 0)
        #expect(await mesh.dataPlane.decisionRecords().isEmpty)
        // Nor for a second end.
        await mesh.stop()
    }

    @Test func `endpoints come and go without a failed call`() async throws {
        let backends = [TestBackend.echo(), TestBackend.echo(), TestBackend.echo()]
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backends[0].port))
        let client = try RawConnection(port: port)
        for round in 0..<60 {
            try await mesh.serve(Shop.manifests(outbound: port, orders: backends[round % 3].port))
            let response = client.call(Self.get)
            #expect(response.status == 200)
        }
        // Only the served endpoint's connection is kept.
        #expect(await mesh.dataPlane.report().counters.upstream == 1)
        await mesh.stop()
    }
}
