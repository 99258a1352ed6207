import Cryptography
import Foundation
import Glibc
import SPIFFE
import TestSupport
import Testing
import TransportSecurity

/// A gateway's contexts, called by `openssl s_client` from outside the mesh.
@Suite struct `A gateway's TLS` {
    let openssl: OpenSSLCommand
    let listener: LoopbackListener

    init() throws {
        openssl = try OpenSSLCommand()
        listener = try LoopbackListener()
    }

    private func credentials(_ name: String, algorithm: [String] = ["ec:"]) throws -> TLSCredentials {
        let key =
            algorithm == ["rsa"] ? ["-newkey", "rsa:2048"] : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        let made = try openssl.start(
            [
                "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out",
                "\(name).pem",
            ] + key
        ).finish()
        guard made.status == 0 else { throw SetUpError(made.output) }
        return try CredentialFiles.credentials(
            certificateFile: openssl.path("\(name).pem"), keyFile: openssl.path("\(name).key"))
    }

    private func selfSigned(_ key: [String]) throws -> TLSCredentials {
        try openssl.makeSelfSigned("any", key: key)
        return try CredentialFiles.credentials(
            certificateFile: openssl.path("any.pem"), keyFile: openssl.path("any.key"))
    }

    private func call(
        _ arguments: String..., certificates: ServerCredentials
    ) throws -> (result: TLSSession.HandshakeResult, name: String?, output: String) {
        let context = try TLSContext.gatewayServer(certificates: certificates)
        let client = try openssl.start(["s_client", "-connect", "127.0.0.1:\(listener.port)"] + arguments)
        let descriptor = try listener.accept()
        let session = try TLSSession(accepting: context, descriptor: descriptor)
        let result = try session.handshakeBlocking(on: descriptor)
        if result == .done { session.shutdown() }
        let name = session.serverName
        Glibc.shutdown(descriptor, CInt(SHUT_WR))
        _ = fcntl(descriptor, F_SETFL, 0)
        try? client.input.fileHandleForWriting.close()
        var rest = [UInt8](repeating: 0, count: 4096)
        while unsafe Glibc.read(descriptor, &rest, rest.count) > 0 {}
        close(descriptor)
        return (result, name, client.finish().output)
    }

    @Test func `the server name picks the certificate`() throws {
        var table = ServerCredentials()
        table.add(try credentials("exact"), for: "shop.example.com")
        table.add(try credentials("wild"), for: "*.example.com")
        for (name, subject) in [
            ("shop.example.com", "exact"), ("a.b.example.com", "wild"), ("SHOP.Example.com", "exact"),
            ("shop.example.com.", "exact"), ("A.B.example.com.", "wild"),
        ] {
            let call = try call("-servername", name, certificates: table)
            #expect(call.result == .done)
            // In one form, whatever it came in: who asks for a host gets it, and is judged as having asked for it.
            #expect(call.name == (subject == "exact" ? "shop.example.com" : "a.b.example.com"))
            #expect(call.output.contains("CN = \(subject)"))
        }
        for (arguments, asked) in [
            (["-noservername", "-tls1_3"], nil), (["-servername", "example.com"], "example.com"),
            (["-servername", "A \n\u{1B}\"b."], "a \n\u{1B}\"b"),
        ] {
            let call = try call(arguments[0], arguments[1], certificates: table)
            #expect(call.result == .failed(.unknownServerName(asked: asked)))
            #expect(call.output.contains("alert number 112") || call.output.contains("unrecognized name"))
        }
        table.add(try credentials("other"), for: nil)
        let call = try call("-noservername", certificates: table)
        #expect(call.result == .done)
        #expect(call.output.contains("CN = other"))
    }

    @Test func `TLS 1_2 is taken with forward secrecy, and older versions are not`() throws {
        var table = ServerCredentials()
        table.add(try credentials("rsa", algorithm: ["rsa"]), for: nil)
        let old = try call("-tls1_2", certificates: table)
        #expect(old.result == .done)
        #expect(old.output.contains("ECDHE-RSA-AES"))
        let older = try call("-tls1_1", "-cipher", "ALL:@SECLEVEL=0", certificates: table)
        guard case .failed = older.result else {
            Issue.record("TLS 1.1 was taken")
            return
        }
        let weak = try call("-tls1_2", "-cipher", "AES128-SHA", certificates: table)
        guard case .failed = weak.result else {
            Issue.record("a key exchange without forward secrecy was taken")
            return
        }
    }

    @Test(arguments: [
        ["RSA", "rsa_keygen_bits:2048"], ["RSA-PSS", "rsa_keygen_bits:2048"], ["EC", "ec_paramgen_curve:P-256"],
        ["EC", "ec_paramgen_curve:P-384"], ["EC", "ec_paramgen_curve:P-521"], ["ED25519"], ["ED448"],
    ])
    func `every key that is taken serves with TLS 1_3 and TLS 1_2`(key: [String]) throws {
        var table = ServerCredentials()
        table.add(try selfSigned(key), for: nil)
        for version in ["-tls1_3", "-tls1_2"] {
            #expect(try call(version, certificates: table).result == .done, "\(version)")
        }
    }

    @Test(arguments: [
        (["RSA", "rsa_keygen_bits:1024"], "RSA with 1024 bits"),
        (["RSA-PSS", "rsa_keygen_bits:1024"], "RSA-PSS with 1024 bits"),
        (["EC", "ec_paramgen_curve:secp256k1"], "EC on secp256k1"),
        (["EC", "ec_paramgen_curve:brainpoolP256r1"], "EC on brainpoolP256r1"),
        (["EC", "ec_paramgen_curve:P-224"], "EC on secp224r1"),
    ])
    func `a key that no handshake can be done with is refused when it is read, and its kind is named`(
        key: [String], kind: String
    ) throws {
        let error = #expect(throws: CryptographyError.self) { try selfSigned(key) }
        #expect(error?.code == .unsuitableCertificate)
        #expect(error?.concernsKey == true)
        #expect(
            error?.message
                == "the key in \"\(openssl.path("any.key"))\" is \(kind): TLS takes RSA with 2,048 bits or more, "
                + "EC on P-256, P-384 or P-521, Ed25519 and Ed448")
    }

    @Test(arguments: [["-sha1"], ["-sha256"]])
    func `a chain that TLS cannot show is refused when it is read`(digest: [String]) throws {
        // Signed with SHA-1, or by an authority whose key is short.
        let bits = digest == ["-sha1"] ? 2048 : 1024
        try openssl.makeSelfSigned("ca", key: ["RSA", "rsa_keygen_bits:\(bits)"])
        try openssl.run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "leaf.key")
        try openssl.run("req", "-new", "-key", "leaf.key", "-subj", "/CN=leaf", "-out", "leaf.csr")
        let made = try openssl.start(
            [
                "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-out",
                "leaf.pem",
            ]
                + digest
        ).finish()
        try #require(made.status == 0, "\(made.output)")
        let chain = try ["leaf.pem", "ca.pem"].flatMap { name in
            try CredentialFiles.certificates(openssl.path(name))
        }
        try openssl.write(chain.flatMap { try $0.pem() }, to: "chain.pem")
        let error = #expect(throws: CryptographyError.self) {
            try CredentialFiles.credentials(
                certificateFile: openssl.path("chain.pem"), keyFile: openssl.path("leaf.key"))
        }
        #expect(error?.code == .unsuitableCertificate)
        #expect(error?.message.contains("chain.pem\": ") == true, "\(String(describing: error))")
    }

    @Test func `one ticket is given, and what both sides speak is agreed upon`() throws {
        var table = ServerCredentials()
        table.add(try credentials("any"), for: nil)
        let call = try call("-alpn", "h2,http/1.1", "-msg", certificates: table)
        #expect(call.output.split(separator: "NewSessionTicket").count == 2)
        #expect(call.output.contains("ALPN protocol: http/1.1"))
        let refused = try self.call("-alpn", "h2", certificates: table)
        guard case .failed(.library) = refused.result else {
            Issue.record("handshake \(refused.result)")
            return
        }
        #expect(refused.output.contains("no application protocol"))
    }
}
