import COpenSSL

/// Signatures with Ed25519 (RFC 8032) of what is signed as a whole.
package enum Ed25519 {
    package static let signatureByteCount = 64

    /// - Parameter origin: Where the key is from, for messages: a path.
    package static func signature(
        of message: [UInt8], by key: PrivateKey, origin: String
    ) throws(CryptographyError) -> [UInt8] {
        guard unsafe EVP_PKEY_get_base_id(key.pointer) == EVP_PKEY_ED25519 else {
            throw CryptographyError(
                .unsuitableCertificate,
                "the key in \"\(origin)\" is \(key.kind), and sets are signed with Ed25519 "
                    + "(openssl genpkey -algorithm ed25519 -out FILE)")
        }
        ERR_clear_error()
        let context = try MessageContext()
        var signature = [UInt8](repeating: 0, count: signatureByteCount)
        var count = signature.count
        guard unsafe EVP_DigestSignInit(context.pointer, nil, nil, nil, key.pointer) == 1,
            unsafe EVP_DigestSign(context.pointer, &signature, &count, message, message.count) == 1,
            count == signatureByteCount
        else { throw CryptographyError(drainingQueueAfter: "cannot sign") }
        return signature
    }
}

/// Public keys that signatures are held against: any of them will do, so that a new key can come before the old one goes.
package struct VerifyingKeys: Sendable {
    private let keys: [VerifyingKey]

    /// - Parameters:
    ///   - pem: One public key or several (`-----BEGIN PUBLIC KEY-----`).
    ///   - origin: Where it is from, for messages: a path.
    package init(pem: [UInt8], origin: String) throws(CryptographyError) {
        ERR_clear_error()
        let bio = try MemoryBIO(contents: pem)
        var keys: [VerifyingKey] = []
        while let pointer = unsafe PEM_read_bio_PUBKEY(bio.pointer, nil, { _, _, _, _ in -1 }, nil) {
            keys.append(unsafe VerifyingKey(owning: pointer))
        }
        ERR_clear_error()
        self.keys = keys
        guard !keys.isEmpty else {
            let blocks = PEMBlocks(pem)
            throw CryptographyError(
                .malformedPEM,
                "\"\(origin)\" holds no public key"
                    + (blocks.holdsPrivateKey ? ", but a private one (openssl pkey -in FILE -pubout)" : ""))
        }
        guard keys.allSatisfy(\.isEd25519) else {
            throw CryptographyError(
                .unsuitableCertificate,
                "\"\(origin)\" holds a key that is none of Ed25519, which sets are signed with")
        }
    }

    /// Whether one of the keys has signed it.
    package func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        signature.count == Ed25519.signatureByteCount && keys.contains { $0.verify(signature, of: message) }
    }
}

/// SAFETY: `pointer` is never nil, freed once, and never changed after `init`; OpenSSL's reference count of it is atomic.
@safe
private final class VerifyingKey: @unchecked Sendable {
    private let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    deinit { unsafe EVP_PKEY_free(pointer) }

    var isEd25519: Bool { unsafe EVP_PKEY_get_base_id(pointer) == EVP_PKEY_ED25519 }

    func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        defer { ERR_clear_error() }
        guard let context = try? MessageContext(),
            unsafe EVP_DigestVerifyInit(context.pointer, nil, nil, nil, pointer) == 1
        else { return false }
        return unsafe EVP_DigestVerify(context.pointer, signature, signature.count, message, message.count) == 1
    }
}

/// SAFETY: `pointer` is never nil, freed once, and used inside one call only.
@safe
private struct MessageContext: ~Copyable {
    let pointer: OpaquePointer

    init() throws(CryptographyError) {
        guard let pointer = unsafe EVP_MD_CTX_new() else {
            throw CryptographyError(drainingQueueAfter: "out of memory")
        }
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe EVP_MD_CTX_free(pointer) }
}
