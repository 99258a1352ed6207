import Diagnostics
import SPIFFE
import TestSupport
import Testing

@testable import MeshSnapshot

/// Services whose endpoint is a listener that leads to them.
@Suite struct ServiceLoopsTests {
    private static func service(_ endpoint: String, protocol name: String = "HTTP") -> String {
        """
        \(manifest("Service", "orders", "{protocol: \(name), endpoints: [{address: \"\(endpoint)\"}]}"))
        ---
        \(manifest("Service", "other", "{protocol: \(name), endpoints: [{address: \"192.0.2.1:80\"}]}"))
        ---

        """
    }

    private static let outbound = manifest(
        "Workload", "web-1", "{serviceAccount: web, outbound: {listen: \"127.0.0.1:15001\"}}")

    private static func gateway(_ listener: String, _ kind: String, to backend: String, filters: String = "") -> String
    {
        """
        \(manifest("Gateway", "edge", "{listeners: [{name: one, \(listener)}]}"))
        ---
        apiVersion: heddle/v1
        kind: \(kind)
        metadata: {name: all, namespace: shop}
        spec: {parentRefs: [{kind: Gateway, name: edge}], rules: [{\(filters)backendRefs: [{name: \(backend)}]}]}
        """
    }

    @Test(arguments: [
        service("127.0.0.1:15001") + outbound,
        service("127.0.0.1:80") + gateway("port: 80, protocol: HTTP", "HTTPRoute", to: "orders"),
        service("127.0.0.1:80") + gateway("address: 127.0.0.1, port: 80, protocol: HTTP", "HTTPRoute", to: "orders"),
        service("192.0.2.7:80") + gateway("address: 192.0.2.7, port: 80, protocol: HTTP", "HTTPRoute", to: "orders"),
        service("127.0.0.1:80", protocol: "TCP") + gateway("port: 80, protocol: TCP", "TCPRoute", to: "orders"),
    ])
    func `an endpoint that leads back to its Service is refused where it stands`(manifest: String) {
        let found = resolve(manifest).errors
        #expect(found.map(\.code) == [.endpointLoop])
        #expect(found.first?.position.line == 4)
    }

    @Test(arguments: [
        service("127.0.0.1:15002") + outbound,
        service("127.0.0.1:80") + gateway("port: 80, protocol: HTTP", "HTTPRoute", to: "other"),
        // A name, whatever it begins with.
        service("127.example.com:80") + gateway("port: 80, protocol: HTTP", "HTTPRoute", to: "orders"),
        service("192.0.2.8:80") + gateway("port: 80, protocol: HTTP", "HTTPRoute", to: "orders"),
        service("127.0.0.1:80")
            + gateway(
                "port: 80, protocol: HTTP", "HTTPRoute", to: "orders",
                filters: "filters: [{type: URLRewrite, urlRewrite: {hostname: b.example}}], "),
        service("127.0.0.1:80")
            + gateway(
                "port: 80, protocol: HTTP", "HTTPRoute",
                to: "orders, filters: [{type: URLRewrite, urlRewrite: {hostname: b.example}}]"),
        service("127.0.0.1:80", protocol: "TCP") + gateway("port: 80, protocol: TCP", "TCPRoute", to: "other"),
    ])
    func `an endpoint that leads elsewhere is not`(manifest: String) {
        #expect(resolve(manifest).errors.isEmpty)
    }

    @Test func `a workload outside of its node's loopback addresses is looked at, too`() {
        let workload = """
            \(manifest("Service", "orders", "{}"))
            ---
            \(manifest("Workload", "orders-1", "{service: orders, address: \"192.0.2.7:80\"}"))
            ---

            """
        let found = resolve(
            workload + Self.gateway("address: 192.0.2.7, port: 80, protocol: HTTP", "HTTPRoute", to: "orders")
        ).errors
        #expect(found.map(\.code) == [.endpointLoop])
    }
}
