import COpenSSL

/// Base64 (RFC 4648 § 4), padded, without line breaks.
package enum Base64 {
    package static func text(of bytes: some Collection<UInt8>) -> [UInt8] {
        let bytes = Array(bytes)
        let capacity = (bytes.count + 2) / 3 * 4
        return unsafe [UInt8](unsafeUninitializedCapacity: capacity + 1) { buffer, count in
            unsafe bytes.withUnsafeBufferPointer { input in
                _ = unsafe EVP_EncodeBlock(buffer.baseAddress, input.baseAddress, CInt(input.count))
            }
            count = capacity
        }
    }

    /// - Returns: `nil`: it is no such text, or not the only one for these bytes.
    package static func bytes(of text: some Collection<UInt8>) -> [UInt8]? {
        let text = Array(text)
        guard text.count.isMultiple(of: 4) else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { buffer, count in
            let result = unsafe EVP_DecodeBlock(buffer.baseAddress, text, CInt(text.count))
            count = max(0, Int(result) - padding)
        }
        // OpenSSL passes over blanks, and bits that say nothing.
        return self.text(of: bytes) == text ? bytes : nil
    }
}
