import TestSupport
import Testing

@testable import Forwarding

/// Routes that a namespace has for its calls to another's service (Gateway API's consumer routes).
struct ConsumerRouteTests {
    @Test func `a route of the caller's namespace is taken by its calls and by no others`() async throws {
        let backend = TestBackend.echo()
        let (inside, outside) = (TestPort.free(), TestPort.free())
        let more = """
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: cart-1, namespace: cart}
            spec: {serviceAccount: cart, outbound: {listen: "127.0.0.1:\(outside)"}}
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: marks-orders, namespace: cart}
            spec:
              parentRefs: [{kind: Service, name: orders, namespace: shop}]
              rules:
              - filters:
                - type: ResponseHeaderModifier
                  responseHeaderModifier: {set: [{name: x-marked, value: "yes"}]}
                backendRefs: [{name: orders, namespace: shop}]
            """
        let mesh = try await TestMesh(Shop.manifests(outbound: inside, orders: backend.port, more: more))
        let fromCart = try RawConnection(port: outside)
        fromCart.send("GET / HTTP/1.1\r\nHost: orders.shop\r\n\r\n")
        let marked = fromCart.response()
        let fromShop = try RawConnection(port: inside)
        fromShop.send("GET / HTTP/1.1\r\nHost: orders.shop\r\n\r\n")
        let unmarked = fromShop.response()
        #expect((marked.status, marked.field("x-marked")) == (200, "yes"))
        #expect((unmarked.status, unmarked.field("x-marked")) == (200, nil))
        await mesh.stop()
    }
}
