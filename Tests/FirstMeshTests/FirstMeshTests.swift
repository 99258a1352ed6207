import Authorization
import CommonValues
import Diagnostics
import LocalAttestation
import Manifests
import MeshSnapshot
import Testing

@testable import FirstMesh

/// What is written for the ports of a host is a mesh without a mistake, whatever listens there.
struct FirstMeshTests {
    private static let loopback = IPAddress(v4: 0x7F00_0001)

    private static func port(
        _ number: UInt16, _ address: String = "127.0.0.1", uid: UInt32 = 1000, group: String? = nil,
        executable: String? = nil, isIPv6Only: Bool = false
    ) throws -> OpenPort {
        OpenPort(
            address: try #require(IPAddress(address)), port: number, isIPv6Only: isIPv6Only, uid: uid,
            controlGroup: group, executable: executable)
    }

    /// As `heddle check` judges it, and with the rules no comments any more, too.
    private static func check(
        _ mesh: FirstMesh, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> MeshSnapshot {
        let texts = mesh.files.map { ($0.name, $0.text) }
        let enabled = texts.map { ($0.0, $0.1.withRules) }
        for files in [enabled, texts] {
            let resolution = resolve(files)
            #expect(resolution.diagnostics == [], sourceLocation: sourceLocation)
            let snapshot = try #require(resolution.snapshot, sourceLocation: sourceLocation)
            #expect(PolicyLint.check(snapshot).filter { $0.severity == .error } == [], sourceLocation: sourceLocation)
        }
        let snapshot = try #require(resolve(texts).snapshot)
        #expect(PolicyLint.check(snapshot) == [], sourceLocation: sourceLocation)
        #expect(snapshot.policies.isEmpty && snapshot.mesh.defaultAction == .deny, sourceLocation: sourceLocation)
        #expect(Set(mesh.files.map(\.name)).count == mesh.files.count, sourceLocation: sourceLocation)
        return snapshot
    }

    private static func resolve(_ files: [(String, String)]) -> Resolution {
        Resolution(
            files.map { ManifestDecoder.decode(Array($0.1.utf8), path: $0.0) }, node: nil, requiresNode: false)
    }

    private static func names(_ mesh: FirstMesh) -> [String] { mesh.files.dropFirst().map(\.name) }

    @Test func `a host where nothing listens has a mesh without services`() throws {
        let mesh = FirstMesh(of: []) { _ in nil }
        #expect(mesh.files.map(\.name) == ["mesh.yaml"])
        #expect(try Self.check(mesh).services.isEmpty)
    }

    @Test func `a unit's port is its service, which nobody may call`() throws {
        let mesh = FirstMesh(of: [
            try Self.port(8080, "0.0.0.0", group: "/system.slice/orders.service", executable: "/usr/bin/orders")
        ]) { _ in "orders" }
        #expect(Self.names(mesh) == ["orders.yaml"])
        let snapshot = try Self.check(mesh)
        let workload = try #require(snapshot.workloads.first)
        #expect(workload.address?.value.description == "127.0.0.1:8080")
        #expect(workload.outboundListen?.value.description == "127.0.0.1:15101")
        #expect(workload.selectors.map(\.unit) == ["orders.service"])
        #expect(workload.serviceAccount.value == "orders")
        #expect(mesh.files[1].text.contains("Other hosts reach it"))
        #expect(mesh.summary == ["orders: 0.0.0.0:8080, as user orders, in orders.service, executing /usr/bin/orders"])
    }

    @Test func `without a unit it is a user's, and one program's`() throws {
        let mesh = FirstMesh(of: [
            try Self.port(5432, "::1", executable: "/usr/lib/postgresql/15/bin/postgres"),
            try Self.port(9999, uid: 12),
        ]) { $0 == 1000 ? "postgres" : nil }
        #expect(Self.names(mesh) == ["postgres.yaml", "port.yaml"])
        let snapshot = try Self.check(mesh)
        let first = try #require(snapshot.workloads.first { $0.metadata.name.name == "postgres" })
        #expect(first.address?.value.description == "[::1]:5432")
        #expect(first.selectors.map(\.user?.value) == ["postgres"])
        #expect(first.selectors.map(\.path?.value) == ["/usr/lib/postgresql/15/bin/postgres"])
        let second = try #require(snapshot.workloads.first { $0.metadata.name.name == "port" })
        #expect(second.selectors.map(\.uid) == [12])
        #expect(!mesh.files[1].text.contains("Other hosts reach it"))
    }

    @Test func `one process with several ports has several services, and calls from one place`() throws {
        let mesh = FirstMesh(of: [
            try Self.port(80, "0.0.0.0", uid: 0, group: "/system.slice/nginx.service"),
            try Self.port(80, "::", uid: 0, group: "/system.slice/nginx.service", isIPv6Only: true),
            try Self.port(443, "::", uid: 0, group: "/system.slice/nginx.service"),
        ]) { _ in "root" }
        #expect(Self.names(mesh) == ["nginx-80.yaml", "nginx-443.yaml"])
        let workloads = try Self.check(mesh).workloads
        #expect(Set(workloads.compactMap { $0.address?.value.description }) == ["127.0.0.1:80", "127.0.0.1:443"])
        #expect(workloads.count { $0.outboundListen != nil } == 1)
        // As one account, whichever of its ports its caller came by.
        #expect(Set(workloads.map(\.serviceAccount.value)) == ["nginx"])
    }

    @Test func `an account of several ports is no other process's`() throws {
        let mesh = FirstMesh(of: [
            try Self.port(8080, uid: 1, executable: "/opt/a/web"),
            try Self.port(8081, uid: 1, executable: "/opt/a/web"),
            try Self.port(8080, "127.0.0.2", uid: 2, executable: "/opt/b/web"),
            try Self.port(8082, uid: 2, executable: "/opt/b/web"),
            try Self.port(8083, uid: 3, executable: "/opt/web-8080"),
            try Self.port(8084, uid: 4, executable: "/opt/web-2"),
        ]) { _ in nil }
        let accounts = Dictionary(grouping: try Self.check(mesh).workloads, by: \.serviceAccount.value)
        #expect(accounts.values.map(\.count).sorted() == [1, 1, 2, 2], "\(accounts.keys)")
    }

    @Test func `whose program was not seen is not every process of root`() throws {
        let mesh = FirstMesh(of: [try Self.port(2375, uid: 0), try Self.port(2376, uid: 0, executable: "/opt/a b")]) {
            _ in
            "root"
        }
        let workloads = try Self.check(mesh).workloads
        #expect(workloads.allSatisfy { $0.selectors.isEmpty && $0.outboundListen == nil })
        #expect(mesh.files[1].text.contains("was not seen") && mesh.files[1].text.contains("\n  #selectors:\n"))
        #expect(mesh.files[2].text.contains("blanks or other signs"))
        // Nothing says that two of these are the same's.
        let unseen = FirstMesh(of: [try Self.port(2375, uid: 0), try Self.port(2376, uid: 0)]) { _ in nil }
        #expect(Set(try Self.check(unseen).workloads.map(\.serviceAccount.value)) == ["port-2375", "port-2376"])
    }

    @Test func `whatever a program is called, it is a name`() throws {
        let names = [
            "true", "null", "123", "1e3", "0x1f", "0o17", "no", "389", "mesh", "mesh-service", "node", "mesh-2",
        ]
        let ports = try names.enumerated().map { index, name in
            try Self.port(UInt16(20_000 + index), executable: "/opt/\(name)")
        }
        let mesh = FirstMesh(of: ports) { _ in nil }
        #expect(Set(mesh.files.map(\.name)).count == names.count + 1)
        #expect(try Self.check(mesh).services.count == names.count)
    }

    @Test func `who calls a service of TCP is told how`() throws {
        let mesh = FirstMesh(of: [try Self.port(5432, executable: "/usr/bin/postgres"), try Self.port(8080)]) { _ in nil
        }
        #expect(mesh.files[1].text.contains("outbound: {tcp: [{service: postgres, listen:"))
        #expect(!mesh.files[2].text.contains("tcp:"))
    }

    // MARK: With a node

    @Test(arguments: [nil, "192.0.2.10:15009", "fe01.example.org:15008"])
    func `with a node all call at one place, and each workload is the node's`(address: String?) throws {
        let ports = [
            try Self.port(8080, uid: 1, executable: "/opt/node"), try Self.port(8081, uid: 2, executable: "/opt/mesh"),
            try Self.port(15001, uid: 3), try Self.port(15008, uid: 3),
        ]
        let mesh = FirstMesh(of: ports, node: FirstNode(name: "fe01", address: address)) { _ in nil }
        #expect(
            mesh.files.map(\.name).prefix(4) == ["mesh.yaml", "node.yaml", "node-2.yaml", "mesh-2.yaml"])
        for guarded in [false, true] {
            let files = mesh.files.map { ($0.name, guarded ? $0.text.replacing("  #guard", with: "  guard") : $0.text) }
            let resolution = Resolution(
                files.map { ManifestDecoder.decode(Array($0.1.utf8), path: $0.0) }, node: "fe01", requiresNode: true)
            #expect(resolution.diagnostics == [])
            let snapshot = try #require(resolution.snapshot)
            #expect(PolicyLint.check(snapshot) == [])
            let node = try #require(snapshot.nodes["fe01"])
            // Neither is a port that somebody has.
            #expect("\(node.address.value)" == address ?? "127.0.0.1:15009")
            #expect(node.outboundListen?.value.description == "127.0.0.1:15002")
            #expect((node.guarding != nil) == guarded)
            #expect(snapshot.workloads.allSatisfy { $0.node?.value == "fe01" && $0.outboundListen == nil })
            #expect(snapshot.workloads.count { !$0.selectors.isEmpty } == 3)
        }
    }

    @Test func `places to send calls to are none that anybody has`() throws {
        let mesh = FirstMesh(of: [
            try Self.port(15101, group: "/system.slice/a.service"),
            try Self.port(15102, group: "/system.slice/b.service"),
        ]) { _ in "a" }
        let places = try Self.check(mesh).workloads.compactMap { $0.outboundListen?.value.description }
        #expect(Set(places) == ["127.0.0.1:15103", "127.0.0.1:15104"])
    }

    @Test(arguments: [
        "/user.slice/user-1000.slice/user@1000.service/app.slice/orders.service",
        "/system.slice/a.slice/orders.service",
        "/system.slice/docker-0123.scope", "/machine.slice/orders.service", "/", "/system.slice/.service",
        "/system.slice/@.service", "/system.slice/a\nb.service", "/system.slice/ä.service",
        "/system.slice/orders.service/below",
    ])
    func `a group that is no unit of the system's names none`(group: String) throws {
        let mesh = FirstMesh(of: [try Self.port(8080, group: group, executable: "/usr/bin/orders")]) { _ in "orders" }
        #expect(try Self.check(mesh).workloads.first?.selectors.map(\.unit) == [nil])
    }

    @Test func `an instance of a template is named as such`() throws {
        let mesh = FirstMesh(of: [
            try Self.port(8080, group: "/system.slice/system-orders.slice/orders@eu\\x2d1.service")
        ]) { _ in nil }
        #expect(Self.names(mesh) == ["orders-eu-x2d1.yaml"])
        #expect(try Self.check(mesh).workloads.first?.selectors.map(\.unit) == ["orders@eu\\x2d1.service"])
    }

    @Test(arguments: [
        "/opt/my program", "/opt/\"; kind: Node #", "/opt/a\nb", "/opt/ünïcode", "/opt/---", "/opt/\u{1}\u{85}\u{FEFF}",
        "/" + String(repeating: "x", count: 300), "/opt/mesh", "/opt/'{}[]&*!|>%@`", "relative",
    ])
    func `programs and users may be called anything`(program: String) throws {
        for user in [
            "web", "12", "-", "a:b", "ünï", "x y", "#\n---\nkind: Mesh", "true", String(repeating: "u", count: 99),
        ] {
            let mesh = FirstMesh(of: [
                try Self.port(8080, executable: program), try Self.port(8081, uid: 7, executable: program),
            ]) { _ in user }
            #expect(try Self.check(mesh).workloads.count == 2)
        }
    }

    @Test func `names that come to the same are told apart`() throws {
        let mesh = FirstMesh(of: [
            try Self.port(8080, uid: 1, executable: "/opt/a/Web_Server"),
            try Self.port(8080, "127.0.0.2", uid: 2, executable: "/opt/b/web.server"),
            try Self.port(8081, uid: 3, executable: "/opt/web-server-8080"),
        ]) { _ in nil }
        let names = Self.names(mesh)
        #expect(names == ["web-server-8080.yaml", "web-server-8080-2.yaml", "web-server-8080-3.yaml"])
        #expect(try Self.check(mesh).services.count == 3)
    }

    @Test func `a thousand ports are a thousand services, and more than anybody reads are left out`() throws {
        func ports(_ count: Int) throws -> [OpenPort] {
            try (0..<count).map { try Self.port(UInt16(20_000 + $0), uid: UInt32($0), executable: "/usr/bin/service") }
        }
        let thousand = FirstMesh(of: try ports(1_000)) { _ in nil }
        #expect(try Self.check(thousand).services.count == 1_000)
        #expect(thousand.leftOut == 0)
        let many = FirstMesh(of: try ports(FirstMesh.serviceLimit + 7)) { _ in nil }
        #expect(many.files.count == FirstMesh.serviceLimit + 1 && many.leftOut == 7)
    }
}

extension String {
    /// As somebody leaves it who fills the rule in.
    fileprivate var withRules: String {
        var isRule = false
        return split(separator: "\n", omittingEmptySubsequences: false).map { line in
            if line == "#---" { isRule = true }
            return isRule && line.hasPrefix("#") ? String(line.dropFirst()) : String(line)
        }.joined(separator: "\n").replacing("default/CALLER", with: "default/caller")
    }
}
