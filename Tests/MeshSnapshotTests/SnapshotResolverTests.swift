import Diagnostics
import Manifests
import MeshSnapshot
import SPIFFE
import Testing

@Test func `an empty folder is a mesh of defaults`() throws {
    let resolution = resolve([])
    let snapshot = try #require(resolution.snapshot)
    #expect(resolution.diagnostics.isEmpty)
    #expect(snapshot.mesh.trustDomain.name == "mesh.local")
    #expect(snapshot.mesh.defaultAction == .deny)
    #expect(snapshot.services.isEmpty)
}

@Test func `a resource written twice names both places`() throws {
    let resolution = resolve([("a.yaml", service("orders")), ("b.yaml", service("orders"))])
    let error = try #require(resolution.errors.first)
    #expect(resolution.snapshot == nil)
    #expect(resolution.errors.count == 1)
    #expect(error.code == .duplicateResource)
    #expect(error.position.file == "b.yaml")
    #expect(error.position.line == 4)
    #expect(error.remedy.contains("a.yaml:4:18"))
}

@Test func `one name may be several kinds', and several namespaces'`() {
    let other = service("orders").replacing("{name: orders}", with: "{name: orders, namespace: shop}")
    let yaml = service("orders") + other + workload("orders", "service: orders")
    #expect(resolve(yaml).errors.isEmpty)
}

@Test func `a second Mesh is an error whatever its name`() {
    let second = filesAuthority.replacing("name: mesh", with: "name: other")
    let resolution = resolve(filesAuthority + second)
    #expect(resolution.errors.map(\.code) == [.severalMeshes])
}

@Test func `a built-in authority with two nodes is an error`() {
    let nodes = node("a", "192.0.2.1:15008") + node("b", "192.0.2.2:15008")
    #expect(resolve(nodes, node: "a").errors.map(\.code) == [.authorityNotShared])
    #expect(resolve(filesAuthority + nodes, node: "a").errors.isEmpty)
    #expect(resolve(node("a", "192.0.2.1:15008"), node: "a").errors.isEmpty)
}

@Test(arguments: [
    (
        "parentRefs: [{name: payments}]", Diagnostic.Code.unknownGateway,
        "write kind: Service in the parentRef: without a kind it names a Gateway"
    ),
    ("parentRefs: [{kind: Service, name: edge}]", .unknownService, "write kind: Gateway in the parentRef"),
])
func `a parent of the other kind is said to be one`(spec: String, code: Diagnostic.Code, remedy: String) {
    let edge = gateway("edge", "name: web, port: 80, protocol: HTTP")
    let resolution = resolve(edge + service("payments") + route("r", spec))
    #expect(resolution.errors.map(\.code) == [code])
    #expect(resolution.errors.map(\.remedy) == [remedy])
}

@Test(arguments: [
    (workload("w", "service: paymets"), Diagnostic.Code.unknownService),
    (workload("w", "service: payments, node: nowhere"), .unknownNode),
    (gateway("g", node: "nowhere", "name: web, port: 8080, protocol: HTTP"), .unknownNode),
    (route("r", "parentRefs: [{kind: Service, name: paymets}]"), .unknownService),
    (route("r", "parentRefs: [{name: edgy}]"), .unknownGateway),
    (route("r", "parentRefs: [{name: edge, sectionName: wbe}]"), .unknownListener),
    (route("r", "parentRefs: [{name: edge, port: 81}]"), .unknownListener),
    (route("r", "parentRefs: [{name: edge, sectionName: web, port: 443}]"), .unknownListener),
    (route("r", "parentRefs: [{name: edge}], rules: [{backendRefs: [{name: paymets}]}]"), .unknownBackend),
    (
        route(
            "r",
            """
            parentRefs: [{name: edge}], rules: [{filters: [{type: RequestMirror, \
            requestMirror: {backendRef: {name: paymets}}}], backendRefs: [{name: payments}]}]
            """), .unknownBackend
    ),
    (
        """
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: p}
        spec: {targetRefs: [{kind: Service, name: paymets}], action: ALLOW, rules: [{}]}
        """, .unknownService
    ),
])
func `a reference to what is not there is an error`(yaml: String, code: Diagnostic.Code) {
    let edge = gateway(
        "edge", "name: web, port: 80, protocol: HTTP",
        "name: tls, port: 443, protocol: HTTPS, tls: {certificateFile: a, keyFile: b}")
    let resolution = resolve(service("payments") + edge + yaml)
    #expect(resolution.errors.map(\.code) == [code])
    #expect(resolution.snapshot == nil)
}

@Test func `an unknown backend says where, what was meant, and how to mend it`() throws {
    let yaml = """
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: checkout, namespace: shop}
        spec:
          parentRefs:
            - {kind: Service, name: payments}
          rules:
            - backendRefs:
                - name: paymets

        """
    let payments = service("payments").replacing("name: payments", with: "name: payments, namespace: shop")
    let resolution = resolve(yaml + payments)
    let error = try #require(resolution.errors.first)
    #expect(error.description.hasPrefix("mesh.yaml:9:17: error[manifest.unknown-backend]: found \"paymets\""))
    #expect(error.expected == "a Service in namespace \"shop\"")
    #expect(error.remedy == "change it to \"payments\", or add a Service named \"paymets\"")
}

@Test func `a service of another namespace is pointed out`() throws {
    let elsewhere = service("orders").replacing("name: orders", with: "name: orders, namespace: shop")
    let resolution = resolve(elsewhere + route("r", "parentRefs: [{kind: Service, name: orders}]"))
    #expect(try #require(resolution.errors.first).remedy.contains("\"shop\""))
}

@Test func `what a broken file may hold is said where it is missed`() throws {
    let resolution = resolve([("a.yaml", workload("w", "service: orders")), ("b.yaml", "a: [")])
    let error = try #require(resolution.errors.first { $0.code == .unknownService })
    #expect(resolution.errors.count == 2)
    #expect(error.remedy.contains("mend b.yaml first"))
}

@Test func `a mesh with nodes wants to know which one`() {
    let one = filesAuthority + node("a", "192.0.2.1:15008")
    #expect(resolve(one).errors.map(\.code) == [.nodeRequired])
    #expect(resolve(one, requiresNode: false).errors.isEmpty)
    #expect(resolve(one, node: "a").snapshot?.node == "a")
    #expect(resolve(one, node: "b").errors.map(\.code) == [.unknownNode])
    #expect(resolve(one, node: "b").errors.map(\.expected) == ["the name of a Node: \"a\""])
    #expect(resolve("", node: "b").errors.map(\.code) == [.unknownNode])
    let workloads = one + service("orders") + workload("w", "service: orders")
    #expect(resolve(workloads, node: "a").errors.map(\.code) == [.nodeRequired])
}

@Test(arguments: [
    (service("a", "hostnames: [x.example.com]") + service("b", "hostnames: [x.example.com]"), "13:13"),
    (service("orders") + service("b", "hostnames: [orders.default.mesh]"), "11:21"),
    (service("orders") + service("b", "hostnames: [orders.default]"), "11:21"),
    (service("orders") + service("b", "hostnames: [orders]"), "11:21"),
    (service("a", "hostnames: [a.default]"), "5:21"),
])
func `a hostname names one service`(yaml: String, place: String) {
    let places = resolve(yaml).errorPlaces
    #expect(places.count == 1)
    #expect(places.first?.hasPrefix("manifest.hostname-taken@") == true)
}

@Test func `a service is found by every name it has`() throws {
    let shop = service("orders", "hostnames: [orders.example.com]")
        .replacing("{name: orders}", with: "{name: orders, namespace: shop}")
    let snapshot = try #require(resolve(shop).snapshot)
    let name = ResourceName(namespace: "shop", name: "orders")
    for host in ["orders", "orders.shop", "orders.shop.mesh", "orders.example.com"] {
        #expect(snapshot.serviceNamed(host: host, from: "shop") == name)
    }
    #expect(snapshot.serviceNamed(host: "orders", from: "other") == nil)
    #expect(snapshot.serviceNamed(host: "orders.shop", from: "other") == name)
    #expect(snapshot.serviceNamed(host: "orders.other", from: "shop") == nil)
    #expect(Service.hostnames(of: name) == ["orders.shop", "orders.shop.mesh"])
}

@Test func `lists are found by what they belong to, in the order of names`() throws {
    let policy = { (name: String, targets: String) in
        """
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: \(name)}
        spec: {\(targets)action: ALLOW, rules: [{}]}

        """
    }
    let yaml =
        service("orders") + service("users") + workload("w2", "service: orders") + workload("w1", "service: orders")
        + policy("z", "") + policy("a", "targetRefs: [{kind: Service, name: orders}], ")
        + route("s", "parentRefs: [{kind: Service, name: orders}, {kind: Service, name: orders}]")
        + gateway(
            "edge", "name: one, port: 80, protocol: HTTP, hostname: \"*.one.com\"",
            "name: all, port: 80, protocol: HTTP")
        + route("g", "parentRefs: [{name: edge}], hostnames: [a.two.com]")
    let snapshot = try #require(resolve(yaml).snapshot)
    let orders = ResourceName(namespace: "default", name: "orders")
    let users = ResourceName(namespace: "default", name: "users")
    #expect(snapshot.workloads(of: orders).map(\.metadata.name.name) == ["w1", "w2"])
    #expect(snapshot.policies(for: orders).map(\.metadata.name.name) == ["a", "z"])
    #expect(snapshot.policies(for: users).map(\.metadata.name.name) == ["z"])
    #expect(snapshot.routes(forService: orders).map(\.metadata.name.name) == ["s"])
    let edge = snapshot.gateways[0]
    #expect(snapshot.routes(forGateway: edge.metadata.name, listener: edge.listeners[0]).isEmpty)
    #expect(snapshot.routes(forGateway: edge.metadata.name, listener: edge.listeners[1]).count == 1)
}

@Test func `what is probably not meant is a warning`() {
    let edge = gateway("edge", "name: web, port: 80, protocol: HTTP, hostname: a.example.com")
    let resolution = resolve(
        service("orders", "") + edge
            + route(
                "r", "parentRefs: [{name: edge}], hostnames: [b.example.com], rules: [{backendRefs: [{name: orders}]}]")
            + route(
                "s",
                """
                parentRefs: [{kind: Service, name: orders}], hostnames: [b.example.com], \
                rules: [{backendRefs: [{name: orders}]}]
                """))
    #expect(resolution.snapshot != nil)
    #expect(
        resolution.warnings.map(\.code) == [.serviceWithoutEndpoint, .routeWithoutHost, .hostnamesIgnored])
}

@Test(arguments: [
    ("orders", "backendRefs: [{name: v1}]", [String]()),
    ("orders", "filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]", []),
    ("orders", "backendRefs: [{name: v1}, {name: orders, weight: 0}]", []),
    ("orders", "backendRefs: [{name: v1}, {name: orders}]", ["orders"]),
    (
        "orders",
        "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: orders}}}], backendRefs: [{name: v1}]",
        ["orders"]
    ),
    ("v1", "backendRefs: [{name: v1}]", ["orders"]),
])
func `a service whose routes send every call elsewhere needs no endpoint`(
    parent: String, rule: String, warned: [String]
) {
    let resolution = resolve(
        service("v1") + service("orders", "")
            + route("r", "parentRefs: [{kind: Service, name: \(parent)}], rules: [{\(rule)}]"))
    #expect(resolution.errors.isEmpty)
    #expect(resolution.warnings.map(\.code) == warned.map { _ in .serviceWithoutEndpoint })
}

@Test(arguments: [("HTTP", "calls to it are answered with 503"), ("TCP", "connections to it are closed")])
func `what becomes of calls to a service without an endpoint is said as its protocol has it`(
    name: String, words: String
) {
    let warnings = resolve(service("a", "protocol: \(name)")).warnings
    #expect(warnings.map(\.code) == [.serviceWithoutEndpoint])
    #expect(warnings.first?.expected.hasSuffix(words) == true, "\(warnings)")
}

@Test func `a service that routes of other services name needs an endpoint`() {
    let yaml =
        service("v1") + service("orders", "") + service("web")
        + route("r", "parentRefs: [{kind: Service, name: orders}], rules: [{backendRefs: [{name: v1}]}]")
    let other = route("s", "parentRefs: [{kind: Service, name: web}], rules: [{backendRefs: [{name: orders}]}]")
    #expect(resolve(yaml).warnings.isEmpty)
    #expect(resolve(yaml + other).warnings.map(\.code) == [.serviceWithoutEndpoint])
}

@Test func `a route that only callers of another namespace have leaves a service in need of an endpoint`() {
    let consumer = route(
        "r", "parentRefs: [{kind: Service, name: orders, namespace: default}], rules: [{backendRefs: [{name: v1}]}]"
    ).replacing("{name: r}", with: "{name: r, namespace: other}")
    let other = service("v1").replacing("{name: v1}", with: "{name: v1, namespace: other}")
    #expect(resolve(service("orders", "") + other + consumer).warnings.map(\.code) == [.serviceWithoutEndpoint])
}

@Test func `a TCP service whose route sends every connection elsewhere needs no endpoint`() {
    let services =
        service("db", "protocol: TCP") + service("v1", "protocol: TCP, endpoints: [{address: \"192.0.2.1:1\"}]")
    let tcpRoute = { (backends: String) in
        route("r", "parentRefs: [{kind: Service, name: db}], rules: [{backendRefs: [\(backends)]}]")
            .replacing("HTTPRoute", with: "TCPRoute")
    }
    #expect(resolve(services + tcpRoute("{name: v1}")).warnings.isEmpty)
    #expect(resolve(services + tcpRoute("{name: v1}, {name: db}")).warnings.map(\.code) == [.serviceWithoutEndpoint])
}

@Test func `more than 100,000 resources are refused at once`() {
    let file = ManifestDecoder.decode(Array(service("a").utf8), path: "a.yaml")
    let many = ManifestFile(
        path: "a.yaml", resources: Array(repeating: file.resources[0], count: 100_001), diagnostics: [])
    #expect(Resolution([many], node: nil).errors.map(\.code) == [.tooManyResources])
}

@Test func `mistakes of decoding and of resolving come together, by position`() {
    let yaml = workload("w", "service: paymets") + service("b", "endpoint: []")
    let resolution = resolve(yaml)
    #expect(resolution.errors.count == 2)
    #expect(resolution.errors[0].code == .unknownService)
    #expect(resolution.errors[0].position < resolution.errors[1].position)
}
