import Diagnostics
import Manifests
import MeshSnapshot
import Testing

private func resource(_ kind: String, _ name: String, _ spec: String) -> String {
    "---\napiVersion: heddle/v1\nkind: \(kind)\nmetadata: {name: \(name)}\nspec: {\(spec)}\n"
}

private func speaking(_ name: String, _ protocol: String) -> String {
    service(name, "protocol: \(`protocol`), endpoints: [{address: \"192.0.2.1:80\"}]")
}

private let services =
    speaking("web", "HTTP") + speaking("h2", "HTTP2") + speaking("calls", "GRPC") + speaking("db", "TCP")
    + speaking("db2", "TCP")
private let edge = gateway(
    "edge", "name: web, port: 80, protocol: HTTP", "name: shop, port: 80, protocol: HTTP, hostname: \"*.shop.com\"",
    "name: db, port: 5432, protocol: TCP", "name: db2, port: 5433, protocol: TCP",
    "name: names, port: 853, protocol: TLS, tls: {mode: Passthrough}",
    "name: some, port: 853, protocol: TLS, hostname: \"*.a.com\", tls: {mode: Passthrough}")

/// `code@line:column`; the lines count from the manifests that are added.
private func errors(_ yaml: String) -> [String] {
    let base = (services + edge).utf8.count { $0 == UInt8(ascii: "\n") }
    return resolve(services + edge + yaml).errors.map {
        "\($0.code.rawValue.dropFirst("manifest.".count))@\($0.position.line - base):\($0.position.column)"
    }
}

@Suite struct ProtocolTests {
    @Test(arguments: [
        ("HTTPRoute", "parentRefs: [{kind: Service, name: web}], rules: [{backendRefs: [{name: h2}, {name: calls}]}]"),
        ("GRPCRoute", "parentRefs: [{kind: Service, name: calls}], rules: [{backendRefs: [{name: h2}]}]"),
        ("GRPCRoute", "parentRefs: [{name: edge}], rules: [{backendRefs: [{name: calls}]}]"),
        ("TCPRoute", "parentRefs: [{kind: Service, name: db}], rules: [{backendRefs: [{name: db}, {name: db2}]}]"),
        ("TCPRoute", "parentRefs: [{name: edge, sectionName: db}], rules: [{backendRefs: [{name: db}]}]"),
        ("TLSRoute", "parentRefs: [{name: edge}], rules: [{backendRefs: [{name: db}]}]"),
    ])
    func `what speaks the same fits`(kind: String, spec: String) {
        #expect(errors(resource(kind, "r", spec)) == [])
    }

    @Test(arguments: [
        ("HTTPRoute", "parentRefs: [{kind: Service, name: db}]", "5:43"),
        ("HTTPRoute", "parentRefs: [{name: edge}], rules: [{backendRefs: [{name: db}]}]", "5:66"),
        (
            "HTTPRoute",
            "parentRefs: [{name: edge}], rules: [{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: db}}}]}]",
            "5:112"
        ),
        ("HTTPRoute", "parentRefs: [{name: edge, sectionName: db}]", "5:47"),
        ("HTTPRoute", "parentRefs: [{name: edge, port: 853}]", "5:40"),
        ("GRPCRoute", "parentRefs: [{kind: Service, name: web}]", "5:43"),
        ("GRPCRoute", "parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web}]}]", "5:66"),
        ("GRPCRoute", "parentRefs: [{name: edge, sectionName: names}]", "5:47"),
        ("TCPRoute", "parentRefs: [{kind: Service, name: calls}], rules: [{backendRefs: [{name: db}]}]", "5:43"),
        ("TCPRoute", "parentRefs: [{kind: Service, name: db}], rules: [{backendRefs: [{name: web}]}]", "5:79"),
        ("TCPRoute", "parentRefs: [{name: edge, sectionName: web}], rules: [{backendRefs: [{name: db}]}]", "5:47"),
        ("TLSRoute", "parentRefs: [{name: edge, sectionName: db}], rules: [{backendRefs: [{name: db}]}]", "5:47"),
        ("TLSRoute", "parentRefs: [{name: edge}], rules: [{backendRefs: [{name: calls}]}]", "5:66"),
    ])
    func `what speaks something else is an error at its place`(kind: String, spec: String, place: String) {
        #expect(errors(resource(kind, "r", spec)) == ["wrong-protocol@\(place)"])
    }

    @Test func `a gateway without any listener for a route is an error at its name`() {
        let plain = gateway("plain", "name: web, port: 81, protocol: HTTP")
        let route = resource("TCPRoute", "r", "parentRefs: [{name: plain}], rules: [{backendRefs: [{name: db}]}]")
        #expect(errors(plain + route) == ["wrong-protocol@10:28"])
    }

    @Test(arguments: ["TCPRoute", "TLSRoute", "GRPCRoute"])
    func `references to what is not there are errors in every kind`(kind: String) {
        let rules = "rules: [{backendRefs: [{name: nothing}]}]"
        #expect(errors(resource(kind, "r", "parentRefs: [{name: edgy}], \(rules)")).count == 2)
        #expect(
            errors(resource(kind, "r", "parentRefs: [{name: edge, sectionName: x}], \(rules)")) == [
                "unknown-listener@5:47", "unknown-backend@5:82",
            ])
    }

    @Test func `an outbound address is for a TCP service that is there`() {
        func outbound(_ service: String) -> String {
            workload("w", "serviceAccount: w, outbound: {tcp: [{service: \(service), listen: \"127.0.0.1:1\"}]}")
        }
        #expect(errors(outbound("db.default.mesh")) == [])
        #expect(errors(outbound("db.shop")) == ["unknown-service@5:54"])
        #expect(errors(outbound("web")) == ["wrong-protocol@5:54"])
    }

    @Test func `outbound addresses of TCP overlap as others do`() {
        func outbound(_ name: String, _ rest: String) -> String {
            workload(name, "serviceAccount: w, outbound: {\(rest)}")
        }
        let db = "tcp: [{service: db, listen: \"127.0.0.1:5000\"}]"
        #expect(errors(outbound("w", db) + outbound("v", db)) == ["overlapping-listeners@5:66"])
        #expect(errors(outbound("w", "listen: \"127.0.0.1:5000\", \(db)")) == ["overlapping-listeners@5:92"])
        #expect(errors(outbound("w", db.replacing("5000", with: "5432"))).count == 1)
        let twice = "tcp: [{service: db, listen: \"unix:/run/a\"}, {service: db2, listen: \"unix:/run/a\"}]"
        #expect(errors(outbound("w", twice)) == ["overlapping-listeners@5:105"])
    }
}

@Suite struct RouteConflictsTests {
    private func http(_ name: String, _ rest: String) -> String {
        resource("HTTPRoute", name, "\(rest), rules: [{backendRefs: [{name: calls}]}]")
    }

    private func grpc(_ name: String, _ rest: String) -> String {
        resource("GRPCRoute", name, "\(rest), rules: [{backendRefs: [{name: calls}]}]")
    }

    @Test(arguments: [
        (nil, nil), (nil, "a.com"), ("a.com", nil), ("a.com", "a.com"), ("\"*.com\"", "a.com"), ("a.com", "\"*.com\""),
        ("\"*.com\"", "\"*.a.com\""), ("\"*.a.com\"", "\"*.com\""), ("x.y.a.com", "\"*.a.com\""),
        ("[b.org, a.com]", "[c.org, a.com]"),
    ])
    func `an HTTPRoute and a GRPCRoute of one listener share no hostname`(one: String?, two: String?) throws {
        func hostnames(_ text: String?) -> String {
            text.map { ", hostnames: \($0.hasPrefix("[") ? $0 : "[\($0)]")" } ?? ""
        }
        let parent = "parentRefs: [{name: edge, sectionName: web}]"
        let yaml = http("h", parent + hostnames(one)) + grpc("g", parent + hostnames(two))
        let found = resolve(services + edge + yaml).errors
        #expect(found.map(\.code) == [.conflictingRoutes])
        #expect(try #require(found.first).remedy.contains("HTTPRoute default/h stands at mesh.yaml:"))
    }

    @Test(arguments: [
        ("hostnames: [a.com]", "hostnames: [b.com]"), ("hostnames: [\"*.a.com\"]", "hostnames: [a.com]"),
        ("hostnames: [\"*.a.com\"]", "hostnames: [\"*.b.com\"]"),
        ("hostnames: [x.a.com]", "hostnames: [\"*.x.a.com\"]"),
    ])
    func `routes without a hostname in common stand beside each other`(one: String, two: String) {
        let parent = "parentRefs: [{name: edge, sectionName: web}]"
        #expect(errors(http("h", "\(parent), \(one)") + grpc("g", "\(parent), \(two)")) == [])
    }

    @Test func `only hostnames that the listener has count`() {
        let shop = "parentRefs: [{name: edge, sectionName: shop}], hostnames"
        #expect(errors(http("h", "\(shop): [a.com, x.shop.com]") + grpc("g", "\(shop): [a.com, y.shop.com]")) == [])
        #expect(errors(http("h", "\(shop): [\"*.com\"]") + grpc("g", "\(shop): [y.shop.com]")).count == 1)
        let web = "parentRefs: [{name: edge, sectionName: web}]"
        #expect(errors(http("h", web) + grpc("g", "\(shop): [y.shop.com]")) == [])
    }

    @Test func `a service has routes of one kind in a namespace`() {
        let parent = "parentRefs: [{kind: Service, name: calls}]"
        #expect(errors(http("h", parent) + grpc("g", parent)) == ["conflicting-routes@10:43"])
        let elsewhere = grpc("g", "parentRefs: [{kind: Service, name: calls, namespace: default}]")
            .replacing("{name: g}", with: "{name: g, namespace: shop}").replacing(
                "backendRefs: [{name: calls}]", with: "backendRefs: [{name: calls, namespace: default}]")
        #expect(errors(http("h", parent) + elsewhere) == [])
    }

    @Test func `a service and a TCP listener have one TCPRoute`() {
        func route(_ name: String, _ parent: String) -> String {
            resource("TCPRoute", name, "parentRefs: [\(parent)], rules: [{backendRefs: [{name: db}]}]")
        }
        let service = "{kind: Service, name: db}"
        #expect(errors(route("a", service) + route("b", service)) == ["conflicting-routes@10:43"])
        let listener = "{name: edge, sectionName: db}"
        #expect(errors(route("a", listener) + route("b", listener)) == ["conflicting-routes@10:28"])
        #expect(errors(route("a", listener) + route("b", "{name: edge, sectionName: db2}")) == [])
        #expect(errors(route("a", "\(listener), {name: edge, port: 5432}, \(service), \(service)")) == [])
    }

    @Test func `a hostname is in one TLSRoute of a listener`() {
        func route(_ name: String, _ rest: String) -> String {
            resource("TLSRoute", name, "\(rest), rules: [{backendRefs: [{name: db}]}]")
        }
        let parent = "parentRefs: [{name: edge, sectionName: names}]"
        #expect(errors(route("a", parent) + route("b", parent)) == ["conflicting-routes@10:28"])
        #expect(
            errors(
                route("a", "\(parent), hostnames: [a.com, b.com]") + route("b", "\(parent), hostnames: [c.com, b.com]"))
                == ["conflicting-routes@10:75"])
        #expect(errors(route("a", "\(parent), hostnames: [a.com, a.com]") + route("b", parent)) == [])
        #expect(
            errors(route("a", "\(parent), hostnames: [\"*.com\"]") + route("b", "\(parent), hostnames: [a.com]")) == [])
    }

    @Test(arguments: [
        ("HTTPRoute", "GRPCRoute", "{kind: Service, name: calls}", "calls"),
        ("HTTPRoute", "GRPCRoute", "{name: edge, sectionName: web}", "calls"),
        ("TCPRoute", "TCPRoute", "{kind: Service, name: db}", "db"),
        ("TCPRoute", "TCPRoute", "{name: edge, sectionName: db}", "db"),
        ("TLSRoute", "TLSRoute", "{name: edge, sectionName: names}", "db"),
    ])
    func `of two that exclude each other the one that is handed in is at fault`(
        one: String, other: String, parent: String, backend: String
    ) throws {
        let spec = "parentRefs: [\(parent)], rules: [{backendRefs: [{name: \(backend)}]}]"
        let yaml = services + edge + resource(one, "a", spec) + resource(other, "b", spec)
        let file = ManifestDecoder.decode(Array(yaml.utf8), path: "mesh.yaml")
        let places = file.resources.suffix(2).map(\.metadata.position)
        for (new, former) in [(places[0], places[1]), (places[1], places[0])] {
            let errors = Resolution([file], node: nil) { $0 == new }.errors
            #expect(errors.map(\.code) == [.conflictingRoutes])
            let error = try #require(errors.first)
            #expect(error.position.line == new.line + 1 && error.remedy.contains("\(former)"), "\(error)")
        }
    }

    @Test(arguments: [
        ("TCP", "TCPRoute", "backendRefs: [{name: db}]", ""),
        ("TLS, tls: {mode: Passthrough}", "TLSRoute", "backendRefs: [{name: db}]", "hostnames: [a.com], "),
    ])
    func `of listeners and routes that all exclude each other a hundred conflicts are told`(
        protocol: String, kind: String, rule: String, hostnames: String
    ) {
        let count = 40
        let listeners = (0..<count).map { "{name: l\($0), port: \(9_000 + $0), protocol: \(`protocol`)}" }
        let routes = (0..<count).map {
            resource(kind, "r\($0)", "parentRefs: [{name: many}], \(hostnames)rules: [{\(rule)}]")
        }
        let many = resource("Gateway", "many", "listeners: [\(listeners.joined(separator: ", "))]")
        let found = resolve(services + many + routes.joined()).errors
        #expect(found.count == 100)
        #expect(Set(found.map(\.code)) == [.conflictingRoutes])
    }

    @Test func `many routes are checked in time that grows with them alone`() {
        let routes = (0..<2_000).map { number in
            http("h\(number)", "parentRefs: [{name: edge}], hostnames: [h\(number).com]")
                + grpc("g\(number)", "parentRefs: [{name: edge}], hostnames: [g\(number).com]")
        }
        #expect(errors(routes.joined()) == [])
    }
}

@Suite struct RouteQueriesTests {
    @Test func `routes are found by what they are attached to`() throws {
        let yaml =
            resource("GRPCRoute", "g", "parentRefs: [{kind: Service, name: calls}, {name: edge, sectionName: web}]")
            + resource(
                "TCPRoute", "t",
                "parentRefs: [{kind: Service, name: db}, {name: edge, sectionName: db}], rules: [{backendRefs: [{name: db2}]}]"
            )
            + resource(
                "TLSRoute", "s", "parentRefs: [{name: edge}], hostnames: [a.com], rules: [{backendRefs: [{name: db}]}]")
        let snapshot = try #require(resolve(services + edge + yaml).snapshot)
        let calls = ResourceName(namespace: "default", name: "calls")
        let db = ResourceName(namespace: "default", name: "db")
        let gateway = snapshot.gateways[0]
        let name = gateway.metadata.name
        #expect(snapshot.routes(forService: calls).map(\.writtenAs) == [.grpcRoute])
        #expect(snapshot.tcpRoutes(forService: db).map(\.metadata.name.name) == ["t"])
        #expect(snapshot.tcpRoute(forService: db, calledFrom: "elsewhere")?.metadata.name.name == "t")
        #expect(snapshot.tcpRoute(forService: calls, calledFrom: "default") == nil)
        #expect(
            gateway.listeners.map { snapshot.routes(forGateway: name, listener: $0).count } == [1, 0, 0, 0, 0, 0])
        #expect(
            gateway.listeners.map { snapshot.tcpRoute(forGateway: name, listener: $0) != nil }
                == [false, false, true, false, false, false])
        #expect(
            gateway.listeners.map { snapshot.tlsRoutes(forGateway: name, listener: $0).count } == [0, 0, 0, 0, 1, 0])
        #expect(snapshot.resources.count(.httpRoute) == 0 && snapshot.resources.count(.grpcRoute) == 1)
    }

    @Test func `a caller's own namespace may have a TCPRoute for a service of another one`() throws {
        func route(_ namespace: String, _ backend: String) -> String {
            """
            ---
            apiVersion: heddle/v1
            kind: TCPRoute
            metadata: {name: r, namespace: \(namespace)}
            spec:
              parentRefs: [{kind: Service, name: db, namespace: default}]
              rules: [{backendRefs: [{name: \(backend), namespace: default}]}]

            """
        }
        let snapshot = try #require(resolve(services + route("default", "db") + route("shop", "db2")).snapshot)
        let db = ResourceName(namespace: "default", name: "db")
        func backend(_ namespace: String) -> String? {
            snapshot.tcpRoute(forService: db, calledFrom: namespace)?.rule.backendRefs.first?.service.value.name
        }
        #expect(backend("shop") == "db2")
        #expect(backend("default") == "db")
        #expect(backend("ops") == "db")
    }

    @Test func `a TLSRoute none of whose hostnames a listener has is warned of`() {
        let spec =
            "parentRefs: [{name: edge, sectionName: some}], hostnames: [b.org], rules: [{backendRefs: [{name: db}]}]"
        let resolution = resolve(services + edge + resource("TLSRoute", "s", spec))
        #expect(resolution.errors.isEmpty)
        #expect(resolution.warnings.map(\.code).filter { $0 != .listenerWithoutRoute } == [.routeWithoutHost])
    }
}
