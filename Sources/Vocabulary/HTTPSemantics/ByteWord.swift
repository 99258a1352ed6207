/// Eight bytes at a time: a flag in the top bit of each byte that is meant. Unless said otherwise only the lowest flag is
/// sure to be right, so that only the first hit in a word may be used.
public enum ByteWord {
    /// Control bytes: below 0x20, and 0x7F.
    @inlinable @inline(__always)
    public static func controls(_ word: UInt64) -> UInt64 {
        let below = (word &- 0x2020_2020_2020_2020) & ~word
        let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
        return (below | ((delete &- 0x0101_0101_0101_0101) & ~delete)) & 0x8080_8080_8080_8080
    }

    /// What no request target holds: up to and with 0x20, and from 0x7F on.
    @inlinable @inline(__always)
    public static func outsideTargets(_ word: UInt64) -> UInt64 {
        let below = (word &- 0x2121_2121_2121_2121) & ~word
        let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
        return (below | word | ((delete &- 0x0101_0101_0101_0101) & ~delete)) & 0x8080_8080_8080_8080
    }

    /// Bytes that are this one.
    @inlinable @inline(__always)
    public static func matches(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (0x0101_0101_0101_0101 &* UInt64(byte))
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
    }

    /// Bytes that are no letter, digit or dash: where a field name is likely to end. Exact for every byte.
    @inlinable @inline(__always)
    public static func outsideNames(_ word: UInt64) -> UInt64 {
        let heptets = word & 0x7F7F_7F7F_7F7F_7F7F
        let lower = heptets | 0x2020_2020_2020_2020
        let letters = (lower &+ 0x1F1F_1F1F_1F1F_1F1F) & ~(lower &+ 0x0505_0505_0505_0505)
        let digits = (heptets &+ 0x5050_5050_5050_5050) & ~(heptets &+ 0x4646_4646_4646_4646)
        let dashes = ~((heptets ^ 0x2D2D_2D2D_2D2D_2D2D) &+ 0x7F7F_7F7F_7F7F_7F7F)
        return (~(letters | digits | dashes) | word) & 0x8080_8080_8080_8080
    }

    /// The eight lower-case hexadecimal digits of a number, the first in the lowest byte.
    @inlinable @inline(__always)
    public static func hexDigits(_ number: UInt32) -> UInt64 {
        var digits = UInt64(number.byteSwapped)
        digits = (digits | digits &<< 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits &<< 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits &>> 4 | digits &<< 8) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = ((digits &+ 0x0606_0606_0606_0606) &>> 4) & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }

    /// The word in lower case. Exact for every byte.
    @inlinable @inline(__always)
    public static func lowercased(_ word: UInt64) -> UInt64 {
        let heptets = word & 0x7F7F_7F7F_7F7F_7F7F
        let fromA = heptets &+ 0x3F3F_3F3F_3F3F_3F3F
        let overZ = heptets &+ 0x2525_2525_2525_2525
        return word | (((fromA ^ overZ) & ~word & 0x8080_8080_8080_8080) &>> 2)
    }
}

extension Span<UInt8> {
    /// The eight bytes at an offset, the first in the lowest bits.
    @inlinable @inline(__always)
    public func word(at offset: Int) -> UInt64 {
        // SAFETY: the offset is checked, and any eight bytes are a UInt64.
        UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

extension StaticString {
    /// The literal's bytes, which live as long as the program.
    @inlinable
    public var bytes: Span<UInt8> {
        // SAFETY: a literal of more than one scalar is a pointer to constant memory of that size.
        @_lifetime(immortal) get {
            unsafe _overrideLifetime(Span(_unsafeStart: utf8Start, count: utf8CodeUnitCount), copying: ())
        }
    }
}
