import Diagnostics
import Manifests
import MeshSnapshot
import Testing

/// Which services are called in plain, where, and what there is to say of it.
struct PlainPortsTests {
    private static func peer(_ name: String, in namespace: String = "default", _ mode: String, _ targets: String = "")
        -> String
    {
        let refs = targets.isEmpty ? "" : "targetRefs: [\(targets)], "
        return "---\napiVersion: heddle/v1\nkind: PeerAuthentication\n"
            + "metadata: {name: \(name), namespace: \(namespace)}\nspec: {\(refs)mtls: {mode: \(mode)}}\n"
    }

    private static let mesh = "{kind: Mesh, name: mesh}"
    private static func target(_ name: String) -> String { "{kind: Service, name: \(name)}" }

    /// A service with a port.
    private static func open(_ name: String, port: Int) -> String {
        service(name, "")
            + workload(
                "\(name)-1",
                "service: \(name), address: \"127.0.0.1:\(port + 1)\", inbound: {plain: \"0.0.0.0:\(port)\"}")
    }

    // MARK: Precedence

    private static let precedence: [(peers: [String], isPermissive: Bool)] = [
        ([], false), ([peer("m", "PERMISSIVE", mesh)], true), ([peer("n", "PERMISSIVE")], true),
        ([peer("s", "PERMISSIVE", target("a"))], true), ([peer("s", "PERMISSIVE", target("b"))], false),
        ([peer("n", in: "other", "PERMISSIVE")], false), ([peer("m", in: "other", "PERMISSIVE", mesh)], true),
        // The more specific one, whatever it says, and in whatever order.
        ([peer("m", "PERMISSIVE", mesh), peer("n", "STRICT")], false),
        ([peer("n", "STRICT"), peer("m", "PERMISSIVE", mesh)], false),
        ([peer("m", "STRICT", mesh), peer("n", "PERMISSIVE")], true),
        ([peer("n", "PERMISSIVE"), peer("s", "STRICT", target("a"))], false),
        ([peer("n", "STRICT"), peer("s", "PERMISSIVE", "\(target("b")), \(target("a"))")], true),
        ([peer("m", "PERMISSIVE", mesh), peer("n", "PERMISSIVE"), peer("s", "STRICT", target("a"))], false),
        ([peer("m", "STRICT", mesh), peer("s", "PERMISSIVE", target("a"))], true),
        ([peer("both", "PERMISSIVE", "\(target("b")), \(mesh)"), peer("n", "STRICT")], false),
    ]

    @Test(arguments: precedence)
    func `the most specific PeerAuthentication decides`(peers: [String], isPermissive: Bool) throws {
        let resolution = resolve(service("a") + service("b") + peers.joined())
        let snapshot = try #require(resolution.snapshot, "\(resolution.errors)")
        #expect(snapshot.peerModes.isPermissive(ResourceName(namespace: "default", name: "a")) == isPermissive)
    }

    @Test func `a service that nothing is said of is STRICT`() throws {
        let snapshot = try #require(resolve(service("a")).snapshot)
        #expect(snapshot.peerModes.decisive(for: ResourceName(namespace: "default", name: "a")) == nil)
    }

    private static let conflicts: [(peers: [String], what: String)] = [
        ([peer("x", "STRICT", mesh), peer("y", "PERMISSIVE", mesh)], "the mesh"),
        ([peer("x", "STRICT", mesh), peer("y", in: "other", "STRICT", mesh)], "the mesh"),
        ([peer("x", "STRICT"), peer("y", "PERMISSIVE")], "namespace \"default\""),
        ([peer("x", "STRICT", target("a")), peer("y", "PERMISSIVE", target("a"))], "Service \"a\""),
    ]

    @Test(arguments: conflicts)
    func `two for the same are an error that names both`(peers: [String], what: String) {
        let errors = resolve(service("a") + peers.joined()).errors
        #expect(errors.map(\.code.rawValue) == ["manifest.conflicting-peer-modes"])
        #expect(errors[0].found.contains(what) && errors[0].found.contains("/y"))
        #expect(errors[0].remedy.contains("default/x") && errors[0].remedy.contains("mesh.yaml:"))
    }

    @Test func `one that names a service twice is an error`() {
        let errors = resolve(service("a") + Self.peer("x", "STRICT", "\(Self.target("a")), \(Self.target("a"))")).errors
        #expect(errors.map(\.code.rawValue) == ["manifest.conflicting-peer-modes"])
        #expect(errors[0].found == "Service \"a\" a second time")
    }

    @Test func `what is named must be there`() {
        let errors = resolve(service("orders") + Self.peer("x", "STRICT", Self.target("ordres"))).errors
        #expect(errors.map(\.code.rawValue) == ["manifest.unknown-service"])
        #expect(errors[0].remedy.contains("orders"))
        let mesh = resolve(Self.peer("x", "STRICT", "{kind: Mesh, name: shop}")).errors
        #expect(mesh.map(\.code.rawValue) == ["manifest.invalid-value"])
        #expect(mesh[0].expected.contains("\"mesh\""))
    }

    // MARK: Ports

    private static let fitting: [[String]] = [
        [open("a", port: 8080), peer("s", "PERMISSIVE", target("a"))],
        [open("a", port: 8080), service("b", ""), peer("n", "PERMISSIVE")],
        [open("a", port: 8080), peer("m", "PERMISSIVE", mesh)], [service("a"), peer("s", "STRICT", target("a"))],
        [service("a"), peer("n", "STRICT"), peer("m", "STRICT", mesh)],
    ]

    @Test(arguments: fitting)
    func `where each has the other there is nothing to say`(resources: [String]) {
        #expect(resolve(resources.joined()).diagnostics.filter { $0.code != .serviceWithoutEndpoint } == [])
    }

    private static let closed: [(resources: [String], why: String)] = [
        ([open("a", port: 8080)], "the default, STRICT"),
        ([open("a", port: 8080), peer("s", "STRICT", target("a"))], "mode: STRICT at mesh.yaml:"),
        (
            [open("a", port: 8080), open("b", port: 8090), peer("s", "PERMISSIVE", target("b"))],
            "the default, STRICT"
        ),
    ]

    @Test(arguments: closed)
    func `a port of a STRICT service is closed, which is told`(resources: [String], why: String) {
        let resolution = resolve(resources.joined())
        #expect(resolution.errors.isEmpty, "\(resolution.errors)")
        #expect(resolution.warnings.map(\.code.rawValue) == ["manifest.plain-port-closed"])
        #expect(resolution.warnings[0].expected.contains(why))
        #expect(resolution.snapshot?.plainWorkloads(of: ResourceName(namespace: "default", name: "a")).isEmpty == true)
    }

    @Test(arguments: [
        (peer("s", "PERMISSIVE", target("a")), "Service \"a\""), (peer("n", "PERMISSIVE"), "namespace \"default\""),
        (peer("m", "PERMISSIVE", mesh), "any Service of the mesh"),
        (peer("n", in: "other", "PERMISSIVE"), "namespace \"other\""),
    ])
    func `one that opens no port is told of`(peers: String, whose: String) {
        let resolution = resolve(service("a") + peers)
        #expect(resolution.errors.isEmpty, "\(resolution.errors)")
        #expect(resolution.warnings.map(\.code.rawValue) == ["manifest.permissive-without-port"])
        #expect(resolution.warnings[0].found.contains(whose))
    }

    @Test func `one whose services others decide for opens no port`() {
        let yaml =
            Self.open("a", port: 8080) + Self.peer("s", "PERMISSIVE", Self.target("a")) + Self.peer("n", "PERMISSIVE")
        #expect(resolve(yaml).warnings.map(\.code.rawValue) == ["manifest.permissive-without-port"])
    }

    private static let taken: [[String]] = [
        [open("a", port: 8080), workload("w", "serviceAccount: s, outbound: {listen: \"127.0.0.1:8080\"}")],
        [open("a", port: 8080), open("b", port: 8080).replacing("127.0.0.1:8081", with: "127.0.0.1:9000")],
        [open("a", port: 8080), gateway("g", "name: a, port: 8080, protocol: HTTP, address: 192.0.2.1")],
        [
            service("a", ""),
            workload("a-1", "service: a, address: \"127.0.0.1:80\", inbound: {plain: \"0.0.0.0:80\"}"),
        ],
    ]

    @Test(arguments: taken)
    func `a port for plain calls takes no other's, whether it is open or not`(resources: [String]) {
        let yaml = resources.joined()
        #expect(resolve(yaml).errors.map(\.code) == [.overlappingListeners])
        #expect(resolve(yaml + Self.peer("n", "PERMISSIVE")).errors.map(\.code) == [.overlappingListeners])
    }

    @Test func `on two nodes the same port is two`() {
        func on(_ node: String) -> String {
            workload(
                "a-\(node)",
                "service: a, node: \(node), address: \"127.0.0.1:81\", inbound: {plain: \"0.0.0.0:80\"}")
        }
        let yaml =
            filesAuthority + node("x", "192.0.2.1:15008") + node("y", "192.0.2.2:15008") + service("a", "") + on("x")
            + on("y") + Self.peer("n", "PERMISSIVE")
        #expect(resolve(yaml, node: "x").diagnostics == [])
    }

    @Test func `an endpoint that is its own service's port leads back to it`() {
        let yaml =
            service("a", "")
            + workload("a-1", "service: a, address: \"192.0.2.1:80\", inbound: {plain: \"192.0.2.1:80\"}")
        #expect(resolve(yaml).errors.map(\.code.rawValue) == ["manifest.endpoint-loop"])
    }
}
