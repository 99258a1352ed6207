import Cryptography
import Glibc
import SPIFFE
import TestSupport
import Testing

@testable import TransportSecurity

@Suite struct `Files of credentials` {
    let openssl: OpenSSLCommand
    let mesh: TestMesh

    init() throws {
        openssl = try OpenSSLCommand()
        mesh = try TestMesh()
        try openssl.write(mesh.identity(TestMesh.web).credentials, as: "web")
        try openssl.write(mesh.identity(TestMesh.orders).credentials, as: "orders")
    }

    private func failure(_ certificate: String, _ key: String) -> CryptographyError? {
        do throws(CryptographyError) {
            _ = try CredentialFiles.credentials(
                certificateFile: openssl.path(certificate), keyFile: openssl.path(key))
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: 0..<4)
    func `a certificate and a key that are replaced together while they are read are of one kind`(moment: Int) throws {
        // Of the first folder until `moment` files were read, then of the second.
        var count = 0
        func read() -> [UInt8] {
            defer { count += 1 }
            return [count < moment ? 1 : 2]
        }
        let pair = try CredentialFiles.pair { () throws(CryptographyError) in
            read()
        } key: { () throws(CryptographyError) in
            read()
        }
        #expect(pair.certificate == pair.key)
    }

    @Test func `a chain and its key are read`() throws {
        try openssl.write(
            try mesh.identity(TestMesh.web).credentials.chain[0].pem() + mesh.authority.certificate.pem(), to: "two.pem"
        )
        #expect(failure("web.pem", "web.key") == nil)
        #expect(try CredentialFiles.certificates(openssl.path("two.pem")).count == 2)
    }

    @Test func `a key that is not the certificate's is refused`() {
        let error = failure("web.pem", "orders.key")
        #expect(error?.code == .keyMismatch)
        #expect(error?.message.contains("web.pem") == true)
    }

    @Test func `a missing file, a folder and a FIFO are refused by name`() throws {
        #expect(failure("none.pem", "web.key")?.code == .unreadableFile)
        #expect(failure("none.pem", "web.key")?.message.contains("none.pem\": No such file") == true)
        #expect(failure(".", "web.key")?.code == .unreadableFile)
        #expect(unsafe mkfifo(openssl.path("fifo"), 0o600) == 0)
        #expect(failure("fifo", "web.key")?.code == .unreadableFile)
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o644]) func `a key that others may reach is refused`(mode: Int) {
        #expect(unsafe chmod(openssl.path("web.key"), mode_t(mode)) == 0)
        let error = failure("web.pem", "web.key")
        #expect(error?.code == .exposedKeyFile)
        #expect(error?.message.contains("chmod 600") == true)
    }

    @Test func `garbage, an empty file and a cut-off block are refused`() throws {
        try openssl.write([], to: "empty.pem")
        try openssl.write(Array("garbage\0\n".utf8), to: "garbage.pem")
        try openssl.write(try mesh.authority.certificate.pem().dropLast(60), to: "cut.pem")
        for name in ["empty.pem", "garbage.pem", "cut.pem"] {
            #expect(failure(name, "web.key")?.code == .malformedPEM)
            #expect(failure("web.pem", name)?.code == .malformedPEM)
        }
    }

    @Test func `a key locked by a passphrase is refused without asking for it`() throws {
        try openssl.run("pkcs8", "-topk8", "-in", "web.key", "-passout", "pass:x", "-out", "locked.key")
        #expect(unsafe chmod(openssl.path("locked.key"), 0o600) == 0)
        #expect(failure("web.pem", "locked.key")?.code == .malformedPEM)
        #expect(
            failure("web.pem", "locked.key")?.message.contains("locked.key\" holds a private key that a passphrase")
                == true)
        try openssl.run("ec", "-aes256", "-in", "web.key", "-passout", "pass:x", "-out", "old.key")
        #expect(unsafe chmod(openssl.path("old.key"), 0o600) == 0)
        #expect(
            failure("web.pem", "old.key")?.message.contains("old.key\" holds a private key that a passphrase") == true)
    }

    @Test(arguments: [0o600, 0o644])
    func `files that are named the wrong way round are said to be so, whoever may read them`(mode: Int) {
        #expect(unsafe chmod(openssl.path("web.pem"), mode_t(mode)) == 0)
        let swapped = failure("web.key", "web.pem")
        #expect(swapped?.code == .malformedPEM)
        #expect(
            swapped?.message.contains("the two files may be named the wrong way round") == true, "\(swapped as Any)")
        let twice = failure("web.pem", "web.pem")
        #expect(twice?.message.contains("web.pem\" holds a certificate, and no private key") == true, "\(twice as Any)")
    }

    @Test func `a file over its limit is refused`() throws {
        try openssl.write([UInt8](repeating: 10, count: CredentialFiles.byteLimit + 1), to: "big.pem")
        #expect(failure("big.pem", "web.key")?.code == .unreadableFile)
    }

    @Test func `a failed read leaves nothing in OpenSSL's queue for the next one`() throws {
        _ = failure("web.pem", "web.pem")
        #expect(failure("web.pem", "web.key") == nil)
    }
}
