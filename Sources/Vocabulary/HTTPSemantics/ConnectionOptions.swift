/// The options of `Connection` that may name a field of a head, found by their bytes: what removing those fields costs grows
/// with the options and the fields, not with their product.
package struct ConnectionOptions {
    /// Options of one message; whoever reads it refuses more. Nobody who means it has more than a handful.
    package static let limit = 64
    private static let slotCount = 2 * limit

    /// Open addressing; empty ranges are free.
    private var slots = InlineArray<128, ByteRange>(repeating: .empty)
    private var count = 0

    /// - Parameter option: Not empty, where it stands in `bytes`.
    mutating func insert(_ option: Range<Int>, in bytes: Span<UInt8>) {
        // Beyond the limit is what was never looked at: a message that did not come from a parser.
        guard count < Self.limit else { return }
        let value = bytes.extracting(option)
        var slot = Self.slot(of: value)
        while !slots[slot].isEmpty {
            if Self.equal(bytes.extracting(slots[slot].bounds), value) { return }
            slot = (slot + 1) & (Self.slotCount - 1)
        }
        slots[slot] = ByteRange(offset: option.lowerBound, count: option.count)
        count += 1
    }

    /// - Parameter name: In lower case.
    func contain(_ name: Span<UInt8>, in bytes: Span<UInt8>) -> Bool {
        var slot = Self.slot(of: name)
        while !slots[slot].isEmpty {
            if Self.equal(bytes.extracting(slots[slot].bounds), name) { return true }
            slot = (slot + 1) & (Self.slotCount - 1)
        }
        return false
    }

    /// FNV-1a of the bytes in lower case. Names that collide cost no more than all options each, which the limit bounds.
    private static func slot(of bytes: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in bytes.indices { hash = (hash ^ UInt64(ASCII.lowercased(bytes[index]))) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ (hash >> 32)) & (slotCount - 1)
    }

    private static func equal(_ bytes: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        guard bytes.count == other.count else { return false }
        for index in bytes.indices where ASCII.lowercased(bytes[index]) != ASCII.lowercased(other[index]) {
            return false
        }
        return true
    }
}
