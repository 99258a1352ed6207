/// Writes what is kept in the state folder: integers little-endian, texts and bytes after their length, at the end the
/// content hash of all that, against damage.
package struct StateEncoder {
    private var bytes: [UInt8]

    /// - Parameter magic: Names the kind and its version; ends in a line feed.
    package init(magic: String, capacity: Int = 128) {
        bytes = []
        bytes.reserveCapacity(capacity)
        bytes += magic.utf8
    }

    /// So far.
    package var byteCount: Int { bytes.count }

    package mutating func append(_ value: UInt64, byteCount: Int = 8) {
        for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }

    mutating func append(raw: some Sequence<UInt8>) { bytes += raw }

    package mutating func append(_ text: String) {
        append(UInt64(text.utf8.count), byteCount: 4)
        bytes += text.utf8
    }

    mutating func append(_ hash: ContentHash?) {
        append(hash == nil ? 0 : 1, byteCount: 1)
        if let hash { bytes += hash.littleEndianBytes }
    }

    package consuming func finished() -> [UInt8] {
        let checksum = ContentHash(of: bytes)
        bytes += checksum.littleEndianBytes
        return bytes
    }
}

/// Reads what `StateEncoder` wrote. Everything is `nil` where the bytes end too early.
package struct StateDecoder {
    private let bytes: [UInt8]
    private let end: Int
    private var offset: Int

    /// - Returns: `nil` if a single bit is not as it was written.
    package init?(_ bytes: [UInt8], magic: String) {
        end = bytes.count - 16
        offset = magic.utf8.count
        guard end >= offset, bytes.starts(with: magic.utf8) else { return nil }
        let checksum = ContentHash(of: bytes.span.extracting(0..<end))
        guard bytes[end...].elementsEqual(checksum.littleEndianBytes) else { return nil }
        self.bytes = bytes
    }

    /// All that was written has been read.
    package var isAtEnd: Bool { offset == end }

    package mutating func integer(byteCount: Int = 8) -> UInt64? {
        guard end - offset >= byteCount else { return nil }
        var value: UInt64 = 0
        for index in 0..<byteCount { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        offset += byteCount
        return value
    }

    /// How many there are of something that takes a byte at least each.
    package mutating func count(byteCount: Int = 8) -> Int? {
        guard let value = integer(byteCount: byteCount), value <= UInt64(end - offset) else { return nil }
        return Int(value)
    }

    mutating func raw(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, end - offset >= count else { return nil }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    package mutating func text() -> String? {
        guard let count = count(byteCount: 4), let raw = raw(count) else { return nil }
        return String(validating: raw, as: UTF8.self)
    }

    /// - Returns: `.some(nil)`: there is none.
    mutating func hash() -> ContentHash?? {
        switch integer(byteCount: 1) {
        case 0: return .some(nil)
        case 1:
            guard let high = integer(), let low = integer() else { return nil }
            return .some(ContentHash(high: high, low: low))
        default: return nil
        }
    }
}

extension ContentHash {
    var littleEndianBytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    }
}
