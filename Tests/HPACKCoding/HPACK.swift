/// The representations of RFC 7541 § 6, each by itself, so that they can be put together in ways that no encoder would.
package enum HPACK {
    package enum Indexing: Sendable {
        case incremental, without, never

        package var prefix: (bitCount: Int, pattern: UInt8) {
            switch self {
            case .incremental: (6, 0x40)
            case .without: (4, 0)
            case .never: (4, 0x10)
            }
        }
    }

    /// § 5.1
    package static func integer(_ value: Int, prefix bitCount: Int, pattern: UInt8 = 0) -> [UInt8] {
        let limit = 1 << bitCount - 1
        guard value >= limit else { return [pattern | UInt8(value)] }
        var bytes = [pattern | UInt8(limit)]
        var rest = value - limit
        while rest >= 128 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// § 5.2
    package static func string(_ text: String, huffman: Bool = false) -> [UInt8] {
        let bytes = text.latin1
        guard huffman else { return integer(bytes.count, prefix: 7) + bytes }
        return string(coded: HuffmanCode.encode(bytes))
    }

    /// A string of these very Huffman-coded octets.
    package static func string(coded: [UInt8]) -> [UInt8] { integer(coded.count, prefix: 7, pattern: 0x80) + coded }

    /// § 6.1
    package static func indexed(_ index: Int) -> [UInt8] { integer(index, prefix: 7, pattern: 0x80) }

    /// § 6.2, with a new name.
    package static func literal(
        _ name: String, _ value: String, _ indexing: Indexing = .without, huffman: Bool = false
    ) -> [UInt8] {
        [indexing.prefix.pattern] + string(name, huffman: huffman) + string(value, huffman: huffman)
    }

    /// § 6.2, with a name of the tables.
    package static func literal(
        nameAt index: Int, _ value: String, _ indexing: Indexing = .without, huffman: Bool = false
    ) -> [UInt8] {
        integer(index, prefix: indexing.prefix.bitCount, pattern: indexing.prefix.pattern)
            + string(value, huffman: huffman)
    }

    /// § 6.3
    package static func sizeUpdate(_ size: Int) -> [UInt8] { integer(size, prefix: 5, pattern: 0x20) }

    /// Appendix A; the first has index 1.
    package static let staticTable: [Field] = {
        let statuses = ["200", "204", "206", "304", "400", "404", "500"].map { Field(":status", $0) }
        let first =
            [
                Field(":authority", ""), Field(":method", "GET"), Field(":method", "POST"), Field(":path", "/"),
                Field(":path", "/index.html"), Field(":scheme", "http"), Field(":scheme", "https"),
            ] + statuses + [Field("accept-charset", ""), Field("accept-encoding", "gzip, deflate")]
        let names = """
            accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control \
            content-disposition content-encoding content-language content-length content-location content-range \
            content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range \
            if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range \
            referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary \
            via www-authenticate
            """
        return first + names.split(separator: " ").map { Field(String($0), "") }
    }()
}

/// A field line. Names and values are Latin-1: each scalar is one byte.
package struct Field: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// RFC 7541 § 4.1.
    package var tableSize: Int { name.latin1.count + value.latin1.count + 32 }
}

extension String {
    package var latin1: [UInt8] { unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

    package init(latin1 bytes: some Sequence<UInt8>) {
        self.init(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
