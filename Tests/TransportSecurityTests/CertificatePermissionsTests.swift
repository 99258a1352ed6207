import Cryptography
import SPIFFE
import TestSupport
import Testing
import TransportSecurity

/// X509-SVID §§ 3 to 5, each requirement from the extension that it is about.
@Suite struct `What certificates permit` {
    let mesh: TestMesh
    let openssl: OpenSSLCommand

    init() throws {
        mesh = try TestMesh()
        openssl = try OpenSSLCommand()
        try openssl.write(mesh.authority.certificate.pem(), to: "ca.pem")
        try openssl.write(mesh.authority.key.pem(), to: "ca.key")
    }

    enum Side: CaseIterable { case caller, callee }

    /// What the other side says of a leaf.
    private func rejection(of name: String, as side: Side, chain: [String] = []) throws -> PeerRejection? {
        var certificates = try CredentialFiles.certificates(openssl.path("\(name).pem"))
        for parent in chain { certificates += try CredentialFiles.certificates(openssl.path("\(parent).pem")) }
        let svid = try X509SVID(
            TLSCredentials(
                chain: certificates, key: CredentialFiles.privateKey(openssl.path("\(name).key")), origin: name))
        switch side {
        case .caller:
            let results = try mesh.connect(as: svid).handshake()
            guard case .failed(.peerRejected(let rejection)) = results.server else { return nil }
            return rejection
        case .callee:
            let server = try TLSContext.meshServer(identities: [TestMesh.ordersName: svid], bundle: mesh.bundle)
            let results = try mesh.connect(to: server, acceptableIDs: [svid.id]).handshake()
            guard case .failed(.peerRejected(let rejection)) = results.client else { return nil }
            return rejection
        }
    }

    private static let name = "subjectAltName=URI:spiffe://mesh.local/ns/shop/sa/web\n"
    private static let leaf = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"

    @Test(
        arguments: Side.allCases,
        [
            ("keyUsage=critical,digitalSignature\n", nil),
            ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature\n", .notALeaf),
            ("basicConstraints=CA:TRUE\nkeyUsage=digitalSignature,keyAgreement\n", .notALeaf),
            ("basicConstraints=critical,CA:TRUE\n", .notALeaf),
            ("keyUsage=critical,digitalSignature,keyCertSign\n", .notALeaf),
            ("keyUsage=critical,digitalSignature,cRLSign\n", .notALeaf),
            // Basic constraints that are none: OpenSSL finds no issuer of it.
            ("2.5.29.19=critical,DER:05:00\nkeyUsage=critical,digitalSignature\n", .unknownAuthority),
            ("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyAgreement\n", .wrongKeyUsage),
            (leaf + "extendedKeyUsage=emailProtection\n", .wrongKeyUsage),
        ] as [(String, PeerRejection?)])
    func `a workload shows a leaf that may authenticate, and nothing else`(
        side: Side, leaf: (extensions: String, expected: PeerRejection?)
    ) throws {
        try openssl.makeLeaf("leaf", extensions: Self.name + leaf.extensions)
        #expect(try rejection(of: "leaf", as: side) == leaf.expected)
    }

    @Test(
        arguments: Side.allCases,
        [
            ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n", nil),
            ("basicConstraints=critical,CA:TRUE\n", nil),
            ("keyUsage=critical,keyCertSign\n", .invalidChain),
            ("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyCertSign\n", .invalidChain),
            ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature\n", .invalidChain),
        ] as [(String, PeerRejection?)])
    func `between a leaf and a root stand authorities that say so`(
        side: Side, parent: (extensions: String, expected: PeerRejection?)
    ) throws {
        try openssl.makeLeaf("between", extensions: parent.extensions)
        try openssl.run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "leaf.key")
        try openssl.run("req", "-new", "-key", "leaf.key", "-subj", "/O=leaf", "-out", "leaf.csr")
        try openssl.write(Array((Self.name + Self.leaf).utf8), to: "leaf.cnf")
        let made = try openssl.run(
            "x509", "-req", "-in", "leaf.csr", "-CA", "between.pem", "-CAkey", "between.key", "-set_serial", "9",
            "-extfile", "leaf.cnf", "-out", "leaf.pem")
        try #require(made.status == 0, "\(made.output)")
        let rejection = try rejection(of: "leaf", as: side, chain: ["between"])
        // Where OpenSSL looks for another parent and finds none, it says so.
        #expect(rejection == parent.expected || (parent.expected != nil && rejection == .unknownAuthority))
    }

    @Test func `a certificate is known with the end of its chain's time`() throws {
        let web = try mesh.identity(TestMesh.web, lifetime: .seconds(600))
        let pair = try mesh.connect(as: web)
        _ = pair.handshake()
        let (caller, callee) = (pair.server.peer, pair.client.peer)
        #expect(caller?.id == TestMesh.web)
        #expect(caller?.notAfter == web.notAfter)
        #expect(callee?.id == TestMesh.orders)
    }
}
