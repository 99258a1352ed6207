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

    // MARK: By way of others

    private static func open(
        _ name: String, _ address: String, plain: String, protocol kind: String = "TCP", node: String? = nil
    ) -> String {
        let place = node.map { ", node: \($0)" } ?? ""
        return MeshSnapshotTests.service(name, "protocol: \(kind)")
            + workload(
                "\(name)-1", "service: \(name), address: \"\(address)\", inbound: {plain: \"\(plain)\"}\(place)")
    }

    private static func tcpRoute(_ parent: String, to backend: String) -> String {
        "---\napiVersion: heddle/v1\nkind: TCPRoute\nmetadata: {name: all}\n"
            + "spec: {parentRefs: [\(parent)], rules: [{backendRefs: [{name: \(backend)}]}]}\n"
    }

    private static let twoPorts =
        open("a", "192.0.2.1:9001", plain: "192.0.2.1:9002") + open("b", "192.0.2.1:9002", plain: "192.0.2.1:9001")

    @Test func `two ports that lead to each other are an error that names both Services and both addresses`() throws {
        let found = resolve(Self.twoPorts).errors
        #expect(found.map(\.code) == [.endpointLoop])
        let error = try #require(found.first)
        #expect(error.found == "\"192.0.2.1:9001\", which is inbound.plain of Workload \"b-1\"")
        #expect(error.expected.contains("Service \"b\", then to \"a\", in a circle"), "\(error.expected)")
        #expect(error.remedy.contains("192.0.2.1:9002 at mesh.yaml:"), "\(error.remedy)")
    }

    @Test(arguments: [
        // Three.
        open("a", "192.0.2.1:1", plain: "192.0.2.1:3") + open("b", "192.0.2.1:2", plain: "192.0.2.1:1")
            + open("c", "192.0.2.1:3", plain: "192.0.2.1:2"),
        // At every address.
        open("a", "192.0.2.1:9001", plain: "0.0.0.0:9002") + open("b", "192.0.2.1:9002", plain: "0.0.0.0:9001"),
        open("a", "192.0.2.1:9001", plain: "192.0.2.1:9002") + open("b", "192.0.2.1:9002", plain: "[::]:9001"),
        open("a", "[2001:db8::1]:9001", plain: "[::]:9001"), open("a", "192.0.2.1:9001", plain: "0.0.0.0:9001"),
        open("a", "orders.example:9001", plain: "0.0.0.0:9001"),
        // By a Gateway, which leads to the one whose port it is.
        open("a", "192.0.2.1:9001", plain: "192.0.2.1:9002")
            + MeshSnapshotTests.service("b", "protocol: TCP, endpoints: [{address: \"192.0.2.1:9002\"}]")
            + MeshSnapshotTests.gateway("g", "name: x, protocol: TCP, address: 192.0.2.1, port: 9001")
            + tcpRoute("{kind: Gateway, name: g}", to: "b"),
        // By a workload's address for a Service, whose route leads back.
        MeshSnapshotTests.service("a", "protocol: TCP, endpoints: [{address: \"127.0.0.1:9001\"}]")
            + MeshSnapshotTests.service("b", "protocol: TCP, endpoints: [{address: \"192.0.2.9:1\"}]")
            + workload("w", "serviceAccount: w, outbound: {tcp: [{service: b, listen: \"127.0.0.1:9001\"}]}")
            + tcpRoute("{kind: Service, name: b}", to: "a"),
    ])
    func `every circle is an error, told once`(yaml: String) {
        #expect(resolve(yaml).errors.map(\.code) == [.endpointLoop])
    }

    @Test func `two circles are two errors, and what only leads into one is none`() {
        let yaml =
            Self.twoPorts + Self.open("c", "192.0.2.1:9003", plain: "192.0.2.1:9004")
            + Self.open("d", "192.0.2.1:9004", plain: "192.0.2.1:9003")
            + MeshSnapshotTests.service("e", "protocol: TCP, endpoints: [{address: \"192.0.2.1:9001\"}]")
        #expect(resolve(yaml).errors.map(\.code) == [.endpointLoop, .endpointLoop])
    }

    @Test func `a long chain of ports is no circle, and a long circle is told of in few words`() throws {
        func chain(_ count: Int, isClosed: Bool) -> String {
            (0..<count).map { number in
                let next = number + 1 == count && isClosed ? 0 : number + 1
                let name = "s\(number)"
                return MeshSnapshotTests.service(
                    name, "protocol: TCP, endpoints: [{address: \"192.0.2.1:\(1_000 + next)\"}]")
                    + workload(
                        name,
                        "service: \(name), address: \"192.0.2.2:\(number + 1)\", "
                            + "inbound: {plain: \"192.0.2.1:\(1_000 + number)\"}")
            }.joined()
        }
        #expect(resolve(chain(500, isClosed: false)).errors.isEmpty)
        let found = resolve(chain(500, isClosed: true)).errors
        #expect(found.map(\.code) == [.endpointLoop])
        let error = try #require(found.first)
        #expect(error.expected.contains("492 more, then to \"s0\""), "\(error.expected)")
        #expect(error.expected.count + error.remedy.count < 1_000)
    }

    @Test(arguments: [
        // A port of another family, of another number.
        open("a", "192.0.2.1:9001", plain: "0.0.0.0:9002"),
        open("a", "[2001:db8::1]:9001", plain: "0.0.0.0:9001"),
        // Calls are counted: a container may have the port of its host.
        open("a", "172.17.0.2:8080", plain: "0.0.0.0:8080", protocol: "HTTP"),
        // The one address of the host: a container's is another.
        open("a", "172.17.0.2:9001", plain: "192.0.2.1:9001"),
    ])
    func `what does not meet is no circle`(yaml: String) {
        #expect(resolve(yaml).errors.isEmpty)
    }

    @Test func `what listens on another node is not in the way`() {
        let nodes = filesAuthority + node("x", "192.0.2.1:15008") + node("y", "192.0.2.2:15008")
        let yaml =
            nodes + MeshSnapshotTests.service("a", "protocol: TCP")
            + workload("a-x", "service: a, node: x, address: \"192.0.2.1:8080\"")
            + workload(
                "a-y", "service: a, node: y, address: \"127.0.0.1:8081\", inbound: {plain: \"0.0.0.0:8080\"}")
        #expect(resolve(yaml, node: "x").errors.isEmpty)
        let same = yaml.replacing("node: y, address", with: "node: x, address")
        #expect(resolve(same, node: "x").errors.map(\.code) == [.endpointLoop])
    }

    @Test func `the address of a node's own listener leads back to the Service that is called there`() {
        let yaml =
            MeshSnapshotTests.service("a", "endpoints: [{address: \"127.0.0.1:15001\"}]") + filesAuthority
            + node("x", "192.0.2.1:15008").replacing(
                "15008\"", with: "15008\", outbound: {listen: \"127.0.0.1:15001\"}")
        #expect(resolve(yaml, node: "x").errors.map(\.code) == [.endpointLoop])
    }
}
