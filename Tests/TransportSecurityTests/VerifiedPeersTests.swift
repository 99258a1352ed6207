import CommonValues
import Cryptography
import SPIFFE
import Testing

@testable import TransportSecurity

@Suite struct `Peers that were verified` {
    let mesh: TestMesh

    init() throws { mesh = try TestMesh() }

    private func remembered(_ identity: X509SVID, isCaller: Bool = true, at now: UnixTime = .now) -> SPIFFEID? {
        let key = unsafe VerifiedPeers.Key(identity.credentials.leaf.pointer, isCaller: isCaller)
        return key.flatMap { mesh.bundle.verified.peer($0, at: now)?.peer.id }
    }

    @Test func `are known by their whole certificate, while all of their chain is valid, for what they were`() throws {
        let web = try mesh.identity(TestMesh.web)
        let other = try mesh.identity(TestMesh.web)
        #expect(remembered(web) == nil)
        let first = try mesh.connect(as: web).handshake()
        #expect(first.server == .done)
        #expect(remembered(web) == TestMesh.web)
        #expect(remembered(web, isCaller: false) == nil)
        #expect(remembered(web, at: web.notAfter) == nil)
        #expect(remembered(web, at: web.notBefore - .seconds(1)) == nil)
        #expect(remembered(other) == nil)
    }

    @Test func `are taken again, and prove that they have the key`() throws {
        let web = try mesh.identity(TestMesh.web)
        for _ in 0..<3 {
            let pair = try mesh.connect(as: web)
            let results = pair.handshake()
            #expect(results.server == .done)
            let id = pair.server.peerID
            #expect(id == TestMesh.web)
        }
    }

    @Test func `are refused as the callee of another service`() throws {
        let server = try mesh.serverContext()
        #expect(try mesh.connect(to: server).handshake().client == .done)
        let results = try mesh.connect(to: server, acceptableIDs: [TestMesh.web]).handshake()
        #expect(results.client == .failed(.peerRejected(.unexpectedService)))
    }

    @Test func `that were refused are not known`() throws {
        let elsewhere = try mesh.identity(SPIFFEID("spiffe://other.example/ns/shop/sa/web")!)
        _ = try mesh.connect(as: elsewhere).handshake()
        #expect(remembered(elsewhere) == nil)
    }
}
