import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// Calls between workloads of one node.
struct OutboundCallTests {
    @Test func `a call that a rule allows reaches its workload with its caller's identity`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port, rule: Shop.readsOrders))
        let client = try RawConnection(port: port)
        client.send("GET /orders/7?x=1 HTTP/1.1\r\nHost: Orders.Shop\r\nX-Heddle-Caller: spiffe://evil/x\r\n\r\n")
        let response = client.response()
        #expect(response.status == 200)
        #expect(response.body.hasPrefix("GET /orders/7?x=1 HTTP/1.1\r\nhost: orders.shop\r\n"))
        #expect(response.body.contains("x-heddle-caller: spiffe://mesh.local/ns/shop/sa/web\r\n"))
        #expect(!response.body.contains("evil"))
        #expect(response.body.contains("x-forwarded-for: 127.0.0.1\r\n"))
        #expect(response.body.contains("x-forwarded-host: orders.shop\r\n"))
        #expect(response.body.contains("x-forwarded-proto: http\r\n"))
        #expect(response.body.contains("x-request-id: "))
        await mesh.stop()
    }

    @Test func `a call that no rule allows gets 403 and says why, and its connection goes on`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port, rule: Shop.readsOrders))
        let client = try RawConnection(port: port)
        client.send("GET /admin HTTP/1.1\r\nHost: orders\r\n\r\n")
        let denied = client.response()
        client.send("GET /orders HTTP/1.1\r\nHost: orders\r\n\r\n")
        let allowed = client.response()
        #expect(denied.status == 403)
        #expect(denied.field("x-heddle-reason") == "denied")
        #expect(allowed.status == 200)
        #expect(backend.requests.count == 1)
        await mesh.stop()
    }

    @Test func `an unknown host gets 404, a service without endpoints 503`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let empty = manifest("Service", "empty", "{protocol: HTTP}")
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port, more: empty))
        let client = try RawConnection(port: port)
        client.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")
        let unknown = client.response()
        client.send("GET / HTTP/1.1\r\nHost: empty\r\n\r\n")
        let without = client.response()
        #expect((unknown.status, unknown.field("x-heddle-reason")) == (404, "no-route"))
        #expect((without.status, without.field("x-heddle-reason")) == (503, "no-endpoint"))
        await mesh.stop()
    }

    @Test func `absolute-form requests serve as a forward proxy`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        client.send("GET http://orders.shop.mesh/a HTTP/1.1\r\nHost: orders.shop.mesh\r\n\r\n")
        let response = client.response()
        #expect(response.status == 200)
        #expect(response.body.hasPrefix("GET /a HTTP/1.1\r\nhost: orders.shop.mesh\r\n"))
        await mesh.stop()
    }

    @Test func `pipelined requests are answered in their order`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        client.send((0..<20).map { "GET /\($0) HTTP/1.1\r\nHost: orders\r\n\r\n" }.joined())
        for number in 0..<20 {
            let response = client.response()
            #expect(response.body.hasPrefix("GET /\(number) "))
        }
        #expect(backend.connectionCount == 1)
        await mesh.stop()
    }

    @Test(arguments: [1, 7, 64, 1000])
    func `a request that comes in small pieces is the same request`(size: Int) async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        let request =
            "POST /p HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n"
        let bytes = Array(request.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            client.send(Array(bytes[start..<min(start + size, bytes.count)]))
            // Not a task's sleep: tests that block hold the threads it would wait for, longer than a head may take.
            if size < 64 { Pause.ofSlowPeer(.milliseconds(1)) }
        }
        let response = client.response()
        #expect(response.status == 200)
        #expect(response.body.hasSuffix("hello worldx-t: 1\r\n\r\n"))
        await mesh.stop()
    }

    @Test func `a large body goes both ways whole`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        let body = String(repeating: "0123456789abcdef", count: 200_000)
        spawn { client.send("PUT /big HTTP/1.1\r\nHost: orders\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)") }
        let response = client.response()
        #expect(response.status == 200)
        #expect(response.body.hasSuffix(body))
        await mesh.stop()
    }

    @Test func `HEAD keeps the length it would have had`() async throws {
        let backend = TestBackend.echo()
        let port = TestPort.free()
        let mesh = try await TestMesh(Shop.manifests(outbound: port, orders: backend.port))
        let client = try RawConnection(port: port)
        client.send("HEAD / HTTP/1.1\r\nHost: orders\r\n\r\n")
        let head = client.receive(through: "\r\n\r\n")
        client.send("GET /next HTTP/1.1\r\nHost: orders\r\n\r\n")
        let next = client.response()
        #expect(Int(Response(head: head, body: "").field("content-length") ?? "") ?? 0 > 0)
        #expect(next.body.hasPrefix("GET /next"))
        await mesh.stop()
    }
}
