import CommonValues
import Diagnostics
import Testing

@testable import Manifests

private func peer(_ spec: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> PeerAuthentication {
    try decoded("PeerAuthentication", spec, sourceLocation: sourceLocation) { $0 as? PeerAuthentication }
}

@Test func `every field of a PeerAuthentication is read`() throws {
    let peer = try peer(
        """
        targetRefs: [{kind: Service, name: orders}, {kind: Service, group: "", name: cart, namespace: shop}]
        mtls: {mode: PERMISSIVE}
        """)
    guard case .service(let first) = peer.targets[0], case .service(let second) = peer.targets[1] else {
        return #expect(Bool(false))
    }
    #expect(first.value == "orders" && second.value == "cart" && peer.targets.count == 2)
    #expect(peer.mode.value == .permissive)
    #expect(peer.references.map(\.name.value.description) == ["shop/orders", "shop/cart"])
}

@Test func `a PeerAuthentication is for its namespace, or for the whole mesh`() throws {
    #expect(try peer("mtls: {mode: STRICT}").targets.isEmpty)
    guard
        case .mesh(let name)? = try peer("{targetRefs: [{kind: Mesh, name: mesh}], mtls: {mode: STRICT}}").targets.first
    else { return #expect(Bool(false)) }
    #expect(name.value == "mesh")
}

@Test(arguments: [
    ("{}", "manifest.missing-field 5:3"), ("mtls: {}", "manifest.missing-field 5:9"),
    ("mtls: STRICT", "manifest.wrong-type 5:9"), ("mtls: {mode: strict}", "manifest.invalid-value 5:16"),
    ("mtls: {mode: DISABLE}", "manifest.invalid-value 5:16"), ("mtls: {mode: UNSET}", "manifest.invalid-value 5:16"),
    ("mtls: {mode: STRICT, port: 1}", "manifest.unknown-field 5:24"),
    ("mtls: {mode: STRICT}\nmode: PERMISSIVE", "manifest.unknown-field 6:3"),
    ("mtls: {mode: STRICT}\nselector: {}", "manifest.conflicting-fields 6:3"),
    ("mtls: {mode: STRICT}\nportLevelMtls: {80: {mode: PERMISSIVE}}", "manifest.conflicting-fields 6:3"),
    ("mtls: {mode: STRICT}\ntargetRefs: []", "manifest.invalid-value 6:15"),
    ("mtls: {mode: STRICT}\ntargetRefs: [{name: a}]", "manifest.missing-field 6:17"),
    ("mtls: {mode: STRICT}\ntargetRefs: [{kind: Service}]", "manifest.missing-field 6:17"),
    ("mtls: {mode: STRICT}\ntargetRefs: [{kind: Gateway, name: a}]", "manifest.invalid-value 6:23"),
    ("mtls: {mode: STRICT}\ntargetRefs: [{kind: Service, name: a, namespace: b}]", "manifest.invalid-value 6:41"),
])
func `a mistake in a PeerAuthentication is an error at its place`(spec: String, mistake: String) {
    #expect(mistakes(manifest("PeerAuthentication", spec)) == [mistake])
}

@Test func `a PeerAuthentication is shown as it was read`() throws {
    for spec in [
        "{mtls: {mode: STRICT}}",
        "{targetRefs: [{kind: Service, name: orders}, {kind: Mesh, name: mesh}], mtls: {mode: PERMISSIVE}}",
    ] {
        let resource = try peer(spec)
        #expect(decode(resource.yamlText).first?.manifestJSON == resource.manifestJSON)
    }
}

@Test func `a workload's port for plain calls is an address of its host`() throws {
    let workload = try decoded(
        "Workload", "{service: web, address: '127.0.0.1:1', inbound: {plain: '[2001:DB8::1]:8080'}}"
    ) { $0 as? Workload }
    #expect(workload.inboundPlain?.value == .tcp(host: .ip(IPAddress("2001:db8::1")!), port: 8080))
    #expect(workload.yamlText.contains("plain: \"[2001:db8::1]:8080\""))
    #expect(decode(workload.yamlText).first?.manifestJSON == workload.manifestJSON)
}

@Test(arguments: [
    ("inbound: {}", "manifest.missing-field 7:12"), ("inbound: '0.0.0.0:1'", "manifest.wrong-type 7:12"),
    ("inbound: {plain: 8080}", "manifest.wrong-type 7:20"),
    ("inbound: {plain: 'a:8080'}", "manifest.invalid-value 7:20"),
    ("inbound: {plain: 'unix:/a'}", "manifest.invalid-value 7:20"),
    ("inbound: {plain: '0.0.0.0:1', tls: true}", "manifest.unknown-field 7:33"),
])
func `a mistake in a port for plain calls is an error at its place`(spec: String, mistake: String) {
    #expect(mistakes(manifest("Workload", "service: web\naddress: 127.0.0.1:1\n\(spec)")) == [mistake])
}

@Test(arguments: ["serviceAccount: web", "service: web", "serviceAccount: web\nnode: a"])
func `a port for plain calls needs a service and an address that it leads to`(spec: String) {
    let text = manifest("Workload", "inbound: {plain: '0.0.0.0:1'}\n\(spec)")
    #expect(mistakes(text) == ["manifest.conflicting-fields 5:20"])
}
