/// The name of a trust domain (SPIFFE-ID § 2.1).
package struct TrustDomain: Hashable, Sendable, CustomStringConvertible {
    /// Lower-case letters, digits, `.`, `-`, `_`; 1 to 255 bytes.
    package let name: String

    /// - Returns: `nil` if `name` is not the name of a trust domain.
    package init?(_ name: String) {
        guard name.utf8.allSatisfy(Self.mayHave), (1...Self.byteLimit).contains(name.utf8.count) else { return nil }
        self.name = name
    }

    package static let byteLimit = 255

    /// Whether a name may have this byte.
    package static func mayHave(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// What a name may be, for people.
    package static let rule = "1 to 255 lower-case letters, digits, \".\", \"-\" and \"_\""

    /// What was probably meant by a text that is no name of a trust domain; `nil` if nobody can tell.
    package static func meant(by text: String) -> TrustDomain? {
        TrustDomain(text.hasPrefix("spiffe://") ? String(text.dropFirst(9)) : text.lowercased())
    }

    package var description: String { name }
}
