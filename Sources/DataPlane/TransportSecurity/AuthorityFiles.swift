package import Cryptography

/// An authority with the files it was read from: to decode them takes OpenSSL most of a millisecond, and at a reload they
/// are as a rule what they were.
package struct AuthorityFiles: Sendable {
    package let authority: SigningAuthority
    /// All certificates of the file, which are to be trusted.
    package let certificates: [Certificate]
    let certificateBytes: [UInt8]
    let keyBytes: [UInt8]
}
