import CommonValues
import HTTPSemantics
import SPIFFE

/// What the values can be that a pattern is compared with. A pattern that none of them can match is refused: in a DENY rule it
/// would be a hole.
struct ValueLanguage: Sendable {
    let hasByte: @Sendable (UInt8) -> Bool
    /// Bytes that stand neither at the beginning nor at the end.
    var inner: Set<UInt8> = []
    /// A byte that never follows itself.
    var single: UInt8?
    var byteLimit = Int.max

    func canMatch(_ pattern: StringPattern) -> Bool {
        let bytes = Array(pattern.literal.utf8)
        guard bytes.count <= byteLimit, bytes.allSatisfy(hasByte) else { return false }
        if let single, zip(bytes, bytes.dropFirst()).contains(where: { $0 == single && $1 == single }) { return false }
        let (begins, ends) = pattern.reaches
        if begins, let first = bytes.first, inner.contains(first) { return false }
        if ends, let last = bytes.last, inner.contains(last) { return false }
        return true
    }

    /// A DNS label (RFC 1123 § 2.1).
    static let label = ValueLanguage(hasByte: { labelMayHave($0) }, inner: [UInt8(ascii: "-")], byteLimit: 63)

    static let trustDomain = ValueLanguage(hasByte: { TrustDomain.mayHave($0) }, byteLimit: TrustDomain.byteLimit)

    /// What follows the trust domain of a SPIFFE ID, or part of it; segments are looked at apart.
    static let spiffePath = ValueLanguage(
        hasByte: { SPIFFEID.segmentMayHave($0) || $0 == UInt8(ascii: "/") }, single: UInt8(ascii: "/"),
        byteLimit: SPIFFEID.byteLimit)

    /// A canonical host that is a name (`CanonicalHost`).
    static let hostName = ValueLanguage(
        hasByte: { ByteClass.hostName.contains($0) }, inner: [UInt8(ascii: ".")], single: UInt8(ascii: "."),
        byteLimit: CanonicalHost.byteLimit)

    /// A name in SNI. Its dots stand as the client has them.
    static let serverName = ValueLanguage(
        hasByte: { ByteClass.hostName.contains($0) }, byteLimit: CanonicalHost.byteLimit)

    /// The value of a field line (RFC 9110 § 5.5), which whitespace around it is no part of.
    static let fieldValue = ValueLanguage(
        hasByte: { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F }, inner: [UInt8(ascii: " "), UInt8(ascii: "\t")])

    /// Whether a DNS label may have this byte.
    static func labelMayHave(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

extension StringPattern {
    /// Whether its literal is the beginning, and the end, of what it matches.
    fileprivate var reaches: (beginning: Bool, end: Bool) {
        switch self {
        case .exact: (true, true)
        case .prefix: (true, false)
        case .suffix: (false, true)
        case .present: (false, false)
        }
    }

    /// A canonical host: a name, or an IPv6 address in brackets.
    var canBeHost: Bool {
        let text = literal
        guard text.contains("[") || text.contains("]") else { return ValueLanguage.hostName.canMatch(self) }
        let (begins, ends) = reaches
        let opens = text.hasPrefix("[")
        let closes = text.hasSuffix("]")
        guard opens || !begins, closes || !ends else { return false }
        let address = text.dropFirst(opens ? 1 : 0).dropLast(closes ? 1 : 0)
        guard address.utf8.allSatisfy({ ASCII.hexValue($0) != nil || ":.".utf8.contains($0) }) else { return false }
        return !(begins && ends) || address.contains(":") && IPAddress(String(address)) != nil
    }
}
