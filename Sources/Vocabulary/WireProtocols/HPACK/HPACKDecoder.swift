import HTTPSemantics

/// Reads header blocks (RFC 7541 § 6), each as a whole and in the order in which they came.
struct HPACKDecoder: ~Copyable {
    enum Failure: Error {
        /// The block is none: the connection cannot go on (COMPRESSION_ERROR).
        case malformed
        /// It would be more than anybody sends by mistake.
        case bomb
    }

    private var table = HPACKDynamicTable()

    /// - Parameters:
    ///   - scratch: For a field's strings.
    ///   - fields: Is told of each field.
    mutating func decode(
        _ block: Span<UInt8>, scratch: inout ByteBuffer, into fields: inout HTTP2FieldBlock,
        limits: borrowing HTTP2Limits
    ) throws(Failure) {
        var offset = 0
        try updateSize(block, &offset)
        while offset < block.count {
            let first = block[offset]
            if first & 0x80 != 0 {
                // Indexed (§ 6.1).
                let index = try Self.integer(block, &offset, prefix: 7)
                try add(index, to: &fields, limits)
            } else if first & 0xC0 == 0x40 {
                try literal(block, &offset, prefix: 6, .added, &scratch, &fields, limits)
            } else if first & 0xE0 == 0x20 {
                // A size update is only for the beginning (§ 4.2).
                throw .malformed
            } else {
                try literal(
                    block, &offset, prefix: 4, first & 0x10 == 0 ? .notAdded : .neverAdded, &scratch, &fields, limits)
            }
            if fields.isBomb { throw .bomb }
        }
    }

    /// What becomes of a literal field (§ 6.2).
    private enum Indexing {
        case added, notAdded, neverAdded
    }

    /// Size updates (§ 6.3).
    private mutating func updateSize(_ block: Span<UInt8>, _ offset: inout Int) throws(Failure) {
        while offset < block.count, block[offset] & 0xE0 == 0x20 {
            let size = try Self.integer(block, &offset, prefix: 5)
            guard size <= HPACKDynamicTable.byteLimit else { throw .malformed }
            table.setLimit(size)
        }
    }

    // MARK: Fields

    private func add(
        _ index: Int, to fields: inout HTTP2FieldBlock, _ limits: borrowing HTTP2Limits
    ) throws(Failure) {
        if index > HPACKStaticTable.count {
            let entry = index - HPACKStaticTable.count - 1
            guard entry < table.count else { throw .malformed }
            return fields.add(
                table.name(entry), table.value(entry), known: table.known(entry),
                isWellFormed: table.isWellFormed(entry), isNeverIndexed: false, limits: limits)
        }
        guard index > 0 else { throw .malformed }
        let entry = HPACKStaticTable.entry(index)
        fields.add(
            entry.name.bytes, entry.value.bytes, known: HPACKStaticTable.known(index), isWellFormed: true,
            isNeverIndexed: false, limits: limits)
    }

    private mutating func literal(
        _ block: Span<UInt8>, _ offset: inout Int, prefix: UInt8, _ indexing: Indexing, _ scratch: inout ByteBuffer,
        _ fields: inout HTTP2FieldBlock, _ limits: borrowing HTTP2Limits
    ) throws(Failure) {
        let index = try Self.integer(block, &offset, prefix: prefix)
        guard index <= HPACKStaticTable.count + table.count else { throw .malformed }
        scratch.removeAll()
        let name = index == 0 ? try Self.string(block, &offset, &scratch) : copyName(index, &scratch)
        let value = try Self.string(block, &offset, &scratch)
        let isStatic = index > 0 && index <= HPACKStaticTable.count
        let decoded = scratch.span
        let nameBytes = isStatic ? HPACKStaticTable.entry(index).name.bytes : Self.bytes(name, block, decoded)
        let valueBytes = Self.bytes(value, block, decoded)
        let known: KnownField
        if index == 0 {
            known = KnownField(nameBytes)
        } else if isStatic {
            known = HPACKStaticTable.known(index)
        } else {
            known = table.known(index - HPACKStaticTable.count - 1)
        }
        guard indexing == .added else {
            return fields.add(
                nameBytes, valueBytes, known: known, isWellFormed: false, isNeverIndexed: indexing == .neverAdded,
                limits: limits)
        }
        let isWellFormed = HTTP2FieldBlock.isWellFormed(nameBytes, valueBytes, known)
        fields.add(
            nameBytes, valueBytes, known: known, isWellFormed: isWellFormed, isNeverIndexed: false, limits: limits)
        table.add(nameBytes, valueBytes, known: known, isWellFormed: isWellFormed)
    }

    // MARK: Strings

    /// Where a string stands: in the block, or decoded.
    private struct Place {
        var range: Range<Int>
        var isDecoded: Bool
    }

    @_lifetime(copy block, copy decoded)
    private static func bytes(_ place: Place, _ block: Span<UInt8>, _ decoded: Span<UInt8>) -> Span<UInt8> {
        place.isDecoded ? decoded.extracting(place.range) : block.extracting(place.range)
    }

    /// A name of the dynamic table, which may be thrown out for the field itself.
    private func copyName(_ index: Int, _ scratch: inout ByteBuffer) -> Place {
        guard index > HPACKStaticTable.count else { return Place(range: 0..<0, isDecoded: true) }
        scratch.append(copying: table.name(index - HPACKStaticTable.count - 1))
        return Place(range: 0..<scratch.count, isDecoded: true)
    }

    /// A string (§ 5.2).
    private static func string(
        _ block: Span<UInt8>, _ offset: inout Int, _ scratch: inout ByteBuffer
    ) throws(Failure) -> Place {
        guard offset < block.count else { throw .malformed }
        let isCompressed = block[offset] & 0x80 != 0
        let count = try integer(block, &offset, prefix: 7)
        guard count <= block.count - offset else { throw .malformed }
        let range = offset..<(offset + count)
        offset += count
        guard isCompressed else { return Place(range: range, isDecoded: false) }
        let start = scratch.count
        guard HuffmanCode.shared.decode(block.extracting(range), into: &scratch) else { throw .malformed }
        return Place(range: start..<scratch.count, isDecoded: true)
    }

    /// An integer (§ 5.1) of up to 35 bits.
    /// - Parameter prefix: How many bits of the first octet are its.
    private static func integer(
        _ block: Span<UInt8>, _ offset: inout Int, prefix: UInt8
    ) throws(Failure) -> Int {
        let mask = (1 as UInt8) << prefix - 1
        let start = Int(block[offset] & mask)
        offset += 1
        guard start == Int(mask) else { return start }
        var value = start
        var shift = 0
        while shift <= 28 {
            guard offset < block.count else { throw .malformed }
            let byte = block[offset]
            offset += 1
            value += Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw .malformed
    }
}
