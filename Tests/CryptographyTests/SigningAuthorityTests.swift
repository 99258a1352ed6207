import CommonValues
import Cryptography
import SPIFFE
import TestSupport
import Testing

@Suite struct `Signing authorities` {
    static let domain = TrustDomain("mesh.local")!
    static let web = SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "web")

    let openssl: OpenSSLCommand
    let authority: SigningAuthority

    init() throws {
        openssl = try OpenSSLCommand()
        authority = try SigningAuthority.makeRoot(for: Self.domain, at: .now)
    }

    /// What lies in `NAME.pem` and `NAME.key`.
    private func authority(_ name: String) throws -> SigningAuthority {
        let chain = try Certificate.all(pem: openssl.contents(of: "\(name).pem"), origin: name)
        let key = try PrivateKey(pem: openssl.contents(of: "\(name).key"), origin: name)
        return try SigningAuthority(chain: chain, key: key, origin: name)
    }

    @Test func `what is issued verifies and carries its ID`() throws {
        let svid = try authority.issue(Self.web, lifetime: .seconds(90), at: .now)
        try openssl.write(svid.credentials, as: "web")
        try openssl.write(authority.certificate.pem(), to: "ca.pem")
        let verified = try openssl.run("verify", "-x509_strict", "-CAfile", "ca.pem", "web.pem")
        #expect(verified.output.contains("web.pem: OK"))
        #expect(svid.id == Self.web)
        #expect(svid.notAfter - .seconds(120) == svid.notBefore)
        let again = try authority.issue(Self.web, lifetime: .seconds(90), at: .now)
        #expect(again.credentials.leaf.serial != svid.credentials.leaf.serial)
        #expect(again.credentials.leaf != svid.credentials.leaf)
    }

    @Test func `no certificate outlives its authority, and none comes from one that is over`() throws {
        let start = UnixTime.now - SigningAuthority.rootLifetime
        let authority = try SigningAuthority.makeRoot(for: Self.domain, at: start + .seconds(60))
        let svid = try authority.issue(Self.web, lifetime: .seconds(3600), at: .now)
        #expect(svid.notAfter == authority.certificate.notAfter)
        #expect(throws: CryptographyError.self) {
            try authority.issue(Self.web, lifetime: .seconds(60), at: authority.certificate.notAfter)
        }
    }

    @Test func `a leaf may not be an authority`() throws {
        let leaf = try authority.issue(Self.web, lifetime: .seconds(60), at: .now).credentials
        #expect(throws: CryptographyError.self) {
            try SigningAuthority(chain: leaf.chain, key: leaf.key, origin: "test")
        }
    }

    @Test func `an authority with the very name that leaves carry is still their issuer`() throws {
        let made = try openssl.start([
            "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj",
            "/O=\(Self.domain.name)", "-keyout", "same.key", "-out", "same.pem",
        ]).finish()
        try #require(made.status == 0, "\(made.output)")
        let web = try authority("same").issue(Self.web, lifetime: .seconds(60), at: .now)
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
        let error = #expect(throws: CryptographyError.self) { try authority("ca") }
        #expect(error?.code == .unsuitableCertificate)
        #expect(error?.concernsKey == true)
        #expect(error?.message.contains("is \(kind): an authority takes keys on P-256 or P-384, and RSA") == true)
    }
}
