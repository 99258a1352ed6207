/// Why a request has no canonical form. The names are stable: they stand in logs and in `docs/reference/http1.md`.
package enum MalformedRequest: UInt8, Error, Sendable, CaseIterable {
    /// No `Host` and no authority.
    case missingHost
    /// More than one `Host` line, equal or not.
    case repeatedHost
    /// `Host` and the authority in the request target name different hosts.
    case hostMismatch
    /// Neither a name of host characters (RFC 3986 § 3.2.2) nor an IPv6 address in brackets; user information; over 255 bytes.
    case invalidHost
    /// Not a decimal number from 1 to 65535.
    case invalidPort
    /// The target is in none of the four forms of RFC 9112 § 3.2 that its method may have.
    case invalidTarget
    /// A control byte, a space, or a byte over 0x7E in the path.
    case invalidPathByte
    /// The same in the query.
    case invalidQueryByte
    /// `%` that two hexadecimal digits do not follow.
    case invalidEscape
    /// `%00`.
    case escapedNUL
    /// `#`: a fragment is never sent (RFC 9112 § 3.2).
    case fragment
    /// A method that is no token, has a lower-case letter, or is over 32 bytes.
    case invalidMethod

    /// In lower case, with dashes.
    package var name: StaticString {
        switch self {
        case .missingHost: "missing-host"
        case .repeatedHost: "repeated-host"
        case .hostMismatch: "host-mismatch"
        case .invalidHost: "invalid-host"
        case .invalidPort: "invalid-port"
        case .invalidTarget: "invalid-target"
        case .invalidPathByte: "invalid-path-byte"
        case .invalidQueryByte: "invalid-query-byte"
        case .invalidEscape: "invalid-escape"
        case .escapedNUL: "escaped-nul"
        case .fragment: "fragment"
        case .invalidMethod: "invalid-method"
        }
    }

    /// What the caller is answered with.
    package var status: UInt16 { 400 }
}
