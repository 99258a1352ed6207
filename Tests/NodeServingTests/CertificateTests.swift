import CommonValues
import Cryptography
import Diagnostics
import Manifests
import MeshFixtures
import MeshSnapshot
import SPIFFE
import Testing

@testable import NodeServing

@Suite struct `Certificates in use` {
    static let domain = TrustDomain("mesh.local")!
    let snapshot: MeshSnapshot

    init() throws {
        snapshot = try MeshSnapshot(
            """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {identity: {authority: {type: Files, certificateFile: ca.pem, keyFile: ca.key}}}
            """)
    }

    private func root(lifetime: Duration = .seconds(86_400 * 365)) throws -> Certificate {
        try SigningAuthority.makeRoot(for: Self.domain, lifetime: lifetime, at: .now).certificate
    }

    private func authority(_ certificates: Certificate...) -> [CertificateInUse] {
        CertificateInUse.of(snapshot.mesh, authority: certificates)
    }

    @Test func `the first of an authority's file signs, the others are trusted`() throws {
        #expect(try authority(root(), root(), root()).map(\.use) == [.signing, .trusted, .trusted])
    }

    @Test func `one that ends within 30 days is told of where its file is named`() throws {
        let warnings = try authority(root(), root(lifetime: .seconds(86_400 * 29))).warnings(at: .now)
        #expect(warnings.map(\.code) == [.certificateTime])
        #expect(warnings.first?.position.line == 4)
        #expect(warnings.first?.remedy.contains("within 28 days") ?? false)
    }

    @Test func `that the authority's signing certificate is over is said where something is signed`() throws {
        let later = UnixTime.now + .seconds(86_400 * 400)
        #expect(try authority(root()).warnings(at: later).isEmpty)
        #expect(try authority(root(), root()).warnings(at: later).map(\.code) == [.certificateTime])
    }

    @Test func `what there is to say next comes with the first notice`() throws {
        let now = UnixTime.now
        let next = try #require(authority(root(lifetime: .seconds(86_400 * 40))).untilNextChange(at: now))
        #expect(abs((next - .seconds(86_400 * 10)).components.seconds) <= 5)
        #expect([CertificateInUse]().untilNextChange(at: now) == nil)
    }

    @Test func `a file that several listeners show counts once`() throws {
        let one = try authority(root())
        #expect((one + one).withoutRepeats.count == 1)
    }

    // MARK: What becomes of them

    @Test func `another certificate in the same place is a replacement`() throws {
        let (former, next) = try (authority(root()), authority(root()))
        #expect(CertificateChange.changes(from: former, to: next) == [.replaced(former[0], by: next[0])])
    }

    @Test func `one more in the same file is added, one less is gone`() throws {
        let (signing, second, third) = try (root(), root(), root())
        let (former, next) = (authority(signing, second), authority(signing, second, third))
        #expect(CertificateChange.changes(from: former, to: next) == [.added(next[2])])
        #expect(CertificateChange.changes(from: next, to: former) == [.gone(next[2])])
        #expect(CertificateChange.changes(from: former, to: former).isEmpty)
    }

    @Test func `the first of an authority is told, the signing one before those that are trusted`() throws {
        let next = try authority(root(), root())
        #expect(CertificateChange.changes(from: [], to: next) == [.first(next[0]), .first(next[1])])
    }

    @Test func `a listener's certificate comes and goes with the manifests, which say so`() throws {
        let listener = try MeshSnapshot(
            gateway(443, tls: "{certificateFile: a.pem, keyFile: a.key}")
        ).gateways[0].listeners[0]
        let shown = try CertificateInUse.of(#require(listener.tls), chain: [root()])
        #expect(shown.map(\.use) == [.gateway])
        #expect(CertificateChange.changes(from: [], to: shown).isEmpty)
        #expect(CertificateChange.changes(from: shown, to: []).isEmpty)
    }

    // MARK: What they name

    @Test func `an authority of another trust domain is told of, and so is what to write`() throws {
        let signing = try SigningAuthority.makeRoot(for: TrustDomain("other.example")!, at: .now).certificate
        let warning = try #require(CertificateNames.warning(snapshot.mesh, authority: signing))
        #expect(warning.code == .authorityName)
        #expect(warning.remedy.contains("set spec.trustDomain to \"other.example\""))
        #expect(CertificateNames.warning(snapshot.mesh, authority: try root()) == nil)
    }

    @Test func `a certificate that does not name its listener's host is told of`() throws {
        let listener = try MeshSnapshot(
            gateway(443, tls: "{certificateFile: a.pem, keyFile: a.key}")
        ).gateways[0].listeners[0]
        let tls = try #require(listener.tls)
        #expect(CertificateNames.warning(tls, hostname: "a.example.com", leaf: try root())?.code == .certificateName)
        #expect(CertificateNames.warning(tls, hostname: nil, leaf: try root()) == nil)
    }
}
