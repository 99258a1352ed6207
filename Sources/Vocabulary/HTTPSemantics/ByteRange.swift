/// Where some bytes stand in the buffer that holds them.
///
/// Public like everything in this target that is called per byte or per field: the compiler inlines no `package`
/// declaration into another module, `@inlinable` or not, which made reading a head take twice as long.
public struct ByteRange: Hashable, Sendable {
    public var offset: UInt32
    public var count: UInt32

    @inlinable
    public init(offset: Int, count: Int) {
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.count = UInt32(truncatingIfNeeded: count)
    }

    public static let empty = ByteRange(offset: 0, count: 0)

    @inlinable public var isEmpty: Bool { count == 0 }
    @inlinable public var bounds: Range<Int> { Int(offset)..<(Int(offset) + Int(count)) }
}
