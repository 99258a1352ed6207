/// Reads field blocks, and is strict: what it refuses, nobody may send (RFC 7541).
package struct HPACKDecoder {
    package enum Mistake: Error, Hashable {
        case truncated, integerTooLarge, indexOutOfRange, badHuffman
        case sizeUpdateTooLarge, sizeUpdateTooLate, sizeUpdateMissing
    }

    /// What our SETTINGS_HEADER_TABLE_SIZE allows, once it is acknowledged.
    package private(set) var limit = 4096
    /// What the encoder has set.
    package private(set) var capacity = 4096
    /// The newest first.
    package private(set) var table: [Field] = []
    private var mustShrink = false
    /// How many fields came by an index into the dynamic table.
    package private(set) var dynamicUses = 0

    package init() {}

    package mutating func acknowledged(headerTableSize: Int) {
        limit = headerTableSize
        mustShrink = headerTableSize < capacity
    }

    package mutating func decode(_ block: [UInt8]) throws(Mistake) -> [Field] {
        var fields: [Field] = []
        var rest = block[...]
        while let first = rest.first {
            guard first & 0xe0 == 0x20 || !mustShrink else { throw .sizeUpdateMissing }
            switch first {
            case 0x80...:
                fields.append(try entry(try Self.integer(&rest, prefix: 7)))
            case 0x40..<0x80:
                let field = try literal(&rest, prefix: 6)
                fields.append(field)
                table.insert(field, at: 0)
                evict()
            case 0x20..<0x40:
                guard fields.isEmpty else { throw .sizeUpdateTooLate }
                capacity = try Self.integer(&rest, prefix: 5)
                guard capacity <= limit else { throw .sizeUpdateTooLarge }
                mustShrink = false
                evict()
            default:
                fields.append(try literal(&rest, prefix: 4))
            }
        }
        return fields
    }

    private mutating func evict() {
        while table.reduce(0, { $0 + $1.tableSize }) > capacity { table.removeLast() }
    }

    private mutating func entry(_ index: Int) throws(Mistake) -> Field {
        let dynamic = index - HPACK.staticTable.count - 1
        guard dynamic >= 0 else {
            guard index > 0 else { throw .indexOutOfRange }
            return HPACK.staticTable[index - 1]
        }
        guard dynamic < table.count else { throw .indexOutOfRange }
        dynamicUses += 1
        return table[dynamic]
    }

    private mutating func literal(_ rest: inout ArraySlice<UInt8>, prefix: Int) throws(Mistake) -> Field {
        let index = try Self.integer(&rest, prefix: prefix)
        let name = index == 0 ? try Self.string(&rest) : try entry(index).name
        return Field(name, try Self.string(&rest))
    }

    private static func integer(_ rest: inout ArraySlice<UInt8>, prefix: Int) throws(Mistake) -> Int {
        guard let first = rest.popFirst() else { throw .truncated }
        let limit = 1 << prefix - 1
        var value = Int(first) & limit
        guard value == limit else { return value }
        for shift in stride(from: 0, through: 28, by: 7) {
            guard let byte = rest.popFirst() else { throw .truncated }
            value += Int(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw .integerTooLarge
    }

    private static func string(_ rest: inout ArraySlice<UInt8>) throws(Mistake) -> String {
        guard let first = rest.first else { throw .truncated }
        let count = try integer(&rest, prefix: 7)
        guard count <= rest.count else { throw .truncated }
        let bytes = rest.prefix(count)
        rest.removeFirst(count)
        guard first >= 0x80 else { return String(latin1: bytes) }
        guard let decoded = HuffmanCode.decode(bytes) else { throw .badHuffman }
        return String(latin1: decoded)
    }
}
