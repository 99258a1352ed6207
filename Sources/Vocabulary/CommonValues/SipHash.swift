/// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash of short messages that nobody can make who does not know the key.
package struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    package init(key: (UInt64, UInt64)) { self.key = key }

    /// With a key that nobody knows.
    package init(using random: inout some RandomNumberGenerator) { key = (random.next(), random.next()) }

    package func callAsFunction(_ bytes: Span<UInt8>) -> UInt64 {
        var state = State(key)
        let tail = bytes.count & ~7
        for offset in stride(from: 0, to: tail, by: 8) { state.take(Self.word(bytes, offset..<offset + 8)) }
        state.take(Self.word(bytes, tail..<bytes.count) | UInt64(truncatingIfNeeded: bytes.count) << 56)
        return state.end()
    }

    /// In little-endian order.
    private static func word(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var word: UInt64 = 0
        for index in range { word |= UInt64(bytes[index]) << UInt64(8 * (index - range.lowerBound)) }
        return word
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        init(_ key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736f_6d65_7073_6575
            v1 = key.1 ^ 0x646f_7261_6e64_6f6d
            v2 = key.0 ^ 0x6c79_6765_6e65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        mutating func take(_ word: UInt64) {
            v3 ^= word
            mix(rounds: 2)
            v0 ^= word
        }

        mutating func end() -> UInt64 {
            v2 ^= 0xff
            mix(rounds: 4)
            return v0 ^ v1 ^ v2 ^ v3
        }

        private mutating func mix(rounds: Int) {
            for _ in 0..<rounds {
                v0 &+= v1
                v1 = Self.rotate(v1, 13) ^ v0
                v0 = Self.rotate(v0, 32)
                v2 &+= v3
                v3 = Self.rotate(v3, 16) ^ v2
                v0 &+= v3
                v3 = Self.rotate(v3, 21) ^ v0
                v2 &+= v1
                v1 = Self.rotate(v1, 17) ^ v2
                v2 = Self.rotate(v2, 32)
            }
        }

        private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
    }
}
