import Cryptography

extension KeyKind {
    /// What `isForTLS` holds of, for messages.
    static let takenByTLS = "RSA with 2,048 bits or more, EC on P-256, P-384 or P-521, Ed25519 and Ed448"

    /// Whether a server can prove itself with such a key: what TLS has a signature algorithm for (RFC 8446 § 4.2.3), with RSA
    /// as callers take it. To one on another curve there is no handshake.
    var isForTLS: Bool {
        switch self {
        case .rsa(let bits), .rsaPSS(let bits): bits >= 2048
        case .ec(let curve): ["P-256", "P-384", "P-521"].contains(curve)
        case .other(let name): ["ED25519", "ED448"].contains(name)
        }
    }
}
