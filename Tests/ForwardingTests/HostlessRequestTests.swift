import TestSupport
import Testing

@testable import Forwarding

/// Requests of HTTP/1.0 without `Host`, as load balancers send them to ask for health.
struct HostlessRequestTests {
    /// A Gateway whose listeners, and the routes of each, have these hostnames; "" is none.
    private static func gateway(_ hostnames: [String], port: UInt16) -> String {
        let listeners = hostnames.enumerated().map { index, name in
            "{name: l\(index), address: 127.0.0.1, port: \(port), protocol: HTTP"
                + (name.isEmpty ? "}" : ", hostname: \(name)}")
        }
        let routes = hostnames.enumerated().map { index, name in
            """
            ---
            apiVersion: heddle/v1
            kind: HTTPRoute
            metadata: {name: r\(index), namespace: shop}
            spec:
              parentRefs: [{kind: Gateway, name: edge}]
              hostnames: [\(name)]
              rules: [{backendRefs: [{name: \(name.isEmpty ? "orders" : "named")}]}]
            """
        }
        return """
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: edge, namespace: shop}
            spec:
              serviceAccount: web
              listeners: [\(listeners.joined(separator: ", "))]
            \(routes.joined(separator: "\n"))
            """
    }

    private static func serve(
        _ hostnames: [String], _ body: (_ gateway: UInt16, _ outbound: UInt16) async throws -> Void
    ) async throws {
        let named = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nnamed")
        let gateway = TestPort.free()
        let more = [
            Shop.proxy(""), Shop.service("named", at: [named.port]), Self.gateway(hostnames, port: gateway),
        ]
        try await Shop.serve(.echo(), more: more) { outbound, _ in try await body(gateway, outbound) }
    }

    @Test func `at a Gateway they are for the listener and the routes without hostnames`() async throws {
        try await Self.serve(["shop.example", ""]) { port, _ in
            let client = try RawConnection(port: port)
            let response = client.call("GET /health HTTP/1.0\r\n\r\n")
            #expect(response.status == 200 && response.field("connection") == "close")
            // The workload is told what they came to: its HTTP/1.1 has a Host.
            #expect(response.body.hasPrefix("GET /health HTTP/1.1\r\nhost: 127.0.0.1:\(port)\r\n"))
            #expect(response.body.contains("x-forwarded-host: 127.0.0.1"))
            #expect(client.endsCleanly() == true)
        }
    }

    @Test func `where every listener has a hostname there is no route for them`() async throws {
        try await Self.serve(["shop.example"]) { port, _ in
            let response = try RawConnection.call(port: port, "GET /health HTTP/1.0\r\n\r\n")
            #expect(response.status == 404)
        }
    }

    @Test func `a workload's own listener refuses them, for nothing says which service is meant`() async throws {
        try await Self.serve([""]) { _, port in
            let response = try RawConnection.call(port: port, "GET /health HTTP/1.0\r\n\r\n")
            #expect(response.status == 400)
        }
    }

    @Test(arguments: [
        "GET /health HTTP/1.1\r\n\r\n", "GET http://shop.example/ HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.0\r\n\r\n",
        "CONNECT shop.example:80 HTTP/1.0\r\n\r\n", "GET /health HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /%zz HTTP/1.0\r\n\r\n",
    ])
    func `nothing else may come without a host, at a Gateway either`(request: String) async throws {
        try await Self.serve([""]) { port, _ in
            let response = try RawConnection.call(port: port, request)
            #expect(response.status == 400)
        }
    }
}
