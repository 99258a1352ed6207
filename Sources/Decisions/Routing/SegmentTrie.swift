import HTTPSemantics

/// Tries over pieces of names (labels of a host, segments of a path), many in one: every edge of every trie stands in one
/// hash table, so that a step costs the same however many edges there are.
///
/// Looking up never allocates. Who asks can choose the pieces but not the edges, so collisions are bounded by what the
/// manifests hold.
struct SegmentTrie: Sendable {
    private struct Edge {
        static let none = Edge(hash: 0, parent: -1, child: -1, piece: .empty)

        let hash: UInt32
        let parent: Int32
        /// -1 where the slot is empty.
        let child: Int32
        /// In `text`.
        let piece: ByteRange
    }

    /// Open addressing; a power of two, at most half of them taken. The edges themselves, not their positions: a step
    /// touches little memory.
    private var slots = [Edge](repeating: .none, count: 16)
    private var edgeCount = 0
    private var text: [UInt8] = []
    /// The parent of each node; a root is its own.
    private(set) var parents: [Int32] = []

    mutating func addRoot() -> Int32 {
        let root = Int32(parents.count)
        parents.append(root)
        return root
    }

    /// The child of a node along a piece, made if it is not there yet.
    mutating func addChild(of parent: Int32, _ piece: Span<UInt8>) -> Int32 {
        if let child = child(of: parent, piece, 0..<piece.count) { return child }
        if (edgeCount + 1) * 2 > slots.count { grow() }
        let child = Int32(parents.count)
        parents.append(parent)
        let start = text.count
        text.append(copying: piece)
        let hash = Self.hash(parent, piece, 0..<piece.count)
        place(Edge(hash: hash, parent: parent, child: child, piece: ByteRange(offset: start, count: piece.count)))
        edgeCount += 1
        return child
    }

    /// The child of a node along the piece that stands at `range` of `bytes`.
    func child(of parent: Int32, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Int32? {
        let hash = Self.hash(parent, bytes, range)
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot].child >= 0 {
            let edge = slots[slot]
            if edge.hash == hash, edge.parent == parent, isPiece(edge.piece, bytes, range) { return edge.child }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func isPiece(_ piece: ByteRange, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard Int(piece.count) == range.count else { return false }
        let start = Int(piece.offset)
        for offset in 0..<range.count where text[start + offset] != bytes[range.lowerBound + offset] { return false }
        return true
    }

    private mutating func grow() {
        let edges = slots.filter { $0.child >= 0 }
        slots = [Edge](repeating: .none, count: slots.count * 2)
        for edge in edges { place(edge) }
    }

    private mutating func place(_ edge: Edge) {
        var slot = Int(edge.hash) & (slots.count - 1)
        while slots[slot].child >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = edge
    }

    private static func hash(_ parent: Int32, _ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt32 {
        var hash = ByteHash()
        hash.add(UInt64(truncatingIfNeeded: parent))
        for index in range { hash.add(bytes[index]) }
        return UInt32(truncatingIfNeeded: hash.value ^ hash.value >> 32)
    }
}

/// FNV-1a, 64 bits: short names, no state to set up.
struct ByteHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
    }

    mutating func add(_ number: UInt64) {
        value = (value ^ number) &* 0x9E37_79B9_7F4A_7C15
        value ^= value >> 29
    }
}
