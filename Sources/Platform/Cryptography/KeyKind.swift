import COpenSSL

/// What kind of key one is, as far as it decides what the key can be used for.
package enum KeyKind: Hashable, Sendable {
    case rsa(bits: Int)
    /// A key that signs with RSASSA-PSS alone (RFC 8446 § 4.2.3: `rsa_pss_pss_*`).
    case rsaPSS(bits: Int)
    /// The curve as RFC 8446 calls it, or else as OpenSSL does.
    case ec(curve: String)
    /// As OpenSSL calls it: `ED25519`.
    case other(String)

    /// What an authority may sign with, for messages.
    static let takenOfAuthorities = "keys on P-256 or P-384, and RSA with 2,048 bits or more"
}

extension KeyKind: CustomStringConvertible {
    package var description: String {
        switch self {
        case .rsa(let bits): "RSA with \(bits) bits"
        case .rsaPSS(let bits): "RSA-PSS with \(bits) bits"
        case .ec(let curve): "EC on \(curve)"
        case .other(let name): name
        }
    }
}

extension PrivateKey {
    package var kind: KeyKind {
        let bits = Int(unsafe EVP_PKEY_get_bits(pointer))
        return switch unsafe EVP_PKEY_get_base_id(pointer) {
        case EVP_PKEY_RSA: .rsa(bits: bits)
        case EVP_PKEY_RSA_PSS: .rsaPSS(bits: bits)
        case EVP_PKEY_EC: .ec(curve: curve)
        default:
            .other(unsafe EVP_PKEY_get0_type_name(pointer).map { unsafe String(cString: $0) } ?? "of no known kind")
        }
    }

    /// A curve given by its numbers has no name, and TLS knows curves by name alone (RFC 8446 § 4.2.3).
    private var curve: String {
        defer { ERR_clear_error() }
        var name = [CChar](repeating: 0, count: 64)
        guard unsafe EVP_PKEY_get_group_name(pointer, &name, name.count, nil) == 1 else {
            return "a curve without a name"
        }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return ["prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"][text] ?? text
    }
}
