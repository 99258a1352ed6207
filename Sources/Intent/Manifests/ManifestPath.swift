/// A path as a manifest writes it, brought to the canonical form that requests have (`HTTPSemantics.CanonicalPath`), so
/// that the two can be compared byte by byte. What a request could never look like after that is refused, not repaired: it would never match.
enum ManifestPath {
    enum Refusal: Error {
        case noSlash, query, fragment, control, badEscape, backslash, emptySegment, dotSegment

        var remedy: String {
            switch self {
            case .noSlash: "begin it with \"/\""
            case .query: "remove \"?\" and what follows: a path has no query"
            case .fragment: "remove \"#\" and what follows, or write it as %23"
            case .control: "remove the control character"
            case .badEscape: "write \"%\" and two hexadecimal digits, or %25 for the character itself"
            case .backslash: "write \"/\": a \"\\\" in a request becomes one"
            case .emptySegment: "write one \"/\": repeated ones are merged"
            case .dotSegment: "remove \".\" and \"..\" segments: requests have none left"
            }
        }
    }

    /// The whole path: escapes of unreserved characters undone, other escapes in upper case, what no path may hold
    /// escaped.
    static func canonical(_ text: String) throws(Refusal) -> String {
        guard text.utf8.first == UInt8(ascii: "/") else { throw .noSlash }
        let result = try fragment(text)
        for segment in result.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true) {
            if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) { throw .dotSegment }
        }
        return result
    }

    /// A piece of a path, as patterns hold it; segments at its ends may be incomplete.
    static func fragment(_ text: String) throws(Refusal) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0..<0x20, 0x7F: throw .control
            case UInt8(ascii: "?"): throw .query
            case UInt8(ascii: "#"): throw .fragment
            case UInt8(ascii: "\\"): throw .backslash
            case UInt8(ascii: "/") where bytes.last == byte: throw .emptySegment
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst()?.hexadecimalValue, let low = rest.popFirst()?.hexadecimalValue else {
                    throw .badEscape
                }
                let value = high << 4 | low
                guard value != 0 else { throw .control }
                if value.isUnreserved { bytes.append(value) } else { appendEscape(of: value, to: &bytes) }
            // Bytes that no path may hold but that people write: a request that came with one has its escape.
            case 0x20, 0x22, 0x3C, 0x3E, 0x5B, 0x5D, 0x5E, 0x60, 0x7B...0x7D, 0x80...:
                appendEscape(of: byte, to: &bytes)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}

extension UInt8 {
    fileprivate var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// RFC 3986 § 2.3.
    fileprivate var isUnreserved: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}
