import CommonValues
import Cryptography
import SPIFFE
import Testing
import TransportSecurity

@Suite struct `Verification of peers` {
    let mesh: TestMesh

    init() throws { mesh = try TestMesh() }

    /// What a server says of a caller with these credentials.
    private func rejection(of client: X509SVID) throws -> PeerRejection? {
        let pair = try mesh.connect(as: client)
        let results = pair.handshake()
        guard case .failed(.peerRejected(let rejection)) = results.server else { return nil }
        let told = pair.clientReads()
        guard case .failed(.alertReceived) = told else {
            Issue.record("the client was not told: \(told)")
            return nil
        }
        return rejection
    }

    @Test func `a certificate whose time is over is refused`() throws {
        let old = try mesh.authority.issue(TestMesh.web, lifetime: .seconds(60), at: .now - .seconds(3600))
        #expect(try rejection(of: old) == .expired)
    }

    @Test func `a certificate whose time has not begun is refused`() throws {
        let early = try mesh.authority.issue(TestMesh.web, lifetime: .seconds(60), at: .now + .seconds(3600))
        #expect(try rejection(of: early) == .notYetValid)
    }

    @Test func `a certificate of another authority is refused`() throws {
        #expect(try rejection(of: TestMesh().identity(TestMesh.web)) == .unknownAuthority)
    }

    @Test func `a certificate of another trust domain is refused, whoever signed it`() throws {
        let elsewhere = SPIFFEID("spiffe://other.example/ns/shop/sa/web")!
        #expect(try rejection(of: mesh.identity(elsewhere)) == .otherTrustDomain)
        #expect(try rejection(of: TestMesh().identity(elsewhere)) == .otherTrustDomain)
    }

    @Test func `an ID without a path is a trust domain's and refused`() throws {
        #expect(try rejection(of: mesh.identity(SPIFFEID("spiffe://mesh.local")!)) == .badSPIFFEID)
    }

    @Test func `a callee that is not of the service meant is refused`() throws {
        let impostor = try TLSContext.meshServer(
            identities: [TestMesh.ordersName: mesh.identity(TestMesh.web)], bundle: mesh.bundle)
        let pair = try mesh.connect(to: impostor)
        let results = pair.handshake()
        #expect(results.client == .failed(.peerRejected(.unexpectedService)))
        let rejection = pair.client.peerRejection
        #expect(rejection == .unexpectedService)
    }

    @Test func `no acceptable ID means no callee`() throws {
        let pair = try mesh.connect(acceptableIDs: [])
        let results = pair.handshake()
        #expect(results.client == .failed(.peerRejected(.unexpectedService)))
    }

    @Test func `a callee of another authority is refused`() throws {
        let pair = try mesh.connect(to: TestMesh().serverContext())
        let results = pair.handshake()
        #expect(results.client == .failed(.peerRejected(.unknownAuthority)))
    }

    @Test func `old and new roots side by side take certificates of both`() throws {
        let next = try TestMesh()
        let both = try TrustBundle(
            trustDomain: TestMesh.domain, roots: [mesh.authority.certificate, next.authority.certificate])
        let server = try TLSContext.meshServer(
            identities: [TestMesh.ordersName: next.identity(TestMesh.orders)], bundle: both)
        let client = try TLSContext.meshClient(bundle: both)
        for caller in [try mesh.identity(TestMesh.web), try next.identity(TestMesh.web)] {
            let pair = try mesh.connect(as: caller, with: client, to: server)
            let results = pair.handshake()
            #expect(results.server == .done)
            #expect(results.client == .done)
        }
    }
}
