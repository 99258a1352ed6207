/// Where some bytes stand in the buffer that holds them.
package struct ByteRange: Hashable, Sendable {
    package var offset: UInt32
    package var count: UInt32

    @inlinable
    package init(offset: Int, count: Int) {
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.count = UInt32(truncatingIfNeeded: count)
    }

    package static let empty = ByteRange(offset: 0, count: 0)

    @inlinable package var isEmpty: Bool { count == 0 }
    @inlinable package var bounds: Range<Int> { Int(offset)..<(Int(offset) + Int(count)) }
}
