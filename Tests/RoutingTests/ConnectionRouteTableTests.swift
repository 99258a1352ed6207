import FuzzKit
import Manifests
import MeshSnapshot
import Testing

@testable import Routing

private let a = ResourceName(namespace: "default", name: "a")

private func tcpTable(_ backends: String) -> TCPRouteTable {
    let spec = "parentRefs: [{kind: Service, name: a}], rules: [{name: split, backendRefs: [\(backends)]}]"
    return TCPRouteTable(service: a, in: snapshot([("TCPRoute", "r", spec)], protocol: "TCP"))
}

@Test func `a service without a TCPRoute is reached itself`() {
    let table = TCPRouteTable(service: a, in: snapshot([], protocol: "TCP"))
    var random = SplitMix64(seed: 1)
    #expect(table.rule.pickBackend(using: &random) == 0)
    #expect(table.rule.backends.map(\.service) == [a])
    #expect(table.rule.kind == nil)
    #expect(table.services == [a])
    #expect(table.rule.label == nil)
}

@Test func `connections go to backends in proportion to their weights`() {
    let table = tcpTable("{name: a, weight: 90}, {name: b, weight: 10}, {name: c, weight: 0}, {name: a, weight: 0}")
    #expect(table.services.map(\.name) == ["a", "b", "c"])
    #expect(table.rule.backends.map(\.cluster) == [0, 1, 2, 0])
    #expect(table.rule.kind == .tcpRoute)
    #expect(table.rule.label.map { String(decoding: $0, as: UTF8.self) } == "TCPRoute/default/r/split")
    var random = SplitMix64(seed: 2)
    var counts = [0, 0, 0, 0]
    for _ in 0..<10_000 { counts[table.rule.pickBackend(using: &random)!] += 1 }
    #expect((8_800...9_200).contains(counts[0]) && counts[0] + counts[1] == 10_000)
}

@Test func `without weight there is no backend`() {
    var random = SplitMix64(seed: 3)
    #expect(tcpTable("{name: a, weight: 0}").rule.pickBackend(using: &random) == nil)
}

@Test func `a TCP listener has its own route, or none`() {
    let snapshot = snapshot(
        [
            ("Gateway", "edge", "listeners: [{name: x, protocol: TCP, port: 1}, {name: y, protocol: TCP, port: 2}]"),
            ("TCPRoute", "r", "parentRefs: [{name: edge, sectionName: y}], rules: [{backendRefs: [{name: b}]}]"),
        ], protocol: "TCP")
    let gateway = snapshot.gateways[0]
    let tables = gateway.listeners.map { TCPRouteTable(gateway: gateway.metadata.name, listener: $0, in: snapshot) }
    #expect(tables[0] == nil)
    #expect(tables[1]?.rule.backends.map(\.service.name) == ["b"])
}

/// The table of a port with listeners and TLSRoutes, as insides of mappings; `name` is the route's.
private func tlsTable(listeners: [String], routes: [(name: String, spec: String)]) -> TLSRouteTable {
    let list = listeners.map { "{protocol: TLS, tls: {mode: Passthrough}, port: 443, \($0)}" }
    let snapshot = snapshot(
        [("Gateway", "edge", "listeners: [\(list.joined(separator: ", "))]")]
            + routes.map {
                ("TLSRoute", $0.name, "parentRefs: [{name: edge}], rules: [{backendRefs: [{name: b}]}], \($0.spec)")
            },
        protocol: "TCP")
    let gateway = snapshot.gateways[0]
    return TLSRouteTable(listeners: gateway.listeners.map { (gateway.metadata.name, $0) }, in: snapshot)
}

private func route(_ table: TLSRouteTable, _ name: String) -> String? {
    table.match(serverName: Array(name.utf8).span)?.rule.route?.name
}

@Test func `the name in SNI finds the most specific hostname: exact, longest wildcard, none`() {
    let table = tlsTable(
        listeners: ["name: l"],
        routes: [
            ("none", ""), ("wide", "hostnames: [\"*.com\"]"), ("narrow", "hostnames: [\"*.a.com\"]"),
            ("exact", "hostnames: [x.a.com, other.org]"),
        ])
    for (name, expected) in [
        ("x.a.com", "exact"), ("other.org", "exact"), ("y.a.com", "narrow"), ("y.x.a.com", "narrow"), ("a.com", "wide"),
        ("com", "none"), ("b.org", "none"), ("", "none"),
    ] {
        #expect(route(table, name) == expected, "\(name)")
    }
}

@Test func `a listener takes the names it has, and a name belongs to one listener`() {
    let table = tlsTable(
        listeners: ["name: some, hostname: \"*.a.com\"", "name: one, hostname: x.a.com"],
        routes: [("r", "hostnames: [\"*.a.com\"]"), ("one", "hostnames: [x.a.com]")])
    #expect(route(table, "y.a.com") == "r")
    #expect(route(table, "x.a.com") == "one")
    #expect(table.match(serverName: Array("x.a.com".utf8).span)?.listener == 1)
    #expect(table.listener(forServerName: Array("y.a.com".utf8).span) == 0)
    #expect(route(table, "a.com") == nil)
    #expect(route(table, "") == nil)
}

@Test func `a name that a listener has and no route does goes nowhere`() {
    let table = tlsTable(listeners: ["name: l"], routes: [("r", "hostnames: [a.com]")])
    #expect(route(table, "b.com") == nil)
}
