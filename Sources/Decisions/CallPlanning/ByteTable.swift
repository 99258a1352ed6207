/// Byte strings to small integers, built once and asked per request: no string is made to ask.
package struct ByteTable {
    private struct Entry {
        var hash: UInt64
        var offset: Int
        var count: Int
        var value: Int
    }

    private var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Open addressing; -1: free. A power of two, at most half full.
    private var slots: [Int32]
    private let seed: UInt64

    /// - Parameter items: Later ones do not replace earlier ones of the same name.
    init(_ items: [(name: String, value: Int)], seed: UInt64 = .random(in: .min ... .max)) {
        self.seed = seed
        var capacity = 8
        while capacity < items.count * 2 { capacity *= 2 }
        slots = [Int32](repeating: -1, count: capacity)
        entries.reserveCapacity(items.count)
        for item in items { insert(Array(item.name.utf8), item.value) }
    }

    private mutating func insert(_ name: [UInt8], _ value: Int) {
        guard find(name.span) == nil else { return }
        let hash = hash(name.span)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(entries.count)
        entries.append(Entry(hash: hash, offset: bytes.count, count: name.count, value: value))
        bytes.append(contentsOf: name)
    }

    func find(_ name: Span<UInt8>) -> Int? {
        let hash = hash(name)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 {
            let entry = entries[Int(slots[slot])]
            if entry.hash == hash, entry.count == name.count, matches(name, at: entry.offset) { return entry.value }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func matches(_ name: Span<UInt8>, at offset: Int) -> Bool {
        for index in name.indices where bytes[offset + index] != name[index] { return false }
        return true
    }

    /// FNV-1a from a seed of its own, so that nobody outside can choose names that collide.
    private func hash(_ name: Span<UInt8>) -> UInt64 {
        var hash = seed ^ 0xCBF2_9CE4_8422_2325
        for index in name.indices { hash = (hash ^ UInt64(name[index])) &* 0x100_0000_01B3 }
        return hash ^ (hash >> 29)
    }
}
