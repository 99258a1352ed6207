import HTTPSemantics

/// Writes header blocks (RFC 7541 § 6). What stays the same goes out as an index from the second time on; what changes goes
/// out as it is, for compressing it costs both sides more than the bytes that it saves.
struct HPACKEncoder: ~Copyable {
    /// What a table does with a field that is not in it (§ 6.2).
    enum Indexing {
        case added, notAdded
        /// By nobody on its way (§ 7.1.3).
        case neverAdded
    }

    private var table = HPACKDynamicTable()
    /// What the table's limit was set to since the last block: the smallest, and the last (§ 4.2).
    private var smallestLimit: Int?

    /// The peer's SETTINGS_HEADER_TABLE_SIZE.
    mutating func setTableLimit(_ byteCount: UInt32) {
        let limit = min(Int(byteCount), HPACKDynamicTable.byteLimit)
        guard limit != table.limit || smallestLimit != nil else { return }
        smallestLimit = min(smallestLimit ?? limit, limit)
        table.setLimit(limit)
    }

    /// To be called before a block's first field.
    mutating func begin(_ output: inout ByteBuffer) {
        guard let smallest = smallestLimit else { return }
        smallestLimit = nil
        if smallest < table.limit { Self.append(smallest, prefix: 5, 0x20, to: &output) }
        Self.append(table.limit, prefix: 5, 0x20, to: &output)
    }

    /// A field of the static table, by its index.
    mutating func append(index: Int, to output: inout ByteBuffer) {
        output.append(0x80 | UInt8(truncatingIfNeeded: index))
    }

    /// - Parameters:
    ///   - name: Not empty.
    ///   - nameIndex: Where the static table has the name; 0: it has not, or that is not known.
    mutating func append(
        _ name: Span<UInt8>, nameIndex: Int, _ value: Span<UInt8>, _ indexing: Indexing, to output: inout ByteBuffer
    ) {
        switch indexing {
        case .added where !table.isLarge(name, value):
            let hash = HPACKDynamicTable.hash(name, value)
            if let index = table.index(of: name, value, hash: hash) {
                return Self.append(HPACKStaticTable.count + 1 + index, prefix: 7, 0x80, to: &output)
            }
            Self.appendName(name, nameIndex, prefix: 6, 0x40, to: &output)
            table.add(name, value, known: .other, isWellFormed: true, hash: hash)
        case .added, .notAdded: Self.appendName(name, nameIndex, prefix: 4, 0x00, to: &output)
        case .neverAdded: Self.appendName(name, nameIndex, prefix: 4, 0x10, to: &output)
        }
        Self.append(string: value, to: &output)
    }

    mutating func append(
        _ name: Span<UInt8>, nameIndex: Int, _ value: borrowing ByteBuffer, _ indexing: Indexing,
        to output: inout ByteBuffer
    ) {
        append(name, nameIndex: nameIndex, value.span, indexing, to: &output)
    }

    private static func appendName(
        _ name: Span<UInt8>, _ index: Int, prefix: UInt8, _ pattern: UInt8, to output: inout ByteBuffer
    ) {
        append(index, prefix: prefix, pattern, to: &output)
        if index == 0 { append(string: name, to: &output) }
    }

    /// A name of the static table and a value that no table is to have, of which the length is told ahead of its bytes.
    mutating func appendName(index: Int, valueByteCount: Int, to output: inout ByteBuffer) {
        Self.append(index, prefix: 4, 0x00, to: &output)
        Self.append(valueByteCount, prefix: 7, 0x00, to: &output)
    }

    @inline(__always)
    private static func append(string bytes: Span<UInt8>, to output: inout ByteBuffer) {
        append(bytes.count, prefix: 7, 0x00, to: &output)
        output.append(copying: bytes)
    }

    /// An integer (§ 5.1).
    @inline(__always)
    private static func append(_ value: Int, prefix: UInt8, _ pattern: UInt8, to output: inout ByteBuffer) {
        let mask = 1 << Int(prefix) - 1
        guard value >= mask else { return output.append(pattern | UInt8(truncatingIfNeeded: value)) }
        output.append(pattern | UInt8(truncatingIfNeeded: mask))
        var rest = value - mask
        while rest >= 0x80 {
            output.append(0x80 | UInt8(truncatingIfNeeded: rest & 0x7F))
            rest >>= 7
        }
        output.append(UInt8(truncatingIfNeeded: rest))
    }
}
