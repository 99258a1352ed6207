import Cryptography
import TestSupport
import Testing

@Suite struct Ed25519Tests {
    private let openssl: OpenSSLCommand
    private let message = Array("a set".utf8)

    init() throws {
        openssl = try OpenSSLCommand()
        for name in ["one", "other"] {
            try openssl.run("genpkey", "-algorithm", "ed25519", "-out", "\(name).key")
            try openssl.run("pkey", "-in", "\(name).key", "-pubout", "-out", "\(name).pub")
        }
    }

    private func signature(by name: String) throws -> [UInt8] {
        try Ed25519.signature(of: message, by: key(name), origin: name)
    }

    private func key(_ name: String) throws -> PrivateKey {
        try PrivateKey(pem: openssl.contents(of: "\(name).key"), origin: name)
    }

    @Test func opensslTakesWhatWasSigned() throws {
        try openssl.write(message, to: "message")
        try openssl.write(signature(by: "one"), to: "signature")
        let arguments = ["pkeyutl", "-verify", "-pubin", "-rawin", "-in", "message", "-sigfile", "signature", "-inkey"]
        #expect(try openssl.start(arguments + ["one.pub"]).finish().status == 0)
        #expect(try openssl.start(arguments + ["other.pub"]).finish().status != 0)
    }

    @Test func anyOfTheKeysWillDoAndNoOther() throws {
        let one = try VerifyingKeys(pem: openssl.contents(of: "one.pub"), origin: "one")
        let both = try VerifyingKeys(
            pem: openssl.contents(of: "one.pub") + openssl.contents(of: "other.pub"), origin: "both")
        let (mine, others) = (try signature(by: "one"), try signature(by: "other"))
        #expect(one.verify(mine, of: message))
        #expect(!one.verify(others, of: message))
        #expect(both.verify(mine, of: message))
        #expect(both.verify(others, of: message))
        #expect(!one.verify(mine, of: message + [0]))
        #expect(!one.verify(Array(mine.dropLast()), of: message))
        #expect(!one.verify([], of: message))
    }

    @Test func everyBitOfASignatureCounts() throws {
        let keys = try VerifyingKeys(pem: openssl.contents(of: "one.pub"), origin: "one")
        let signature = try signature(by: "one")
        for bit in 0..<signature.count * 8 {
            var other = signature
            other[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!keys.verify(other, of: message))
        }
    }

    @Test func whatIsNoKeyForItIsRefused() throws {
        try openssl.run("genpkey", "-algorithm", "ed448", "-out", "ed448.key")
        try openssl.run("pkey", "-in", "ed448.key", "-pubout", "-out", "ed448.pub")
        for (name, text) in [
            ("one.key", "a private one"), ("ed448.pub", "none of Ed25519"),
        ] {
            let error = #expect(throws: CryptographyError.self) {
                try VerifyingKeys(pem: openssl.contents(of: name), origin: name)
            }
            #expect(error?.message.contains(text) == true)
        }
        #expect(throws: CryptographyError.self) { try VerifyingKeys(pem: [], origin: "nothing") }
        #expect(throws: CryptographyError.self) {
            try Ed25519.signature(of: message, by: PrivateKey.generateP256(), origin: "p256")
        }
    }
}
