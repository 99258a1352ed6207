import HTTPSemantics

/// The code of strings in header blocks (RFC 7541 § 5.2, appendix B), as it is read; Heddle writes none.
///
/// The code is canonical: shorter words come first, and among words of one length the symbols are in order. So how many bits
/// each symbol has is all there is to know.
final class HuffmanCode: Sendable {
    static let shared = HuffmanCode()

    private static let longest = 30
    private static let endOfString: UInt16 = 256

    /// What the next eight bits begin with: a symbol, and how many bits it has above; 0: a longer word.
    private let short: InlineArray<256, UInt16>
    /// By length: the first word of that length, aligned to the left of 32 bits, and where its symbol stands in `symbols`;
    /// `limits` is the first word, so aligned, that is longer.
    private let firsts: InlineArray<31, UInt32>
    private let limits: InlineArray<31, UInt64>
    private let places: InlineArray<31, Int>
    /// In the order of their words.
    private let symbols: InlineArray<257, UInt16>

    private init() {
        var short = InlineArray<256, UInt16>(repeating: 0)
        var firsts = InlineArray<31, UInt32>(repeating: 0)
        var limits = InlineArray<31, UInt64>(repeating: 0)
        var places = InlineArray<31, Int>(repeating: 0)
        var symbols = InlineArray<257, UInt16>(repeating: 0)
        var word: UInt64 = 0
        var place = 0
        for length in 1...Self.longest {
            firsts[length] = UInt32(truncatingIfNeeded: word)
            places[length] = place
            for symbol in 0..<257 where Int(Self.bitCounts[symbol]) == length {
                symbols[place] = UInt16(symbol)
                place += 1
                if length <= 8 {
                    let entry = UInt16(length) << 8 | UInt16(symbol)
                    let start = Int(word >> 24)
                    for index in start..<(start + 1 << (8 - length)) { short[index] = entry }
                }
                word += 1 << UInt64(32 - length)
            }
            limits[length] = word
        }
        self.short = short
        self.firsts = firsts
        self.limits = limits
        self.places = places
        self.symbols = symbols
    }

    /// Appends what is encoded.
    /// - Returns: `false` if it is none of this code's: with the end of string in it, or padded with anything but up to 7 ones.
    func decode(_ bytes: Span<UInt8>, into output: inout ByteBuffer) -> Bool {
        output.reserve(bytes.count * 8 / 5 + 1)
        // Bits that are read and not used, from the top of `bits`.
        var bits: UInt64 = 0
        var bitCount = 0
        var offset = 0
        let count = bytes.count
        while true {
            while bitCount <= 56, offset < count {
                bits |= UInt64(bytes[offset]) &<< UInt64(56 &- bitCount)
                bitCount &+= 8
                offset &+= 1
            }
            let entry = short[Int(truncatingIfNeeded: bits &>> 56)]
            let length: Int
            if entry != 0 {
                length = Int(entry >> 8)
                guard length <= bitCount else { break }
                output.append(UInt8(truncatingIfNeeded: entry))
            } else {
                guard let (symbol, symbolLength) = long(UInt32(truncatingIfNeeded: bits &>> 32)) else { return false }
                guard symbolLength <= bitCount else { break }
                guard symbol != Self.endOfString else { return false }
                output.append(UInt8(truncatingIfNeeded: symbol))
                length = symbolLength
            }
            bits &<<= UInt64(length)
            bitCount &-= length
        }
        // What is left is padding: the beginning of the end of string, which is all ones.
        return bitCount < 8 && bits == ~0 << UInt64(64 - bitCount)
    }

    /// The symbol of a word of more than eight bits.
    private func long(_ word: UInt32) -> (symbol: UInt16, length: Int)? {
        for length in 9...Self.longest where UInt64(word) < limits[length] {
            let index = Int(word - firsts[length]) >> (32 - length)
            return (symbols[places[length] + index], length)
        }
        return nil
    }

    /// The bits of each octet's word, and those of the end of string.
    private static let bitCounts: InlineArray<257, UInt8> = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
        28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6,
        6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6,
        6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22,
        20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23,
        22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22,
        23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22,
        25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
    ]
}
