import CommonValues
import SPIFFE
import Testing
import TransportSecurity

@Suite struct `Signing authorities` {
    let openssl: OpenSSLCommand

    init() throws { openssl = try OpenSSLCommand() }

    @Test func `what is issued verifies and carries its ID`() throws {
        let mesh = try TestMesh()
        let svid = try mesh.identity(TestMesh.web, lifetime: .seconds(90))
        try openssl.write(svid.credentials, as: "web")
        try openssl.write(mesh.authority.certificate.pem(), to: "ca.pem")
        let verified = try openssl.run("verify", "-x509_strict", "-CAfile", "ca.pem", "web.pem")
        #expect(verified.output.contains("web.pem: OK"))
        #expect(svid.id == TestMesh.web)
        #expect(svid.notAfter - .seconds(120) == svid.notBefore)
        let again = try mesh.identity(TestMesh.web)
        #expect(again.credentials.leaf.serial != svid.credentials.leaf.serial)
        #expect(again.credentials.leaf.fingerprint != svid.credentials.leaf.fingerprint)
    }

    @Test func `DER is what openssl makes of PEM`() throws {
        let certificate = try TestMesh().authority.certificate
        try openssl.write(certificate.pem(), to: "ca.pem")
        try openssl.write(certificate.der(), to: "ca.der")
        let digest = try openssl.run("x509", "-in", "ca.der", "-inform", "DER", "-noout", "-fingerprint", "-sha256")
        let shown = digest.output.lowercased().filter { $0 != ":" }
        #expect(shown.contains(certificate.fingerprint))
    }

    @Test func `no certificate outlives its authority, and none comes from one that is over`() throws {
        let start = UnixTime.now - SigningAuthority.rootLifetime
        let authority = try SigningAuthority.makeRoot(for: TestMesh.domain, at: start + .seconds(60))
        let svid = try authority.issue(TestMesh.web, lifetime: .seconds(3600), at: .now)
        #expect(svid.notAfter == authority.certificate.notAfter)
        #expect(throws: TLSError.self) {
            try authority.issue(TestMesh.web, lifetime: .seconds(60), at: authority.certificate.notAfter)
        }
    }

    @Test func `a leaf may not be an authority`() throws {
        let leaf = try TestMesh().identity(TestMesh.web).credentials
        #expect(throws: TLSError.self) { try SigningAuthority(chain: leaf.chain, key: leaf.key, origin: "test") }
        #expect(throws: TLSError.self) { try TrustBundle(trustDomain: TestMesh.domain, roots: leaf.chain) }
    }

    @Test func `an authority with the very name that leaves carry is still their issuer`() throws {
        let made = try openssl.start([
            "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj",
            "/O=\(TestMesh.domain.name)", "-keyout", "same.key", "-out", "same.pem",
        ]).finish()
        try #require(made.status == 0, "\(made.output)")
        let files = try CredentialFiles.authority(
            certificateFile: openssl.path("same.pem"), keyFile: openssl.path("same.key"))
        let web = try files.authority.issue(TestMesh.web, lifetime: .seconds(60), at: .now)
        try openssl.write(web.credentials, as: "web")
        let verified = try openssl.run("verify", "-CAfile", "same.pem", "web.pem")
        #expect(verified.output.contains("web.pem: OK"))
    }

    @Test(arguments: [
        (["RSA", "rsa_keygen_bits:1024"], "RSA with 1024 bits"), (["ED25519"], "ED25519"),
        (["EC", "ec_paramgen_curve:secp256k1"], "EC on secp256k1"), (["EC", "ec_paramgen_curve:P-521"], "EC on P-521"),
        (["EC", "ec_paramgen_curve:brainpoolP384r1"], "EC on brainpoolP384r1"),
    ])
    func `an authority's key that nodes cannot use is refused, and its kind is named`(key: [String], kind: String)
        throws
    {
        try openssl.makeSelfSigned("ca", key: key, extensions: ["keyUsage=critical,keyCertSign"])
        let error = #expect(throws: TLSError.self) {
            try CredentialFiles.authority(
                certificateFile: openssl.path("ca.pem"), keyFile: openssl.path("ca.key"))
        }
        #expect(error?.code == .unsuitableCertificate)
        #expect(error?.concernsKey == true)
        #expect(error?.message.contains("is \(kind): an authority takes keys on P-256 or P-384, and RSA") == true)
    }

    @Test(arguments: [
        ["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ])
    func `an intermediate authority of an operator's serves between nodes`(key: [String]) throws {
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
