import HTTPSemantics

/// A path as a manifest writes it, brought to the canonical form that requests have (`CanonicalPath`), so that
/// the two can be compared byte by byte. What a request could never look like after that is refused, not repaired: it would never match.
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
        let source = Array(text.utf8)
        var bytes = ByteBuffer(capacity: source.count)
        var index = 0
        while index < source.count {
            let byte = source[index]
            index += 1
            switch byte {
            case 0..<0x20, 0x7F: throw .control
            case UInt8(ascii: "?"): throw .query
            case UInt8(ascii: "#"): throw .fragment
            case UInt8(ascii: "\\"): throw .backslash
            case UInt8(ascii: "/") where !bytes.isEmpty && bytes[bytes.count - 1] == byte: throw .emptySegment
            case UInt8(ascii: "%"):
                let value: UInt8
                do { value = try CanonicalPath.escaped(source.span, index, source.count) } catch {
                    throw error == .escapedNUL ? .control : .badEscape
                }
                index += 2
                CanonicalPath.appendDecoded(value, to: &bytes)
            // Spaces and what is beyond ASCII too: a request that came with one has its escape.
            default: CanonicalPath.appendLiteral(byte, to: &bytes)
            }
        }
        return String(decoding: bytes.array, as: UTF8.self)
    }
}
