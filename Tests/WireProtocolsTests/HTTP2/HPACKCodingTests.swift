import FuzzKit
import HPACKCoding
import HTTPSemantics
import Testing

@testable import WireProtocols

/// Blocks that are written here, read by a decoder that knows nothing of ours; and the other way round.
private struct RandomFields {
    private var random: SplitMix64
    private let names = ["x-a", "x-request-id", "accept", "cache-control", "content-type", "date", "via", "x-long"]

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func next(_ limit: Int) -> Int { random.next(below: limit) }

    /// Few enough that they repeat, and some that never do.
    mutating func field() -> Field {
        let name = names[next(names.count)]
        switch next(8) {
        case 0: return Field(name, "")
        case 1: return Field(name, String(repeating: "v", count: next(5000)))
        case 2: return Field(name, String(latin1: (0..<next(40)).map { _ in UInt8(33 + next(90)) }))
        default: return Field(name, "value-\(next(3))")
        }
    }
}

struct HPACKCodingTests {
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `what is written is read by anybody`(seed: UInt64) throws {
        var fields = RandomFields(seed: seed)
        var encoder = HPACKEncoder()
        var decoder = HPACKCoding.HPACKDecoder()
        var block = ByteBuffer()
        for _ in 0..<200 {
            if fields.next(20) == 0 {
                // Twice in one block: the smallest is told, too.
                for _ in 0...fields.next(2) {
                    let limit = fields.next(5000)
                    encoder.setTableLimit(UInt32(limit))
                    decoder.acknowledged(headerTableSize: min(limit, 4096))
                }
            }
            block.removeAll()
            encoder.begin(&block)
            let sent = (0..<fields.next(12)).map { _ in fields.field() }
            for field in sent {
                let name = field.name.latin1
                let indexing: [HPACKEncoder.Indexing] = [.added, .added, .added, .notAdded, .neverAdded]
                encoder.append(
                    name.span, nameIndex: HPACKStaticTable.index(of: KnownField(name.span)), field.value.latin1.span,
                    indexing[fields.next(indexing.count)], to: &block)
            }
            #expect(try decoder.decode(block.array) == sent)
        }
        #expect(decoder.dynamicUses > 30)
    }

    @Test(arguments: 1...61)
    func `a name of the static table is the field that it is anywhere else`(index: Int) {
        let known = KnownField(HPACKStaticTable.entry(index).name.bytes)
        #expect(HPACKStaticTable.known(index) == known)
        if known != .other { #expect(HPACKStaticTable.index(of: known) == index) }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `what anybody writes is read`(seed: UInt64) throws {
        var fields = RandomFields(seed: seed)
        var encoder = ReferenceEncoder()
        var decoder = WireProtocols.HPACKDecoder()
        var block = HTTP2FieldBlock()
        var scratch = ByteBuffer()
        var limits = HTTP2Limits()
        limits.headerListByteCount = 1 << 20
        for _ in 0..<200 {
            var bytes: [UInt8] = []
            if fields.next(20) == 0 { bytes += encoder.resize(to: fields.next(4097)) }
            let sent = (0..<fields.next(12)).map { _ in fields.field() }
            for field in sent { bytes += encoder.encode(field, &fields) }
            block.begin(.trailers)
            try decoder.decode(bytes.span, scratch: &scratch, into: &block, limits: limits)
            let read = block.head.textCopy().fields.map { Field($0.name, $0.value) }
            #expect(read == sent)
        }
        #expect(encoder.dynamicUses > 30)
    }
}

/// Writes each field in one of the ways there are, chosen at random, and keeps a table as RFC 7541 § 4 describes it.
private struct ReferenceEncoder {
    private var table: [Field] = []
    private var capacity = 4096
    private(set) var dynamicUses = 0

    mutating func resize(to size: Int) -> [UInt8] {
        capacity = size
        evict()
        return HPACK.sizeUpdate(size)
    }

    private mutating func evict() {
        while table.reduce(0, { $0 + $1.tableSize }) > capacity { table.removeLast() }
    }

    mutating func encode(_ field: Field, _ random: inout RandomFields) -> [UInt8] {
        let all = HPACK.staticTable + table
        let huffman = random.next(2) == 0
        if let index = all.lastIndex(of: field), random.next(4) > 0 {
            if index >= HPACK.staticTable.count { dynamicUses += 1 }
            return HPACK.indexed(index + 1)
        }
        let indexing: HPACK.Indexing = [.incremental, .without, .never][random.next(3)]
        let name = random.next(2) == 0 ? all.lastIndex { $0.name == field.name } : nil
        let bytes =
            if let name {
                HPACK.literal(nameAt: name + 1, field.value, indexing, huffman: huffman)
            } else {
                HPACK.literal(field.name, field.value, indexing, huffman: huffman)
            }
        if indexing == .incremental {
            table.insert(field, at: 0)
            evict()
        }
        return bytes
    }
}
