package import Cryptography

/// Why a TLS session is over before its orderly end, or could not begin.
package enum TLSFailure: Error, Hashable, Sendable {
    /// We refused the peer's certificate; the peer was sent an alert.
    case peerRejected(PeerRejection)
    /// The caller asked for a server name (SNI) that nothing here answers to: in canonical form, as it came but for that, 255
    /// bytes at most (RFC 6066 § 3); `nil`: for none.
    case unknownServerName(asked: String?)
    /// There is nothing to answer a caller with, not even a refusal.
    case noOwnCertificate
    /// The peer gave up and said why.
    case alertReceived(TLSAlert)
    /// The connection ended without a word: `errno` of the failed system call, 0 for the end of the stream.
    case connectionLost(errno: CInt)
    /// The peer broke the protocol, or the two have no version, group or signature in common.
    case library(CryptographyError)

    /// Stable name for counters and logs: `unknown-authority`, `alert-certificate-required`, `connection-lost`, ….
    package var reason: String {
        switch self {
        case .peerRejected(let rejection): rejection.rawValue
        case .unknownServerName: "unknown-server-name"
        case .noOwnCertificate: "no-own-certificate"
        case .alertReceived(let alert): "alert-\(alert.name)"
        case .connectionLost: "connection-lost"
        case .library(let error): error.code.rawValue
        }
    }
}

/// An alert's description (RFC 8446 § 6).
package struct TLSAlert: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Whether a server says it of a client's handshake and of nothing that comes after: then it has looked at no data. Others,
    /// such as `bad-record-mac`, may follow records whose data it has taken.
    package var isOfHandshake: Bool {
        switch rawValue {
        case 40, 42...46, 48, 49, 51, 70, 71, 86, 109, 110, 112, 116, 120: true
        default: false
        }
    }

    /// The standard's word with hyphens, such as `certificate-required`; the number for those not known.
    package var name: String {
        switch rawValue {
        case 0: "close-notify"
        case 10: "unexpected-message"
        case 20: "bad-record-mac"
        case 22: "record-overflow"
        case 40: "handshake-failure"
        case 42: "bad-certificate"
        case 43: "unsupported-certificate"
        case 44: "certificate-revoked"
        case 45: "certificate-expired"
        case 46: "certificate-unknown"
        case 47: "illegal-parameter"
        case 48: "unknown-ca"
        case 49: "access-denied"
        case 50: "decode-error"
        case 51: "decrypt-error"
        case 70: "protocol-version"
        case 71: "insufficient-security"
        case 80: "internal-error"
        case 86: "inappropriate-fallback"
        case 90: "user-canceled"
        case 109: "missing-extension"
        case 110: "unsupported-extension"
        case 112: "unrecognized-name"
        case 116: "certificate-required"
        case 120: "no-application-protocol"
        default: String(rawValue)
        }
    }
}
