import CommonValues
import Cryptography
import Foundation
import Glibc
import SPIFFE
import TestSupport
import Testing
import TransportSecurity

/// The openssl command as the other side of a connection.
@Suite struct `OpenSSL as the peer` {
    let mesh: TestMesh
    let openssl: OpenSSLCommand
    let listener: LoopbackListener

    init() throws {
        mesh = try TestMesh()
        openssl = try OpenSSLCommand()
        listener = try LoopbackListener()
        try openssl.write(mesh.authority.certificate.pem(), to: "ca.pem")
        try openssl.write(mesh.authority.key.pem(), to: "ca.key")
    }

    /// Connects `openssl s_client ARGUMENTS` to a mesh server, or to `context`; both ends are gone on return.
    private func call(
        _ arguments: String..., to context: TLSContext? = nil, serverName: String = TestMesh.ordersName
    ) throws -> (result: TLSSession.HandshakeResult, peer: SPIFFEID?, output: String) {
        let client = try openssl.start(
            ["s_client", "-connect", "127.0.0.1:\(listener.port)", "-servername", serverName, "-CAfile", "ca.pem"]
                + arguments)
        let descriptor = try listener.accept()
        let session = try TLSSession(accepting: try context ?? mesh.serverContext(), descriptor: descriptor)
        let result = try session.handshakeBlocking(on: descriptor)
        if result == .done {
            // s_client prints what it negotiated before it looks at data.
            _ = session.write(Array("hello from the server\n".utf8).span)
            session.shutdown()
        }
        let peer = session.peerID
        // Before the descriptor goes, what the client still sends must be read: unread bytes would reset the connection.
        Glibc.shutdown(descriptor, CInt(SHUT_WR))
        var rest = [UInt8](repeating: 0, count: 4096)
        _ = fcntl(descriptor, F_SETFL, 0)
        try? client.input.fileHandleForWriting.close()
        while unsafe Glibc.read(descriptor, &rest, rest.count) > 0 {}
        close(descriptor)
        return (result, peer, client.finish().output)
    }

    private func rejection(_ arguments: String...) throws -> PeerRejection? {
        let call = try arguments.isEmpty ? call("-tls1_3") : call("-cert", arguments[0], "-key", arguments[1])
        guard case .failed(.peerRejected(let rejection)) = call.result else { return nil }
        #expect(call.output.contains("alert"), "the client was not told")
        return rejection
    }

    @Test func `a caller with an issued certificate is taken and verifies us`() throws {
        try openssl.write(mesh.identity(TestMesh.web).credentials, as: "web")
        let call = try call("-cert", "web.pem", "-key", "web.key", "-verify_return_error")
        #expect(call.result == .done)
        #expect(call.peer == TestMesh.web)
        #expect(call.output.contains("Verify return code: 0 (ok)"))
        #expect(call.output.contains("TLS_AES_128_GCM_SHA256"))
        #expect(call.output.contains("Server Temp Key: X25519"))
        #expect(call.output.contains("hello from the server"))
    }

    @Test func `no session ticket is sent between nodes`() throws {
        try openssl.write(mesh.identity(TestMesh.web).credentials, as: "web")
        let call = try call("-cert", "web.pem", "-key", "web.key", "-msg")
        #expect(call.result == .done)
        #expect(!call.output.contains("NewSessionTicket"))
    }

    @Test func `TLS 1.2 is refused between nodes`() throws {
        try openssl.write(mesh.identity(TestMesh.web).credentials, as: "web")
        let call = try call("-cert", "web.pem", "-key", "web.key", "-tls1_2")
        guard case .failed(.library(let error)) = call.result else {
            Issue.record("handshake \(call.result)")
            return
        }
        #expect(error.message.contains("unsupported protocol"))
        #expect(call.output.contains("alert protocol version"))
    }

    @Test func `a caller without a certificate is refused`() throws {
        #expect(try rejection() == .noCertificate)
    }

    @Test func `an expired certificate is refused`() throws {
        let old = try mesh.authority.issue(TestMesh.web, lifetime: .seconds(60), at: .now - .seconds(3600))
        try openssl.write(old.credentials, as: "old")
        #expect(try rejection("old.pem", "old.key") == .expired)
    }

    @Test func `a certificate of another authority is refused`() throws {
        try openssl.write(TestMesh().identity(TestMesh.web).credentials, as: "stranger")
        #expect(try rejection("stranger.pem", "stranger.key") == .unknownAuthority)
    }

    private static let leaf = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
    /// IA5String of "spiffe://mesh.local/ns/shop/sa/web", NUL, ".evil", as the one URI of a subjectAltName.
    private static let nulInURI: String = {
        let uri = Array("spiffe://mesh.local/ns/shop/sa/web".utf8) + [0] + Array(".evil".utf8)
        let name = [0x86, UInt8(uri.count)] + uri
        let hexadecimal = ([0x30, UInt8(name.count)] + name).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "subjectAltName=DER:" + hexadecimal.joined(separator: ":")
    }()

    @Test(
        arguments: [
            (leaf + "subjectAltName=URI:spiffe://mesh.local/ns/shop/sa/web", nil),
            (leaf, PeerRejection.noSPIFFEID),
            (leaf + "subjectAltName=DNS:web.shop.mesh", .noSPIFFEID),
            (
                leaf + "subjectAltName=URI:spiffe://mesh.local/ns/a/sa/b,URI:spiffe://mesh.local/ns/shop/sa/web",
                .severalSPIFFEIDs
            ),
            (leaf + "subjectAltName=URI:https://mesh.local/web", .badSPIFFEID),
            (leaf + "subjectAltName=URI:spiffe://mesh.local/ns/../sa/web", .badSPIFFEID),
            (leaf + nulInURI, .badSPIFFEID),
            (leaf + "subjectAltName=URI:spiffe://other.example/ns/shop/sa/web", .otherTrustDomain),
            (
                "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,keyCertSign\n"
                    + "subjectAltName=URI:spiffe://mesh.local/ns/shop/sa/web", .notALeaf
            ),
            (
                "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,cRLSign\n"
                    + "subjectAltName=URI:spiffe://mesh.local/ns/shop/sa/web", .notALeaf
            ),
            (
                "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyEncipherment\n"
                    + "subjectAltName=URI:spiffe://mesh.local/ns/shop/sa/web", .wrongKeyUsage
            ),
            (
                "basicConstraints=critical,CA:FALSE\nsubjectAltName=URI:spiffe://mesh.local/ns/shop/sa/web",
                .wrongKeyUsage
            ),
            (
                leaf + "extendedKeyUsage=codeSigning\nsubjectAltName=URI:spiffe://mesh.local/ns/shop/sa/web",
                .wrongKeyUsage
            ),
        ] as [(String, PeerRejection?)])
    func `a leaf is taken or refused by what its extensions say`(extensions: String, expected: PeerRejection?) throws {
        try openssl.makeLeaf("leaf", extensions: extensions)
        #expect(try rejection("leaf.pem", "leaf.key") == expected)
    }

    @Test func `an intermediate authority of ours may not lend its name to others`() throws {
        // A leaf that signs another leaf: the path must not be taken although its top is our root.
        try openssl.write(mesh.identity(TestMesh.web).credentials, as: "web")
        try openssl.run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "child.key")
        try openssl.run("req", "-new", "-key", "child.key", "-subj", "/O=child", "-out", "child.csr")
        let text = Self.leaf + "subjectAltName=URI:spiffe://mesh.local/ns/shop/sa/admin"
        try openssl.write(Array(text.utf8), to: "child.cnf")
        try openssl.run(
            "x509", "-req", "-in", "child.csr", "-CA", "web.pem", "-CAkey", "web.key", "-set_serial", "9", "-extfile",
            "child.cnf", "-out", "child.pem")
        let call = try call("-cert", "child.pem", "-key", "child.key", "-cert_chain", "web.pem")
        guard case .failed(.peerRejected(let rejection)) = call.result else {
            Issue.record("handshake \(call.result)")
            return
        }
        #expect([.unknownAuthority, .invalidChain].contains(rejection))
    }

    @Test func `a callee is verified by us and verifies us`() throws {
        try openssl.write(mesh.identity(TestMesh.orders).credentials, as: "orders")
        let port = try LoopbackListener().port  // closed again: free for the server
        let server = try openssl.start(
            [
                "s_server", "-accept", "127.0.0.1:\(port)", "-cert", "orders.pem", "-key", "orders.key", "-CAfile",
                "ca.pem", "-Verify", "3", "-verify_return_error", "-tls1_3", "-naccept", "1", "-rev",
            ])
        let descriptor = try connectToLoopback(port)
        let session = try TLSSession(
            connecting: mesh.clientContext(), as: mesh.identity(TestMesh.web), serverName: TestMesh.ordersName,
            acceptableIDs: [TestMesh.orders], descriptor: descriptor)
        let result = try session.handshakeBlocking(on: descriptor)
        #expect(result == .done)
        _ = session.write(Array("olleh\n".utf8).span)
        let answer = try session.readBlocking(on: descriptor) { $0.count >= 6 }
        #expect(String(decoding: answer.bytes, as: UTF8.self) == "hello\n")
        session.shutdown()
        close(descriptor)
        _ = server.finish()
    }
}
