/// A small generator of its own, so that a seed gives the same inputs on every machine and with every compiler
/// (SplitMix64, Steele et al. 2014).
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// - Parameter bound: above zero.
    package mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Makes new inputs out of old ones; the same seed makes the same ones.
package struct Mutator {
    private var random: SplitMix64
    private let dictionary: [[UInt8]]
    private let maximumByteCount: Int

    /// Bytes that parsers tend to treat specially.
    private static let specialBytes: [UInt8] = [
        0, 1, 9, 10, 11, 13, 32, 0x22, 0x23, 0x25, 0x26, 0x27, 0x2A, 0x2D, 0x2F, 0x30, 0x39, 0x3A, 0x3B, 0x5B, 0x5C,
        0x5D,
        0x7B, 0x7D, 0x7F, 0x80, 0xBF, 0xC0, 0xC3, 0xE2, 0xEF, 0xF0, 0xFE, 0xFF,
    ]

    package init(seed: UInt64, dictionary: [[UInt8]], maximumByteCount: Int) {
        random = SplitMix64(seed: seed)
        self.dictionary = dictionary
        self.maximumByteCount = maximumByteCount
    }

    /// - Parameter pool: not empty.
    package mutating func mutate(pool: [[UInt8]]) -> [UInt8] {
        var input = pool[random.next(below: pool.count)]
        // Mostly few changes, now and then many: an input far from every seed is mostly refused at its first byte.
        let changes = 1 << random.next(below: 5)
        for _ in 0...random.next(below: changes) { change(&input, pool) }
        if input.count > maximumByteCount { input.removeLast(input.count - maximumByteCount) }
        return input
    }

    private mutating func change(_ input: inout [UInt8], _ pool: [[UInt8]]) {
        let place = random.next(below: input.count + 1)
        switch random.next(below: 10) {
        case 0 where place < input.count:
            input[place] ^= 1 << UInt8(random.next(below: 8))
        case 1 where place < input.count:
            input[place] = Self.specialBytes[random.next(below: Self.specialBytes.count)]
        case 2:
            input.insert(Self.specialBytes[random.next(below: Self.specialBytes.count)], at: place)
        case 3:
            let byte = UInt8(truncatingIfNeeded: random.next())
            input.insert(contentsOf: repeatElement(byte, count: 1 + random.next(below: 40)), at: place)
        case 4 where place < input.count:
            input.removeSubrange(place..<min(input.count, place + 1 + random.next(below: 16)))
        case 5 where !input.isEmpty:
            // A piece of the input once more, somewhere else.
            let start = random.next(below: input.count)
            let piece = Array(input[start..<min(input.count, start + 1 + random.next(below: 64))])
            input.insert(contentsOf: piece, at: place)
        case 6:
            // The tail of another input.
            let other = pool[random.next(below: pool.count)]
            let start = random.next(below: other.count + 1)
            input.replaceSubrange(place..., with: other[start...])
        case 7 where !dictionary.isEmpty, 8 where !dictionary.isEmpty:
            let token = dictionary[random.next(below: dictionary.count)]
            if random.next(below: 2) == 0 {
                input.insert(contentsOf: token, at: place)
            } else {
                input.replaceSubrange(place..<min(input.count, place + token.count), with: token)
            }
        default:
            if place < input.count { input[place] = UInt8(truncatingIfNeeded: random.next()) }
        }
    }
}
