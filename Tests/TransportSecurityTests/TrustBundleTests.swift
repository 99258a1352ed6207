import CommonValues
import Cryptography
import SPIFFE
import TestSupport
import Testing
import TransportSecurity

@Suite struct `Trust bundles` {
    @Test func `a leaf is no root`() throws {
        let leaf = try TestMesh().identity(TestMesh.web).credentials
        #expect(throws: CryptographyError.self) { try TrustBundle(trustDomain: TestMesh.domain, roots: leaf.chain) }
    }

    @Test(arguments: [
        ["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ])
    func `an intermediate authority of an operator's serves between nodes`(key: [String]) throws {
        let openssl = try OpenSSLCommand()
        try openssl.write(
            Array(
                "[root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
                    .utf8), to: "ca.cnf")
        let steps = [
            ["req", "-x509", "-nodes", "-newkey"] + key + [
                "-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem",
            ],
            ["req", "-nodes", "-newkey"] + key + ["-subj", "/CN=sub", "-keyout", "sub.key", "-out", "sub.csr"],
            [
                "x509", "-req", "-in", "sub.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "5",
                "-extfile",
                "ca.cnf", "-extensions", "root", "-out", "sub.pem",
            ],
        ]
        for step in steps {
            let done = try openssl.start(step).finish()
            try #require(done.status == 0, "\(done.output)")
        }
        let root = try CredentialFiles.certificates(openssl.path("root.pem"))
        let sub = try CredentialFiles.authority(
            certificateFile: openssl.path("sub.pem"), keyFile: openssl.path("sub.key"))
        let web = try sub.authority.issue(TestMesh.web, lifetime: .seconds(60), at: .now)
        let orders = try sub.authority.issue(TestMesh.orders, lifetime: .seconds(60), at: .now)
        #expect(web.credentials.chain.count == 2)
        try openssl.write(try sub.certificates[0].pem() + root[0].pem(), to: "both.pem")
        let both = try CredentialFiles.authority(
            certificateFile: openssl.path("both.pem"), keyFile: openssl.path("sub.key"))
        #expect(both.certificates.count == 2)
        #expect(both.authority.intermediates == [sub.authority.certificate])
        // Trusted by its root, as by itself.
        for roots in [root, sub.certificates] {
            let bundle = try TrustBundle(trustDomain: TestMesh.domain, roots: roots)
            let server = try TLSContext.meshServer(identities: [TestMesh.ordersName: orders], bundle: bundle)
            let pair = try TestMesh().connect(as: web, with: TLSContext.meshClient(bundle: bundle), to: server)
            let results = pair.handshake()
            #expect(results.server == .done)
            #expect(results.client == .done)
        }
    }
}
