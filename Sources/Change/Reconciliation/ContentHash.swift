/// 128 bits that name content: MurmurHash3 (x64, 128 bits, seed 0), by Austin Appleby.
///
/// Fast and the same on every machine, which is all it is for: generations are named and compared across nodes with it.
/// It is no protection against someone who looks for two sets with one hash. Whether one file changed is decided by its
/// bytes, never by this.
package struct ContentHash: Sendable, Hashable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(of bytes: Span<UInt8>) {
        let factor1: UInt64 = 0x87c3_7b91_1142_53d5
        let factor2: UInt64 = 0x4cf5_ad43_2745_937f
        var hash1: UInt64 = 0
        var hash2: UInt64 = 0

        func scrambled1(_ word: UInt64) -> UInt64 { Self.rotated(word &* factor1, by: 31) &* factor2 }
        func scrambled2(_ word: UInt64) -> UInt64 { Self.rotated(word &* factor2, by: 33) &* factor1 }

        let whole = bytes.count & ~15
        var offset = 0
        while offset < whole {
            hash1 ^= scrambled1(Self.word(bytes, at: offset, count: 8))
            hash1 = (Self.rotated(hash1, by: 27) &+ hash2) &* 5 &+ 0x52dc_e729
            hash2 ^= scrambled2(Self.word(bytes, at: offset + 8, count: 8))
            hash2 = (Self.rotated(hash2, by: 31) &+ hash1) &* 5 &+ 0x3849_5ab5
            offset += 16
        }
        let rest = bytes.count - whole
        if rest > 8 { hash2 ^= scrambled2(Self.word(bytes, at: whole + 8, count: rest - 8)) }
        if rest > 0 { hash1 ^= scrambled1(Self.word(bytes, at: whole, count: min(rest, 8))) }

        hash1 ^= UInt64(bytes.count)
        hash2 ^= UInt64(bytes.count)
        hash1 &+= hash2
        hash2 &+= hash1
        hash1 = Self.finished(hash1)
        hash2 = Self.finished(hash2)
        hash1 &+= hash2
        hash2 &+= hash1
        high = hash1
        low = hash2
    }

    /// 32 lower-case hexadecimal digits.
    package var description: String {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }
        return digits(high) + digits(low)
    }

    /// `count` bytes, 1 to 8, little-endian.
    private static func word(_ bytes: Span<UInt8>, at offset: Int, count: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(bytes[offset + index]) &<< UInt64(index * 8) }
        return word
    }

    private static func rotated(_ word: UInt64, by bits: UInt64) -> UInt64 {
        (word &<< bits) | (word &>> (64 - bits))
    }

    private static func finished(_ word: UInt64) -> UInt64 {
        var word = word
        word ^= word &>> 33
        word = word &* 0xff51_afd7_ed55_8ccd
        word ^= word &>> 33
        word = word &* 0xc4ce_b9fe_1a85_ec53
        word ^= word &>> 33
        return word
    }
}

extension ContentHash {
    package init(of bytes: [UInt8]) { self.init(of: bytes.span) }
}
