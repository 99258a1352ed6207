import COpenSSL

/// A digest in the making (FIPS 180-4).
@safe
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    package init() throws(CryptographyError) {
        guard let new = unsafe EVP_MD_CTX_new() else { throw Self.failed }
        guard unsafe EVP_DigestInit_ex(new, EVP_sha256(), nil) == 1 else {
            unsafe EVP_MD_CTX_free(new)
            throw Self.failed
        }
        unsafe context = new
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package mutating func add(_ bytes: UnsafeRawBufferPointer) throws(CryptographyError) {
        guard unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else { throw Self.failed }
    }

    /// As 64 hexadecimal digits in lower case.
    package consuming func hexadecimal() throws(CryptographyError) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        guard unsafe EVP_DigestFinal_ex(context, &digest, nil) == 1 else { throw Self.failed }
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static var failed: CryptographyError { CryptographyError(drainingQueueAfter: "cannot make a digest") }
}

extension SHA256 {
    /// Of bytes that are all there, as 64 hexadecimal digits in lower case.
    package static func hexadecimal(of bytes: [UInt8]) -> String {
        do throws(CryptographyError) {
            var digest = try SHA256()
            try digest.add(copying: bytes)
            return try digest.hexadecimal()
        } catch {
            // Nothing but memory can be missing for it.
            preconditionFailure("\(error)")
        }
    }

    private mutating func add(copying bytes: [UInt8]) throws(CryptographyError) {
        let result = unsafe bytes.withUnsafeBytes { bytes -> Result<Void, CryptographyError> in
            do throws(CryptographyError) {
                try unsafe add(bytes)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
