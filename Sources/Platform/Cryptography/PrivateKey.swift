import COpenSSL

/// A private key. Immutable, so that workers may share it.
///
/// SAFETY: `pointer` is never nil, freed once, and never changed after `init`; it is given to TransportSecurity alone, which
/// does not change it. OpenSSL's reference count of it is atomic.
@safe
package final class PrivateKey: @unchecked Sendable {
    package let pointer: OpaquePointer

    /// - Parameter pointer: An `EVP_PKEY *` that this object owns from now on.
    init(owning pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    deinit { unsafe EVP_PKEY_free(pointer) }

    /// A new key on P-256, the only curve that Heddle makes keys on.
    package static func generateP256() throws(CryptographyError) -> PrivateKey {
        ERR_clear_error()
        guard let key = unsafe COpenSSL_generate_p256() else {
            throw CryptographyError(drainingQueueAfter: "cannot make a key on P-256")
        }
        return unsafe PrivateKey(owning: key)
    }

    /// - Parameters:
    ///   - pem: The first private key in it is taken. Keys locked by a passphrase are refused.
    ///   - origin: Where it is from, for messages: a path.
    package convenience init(pem: [UInt8], origin: String) throws(CryptographyError) {
        ERR_clear_error()
        let bio = try MemoryBIO(contents: pem)
        guard let key = unsafe PEM_read_bio_PrivateKey(bio.pointer, nil, { _, _, _, _ in -1 }, nil) else {
            ERR_clear_error()
            throw CryptographyError(.malformedPEM, "\"\(origin)\" \(PEMBlocks(pem).keyMistake)")
        }
        unsafe self.init(owning: key)
    }

    /// PKCS #8 (RFC 5958) in PEM, not encrypted.
    package func pem() throws(CryptographyError) -> [UInt8] {
        ERR_clear_error()
        let bio = try MemoryBIO()
        guard unsafe PEM_write_bio_PrivateKey(bio.pointer, pointer, nil, nil, 0, nil, nil) == 1 else {
            throw CryptographyError(drainingQueueAfter: "cannot write a private key")
        }
        return bio.contents
    }
}
