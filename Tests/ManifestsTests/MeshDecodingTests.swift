import CommonValues
import Diagnostics
import SPIFFE
import Testing

@testable import Manifests

private func decodedMesh(_ spec: String, sourceLocation: SourceLocation = #_sourceLocation) -> Mesh? {
    guard let mesh = decode(manifest("Mesh", spec), sourceLocation: sourceLocation).first as? Mesh else {
        return nil
    }
    return mesh
}

@Test func `a mesh of which nothing is said has the documented defaults`() throws {
    let mesh = try #require(decodedMesh("{}"))
    #expect(mesh.trustDomain.name == "mesh.local")
    #expect(mesh.defaultAction == .deny)
    #expect(mesh.identity == IdentitySettings(svidTTL: .seconds(3600), authority: .builtIn, requiresSelectors: false))
    #expect(mesh.proxy.workers == nil)
    #expect(mesh.proxy.accessLog == .failures)
    #expect(mesh.proxy.nameRefresh == .seconds(30))
    #expect(mesh.proxy.limits == ProxyLimits())
    #expect(mesh.proxy.timeouts == ProxyTimeouts())
    #expect(mesh.telemetryListen == nil)
}

@Test func `an authority of which nothing is said is the built-in one`() throws {
    #expect(try #require(decodedMesh("identity: {authority: {}}")).identity.authority == .builtIn)
}

@Test func `every field of a mesh is read`() throws {
    let mesh = try #require(
        decodedMesh(
            """
            trustDomain: prod.example.org
            authorization: {defaultAction: Allow}
            identity:
              svidTTL: 30s
              authority: {type: Files, certificateFile: ca.pem, keyFile: /etc/ca.key}
              requireSelectors: true
            proxy:
              workers: 2
              limits: {headerBytes: 1024, headerCount: 1, targetBytes: 256, connections: 1, requestsPerConnection: 1, idleUpstreamConnections: 0}
              timeouts: {requestHead: 1ms, requestBody: 2s, idle: 3s, connect: 4s, response: 5s, stream: 6s, handshake: 7s, upstreamIdle: 8s, keepalive: 9s, drain: 24h}
              accessLog: None
              nameRefresh: 1s
            telemetry: {listen: "127.0.0.1:9090"}
            """))
    #expect(mesh.trustDomain.name == "prod.example.org")
    #expect(mesh.defaultAction == .allow)
    #expect(mesh.identity.requiresSelectors)
    #expect(mesh.identity.svidTTL == .seconds(30))
    guard case .files(let certificate, let key) = mesh.identity.authority else { return #expect(Bool(false)) }
    #expect(certificate.value == "ca.pem")
    #expect(key.value == "/etc/ca.key")
    #expect(mesh.proxy.limits.headerBytes == 1024)
    #expect(mesh.proxy.limits.idleUpstreamConnections == 0)
    #expect(mesh.proxy.timeouts.requestHead == .milliseconds(1))
    #expect(mesh.proxy.timeouts.upstreamIdle == .seconds(8))
    #expect(mesh.proxy.timeouts.keepalive == .seconds(9))
    #expect(mesh.proxy.timeouts.drain == .seconds(24 * 3600))
    #expect(mesh.proxy.accessLog == .none)
    #expect(mesh.proxy.nameRefresh == .seconds(1))
    #expect(mesh.telemetryListen?.value == .tcp(host: .ip(IPAddress("127.0.0.1")!), port: 9090))
}

@Test(arguments: [
    ("trustDomain: Prod", "manifest.invalid-value 5:16"), ("trustDomain: spiffe://prod", "manifest.invalid-value 5:16"),
    ("authorization: {defaultAction: allow}", "manifest.invalid-value 5:34"),
    ("identity: {svidTTL: 29s}", "manifest.out-of-range 5:23"),
    ("identity: {svidTTL: 25h}", "manifest.out-of-range 5:23"),
    ("identity: {svidTTL: 3600}", "manifest.wrong-type 5:23"),
    ("identity: {authority: {keyFile: a}}", "manifest.conflicting-fields 5:26"),
    ("identity: {authority: {type: Fils, keyFile: a}}", "manifest.invalid-value 5:32"),
    ("identity: {authority: {type: Files, keyFile: a}}", "manifest.missing-field 5:26"),
    ("identity: {authority: {type: BuiltIn, keyFile: a}}", "manifest.conflicting-fields 5:41"),
    ("proxy: {workers: 0}", "manifest.out-of-range 5:20"),
    ("proxy: {limits: {headerBytes: 1023}}", "manifest.out-of-range 5:33"),
    ("proxy: {limits: {headerCount: 1001}}", "manifest.out-of-range 5:33"),
    ("proxy: {timeouts: {idle: 0s}}", "manifest.out-of-range 5:28"),
    ("proxy: {timeouts: {idle: 25h}}", "manifest.out-of-range 5:28"),
    ("proxy: {nameRefresh: 500ms}", "manifest.out-of-range 5:24"),
    ("telemetry: {listen: \"0.0.0.0:80\"}", "manifest.not-loopback 5:23"),
    ("telemetry: {listen: \"unix:/x\"}", "manifest.invalid-value 5:23"),
    ("telemetry: {}", "manifest.missing-field 5:14"),
    ("proxy: [a]", "manifest.wrong-type 5:10"), ("limits: {}", "manifest.unknown-field 5:3"),
])
func `a mistake in a mesh is an error at its place`(spec: String, mistake: String) {
    #expect(mistakes(manifest("Mesh", spec)) == [mistake])
}
