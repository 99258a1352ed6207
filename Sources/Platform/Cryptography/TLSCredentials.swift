/// A certificate chain and the key of its leaf, which are known to belong together.
package struct TLSCredentials: Sendable {
    /// The leaf, then what leads to a root, which is left out.
    package let chain: [Certificate]
    package let key: PrivateKey
    /// `chain` without its leaf, as OpenSSL wants it.
    package let intermediates: CertificateStack?

    package var leaf: Certificate { chain[0] }

    /// - Parameter origin: Where they are from, for messages.
    /// - Throws: `keyMismatch` if `key` is not the first certificate's.
    package init(chain: [Certificate], key: PrivateKey, origin: String) throws(CryptographyError) {
        guard let leaf = chain.first else { throw CryptographyError(.malformedPEM, "no certificate in \(origin)") }
        guard leaf.belongs(to: key) else {
            throw CryptographyError(.keyMismatch, "the key is not the first certificate's in \(origin)")
        }
        self.chain = chain
        self.key = key
        intermediates = chain.count > 1 ? try CertificateStack(chain.dropFirst()) : nil
    }
}
