import Diagnostics
import Testing

@testable import MeshSnapshot

/// Ways into the mesh that lead nowhere.
@Suite struct DeadEndsTests {
    private static let db =
        "---\napiVersion: heddle/v1\nkind: Service\nmetadata: {name: db}\n"
        + "spec: {protocol: TCP, endpoints: [{address: \"192.0.2.1:5432\"}]}\n"

    private static func tcpRoute(_ backends: String) -> String {
        "---\napiVersion: heddle/v1\nkind: TCPRoute\nmetadata: {name: db}\n"
            + "spec: {parentRefs: [{kind: Gateway, name: edge}], rules: [{backendRefs: [\(backends)]}]}\n"
    }

    private func warnings(_ manifests: String) -> [String] {
        let resolution = resolve(manifests)
        #expect(resolution.errors.isEmpty, "\(resolution.errors)")
        return resolution.warnings.map(\.code.rawValue)
    }

    @Test(arguments: ["TCP", "TLS, tls: {mode: Passthrough}", "HTTP"])
    func `a listener that no route has as a parent is told of`(protocolName: String) throws {
        let edge = gateway("edge", "name: one, port: 5432, protocol: \(protocolName)")
        #expect(warnings(edge) == ["manifest.listener-without-route"])
    }

    @Test func `a listener with a route is not`() {
        let edge = gateway("edge", "name: one, port: 5432, protocol: TCP")
        #expect(warnings(Self.db + edge + Self.tcpRoute("{name: db}")).isEmpty)
    }

    @Test func `another listener of its gateway is`() {
        let edge = gateway("edge", "name: one, port: 1, protocol: HTTP", "name: two, port: 2, protocol: HTTP")
        let orders = route(
            "orders", "parentRefs: [{kind: Gateway, name: edge, sectionName: two}], rules: [{backendRefs: [{name: a}]}]"
        )
        let found = resolve(service("a") + edge + orders).warnings
        #expect(found.map(\.code.rawValue) == ["manifest.listener-without-route"])
        #expect(found.first?.remedy.contains("sectionName: one") == true)
    }

    @Test(arguments: [
        ("{backendRefs: [{name: a, weight: 0}, {name: b, weight: 0}]}", 1),
        ("{backendRefs: [{name: a, weight: 0}, {name: b}]}", 0), ("{}", 1),
        ("{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}", 0),
    ])
    func `a rule with no backend that has a weight is told of, and a redirect needs none`(rule: String, count: Int) {
        let parent = "parentRefs: [{kind: Service, name: a}]"
        let found = warnings(service("a") + service("b") + route("r", "\(parent), rules: [\(rule)]"))
        #expect(found == Array(repeating: "manifest.rule-without-backend", count: count))
    }

    @Test func `a route of connections with no backend that has a weight is told of`() {
        let edge = gateway("edge", "name: one, port: 5432, protocol: TCP")
        #expect(warnings(Self.db + edge + Self.tcpRoute("{name: db, weight: 0}")) == ["manifest.rule-without-backend"])
    }

    @Test func `what may be missing for a mistake elsewhere is not told of`() {
        let edge = gateway("edge", "name: one, port: 1, protocol: HTTP")
        #expect(resolve(edge + workload("w", "service: none, address: \"192.0.2.1:1\"")).warnings.isEmpty)
    }
}
