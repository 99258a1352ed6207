/// The code of RFC 7541, Appendix B. It is canonical: shorter codes come first, and among codes of one length the
/// symbols are in order. So the lengths are all there is to know.
package enum HuffmanCode {
    package static let endOfString = 256

    private static let bitCounts: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
        28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
        7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
        23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
        21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
    ]

    package struct CodeWord: Hashable {
        package var bits: UInt32
        package var count: UInt8

        package init(bits: UInt32 = 0, count: UInt8 = 0) {
            self.bits = bits
            self.count = count
        }
    }

    /// By symbol.
    package static let words: [CodeWord] = {
        var words = [CodeWord](repeating: CodeWord(), count: bitCounts.count)
        var next = CodeWord()
        for symbol in bitCounts.indices.sorted(by: { (bitCounts[$0], $0) < (bitCounts[$1], $1) }) {
            next.bits <<= UInt32(bitCounts[symbol] - next.count)
            next.count = bitCounts[symbol]
            words[symbol] = next
            next.bits += 1
        }
        return words
    }()

    private static let symbols = Dictionary(uniqueKeysWithValues: words.enumerated().map { ($1, $0) })

    /// - Parameter ending: Symbols to add, and what the last octet is filled with: ones, unless something is to be wrong.
    package static func encode(_ bytes: [UInt8], ending: [Int] = [], padding: UInt8 = 1, extraOctets: Int = 0)
        -> [UInt8]
    {
        var bits: [UInt8] = []
        for symbol in bytes.map(Int.init) + ending {
            let word = words[symbol]
            for shift in (0..<UInt32(word.count)).reversed() { bits.append(UInt8(word.bits >> shift & 1)) }
        }
        while bits.count % 8 != 0 { bits.append(padding) }
        bits += [UInt8](repeating: 1, count: 8 * extraOctets)
        return stride(from: 0, to: bits.count, by: 8).map { start in bits[start..<start + 8].reduce(0) { $0 << 1 | $1 }
        }
    }

    /// - Returns: `nil` if it is none of this code's (RFC 7541 § 5.2).
    package static func decode(_ bytes: some Collection<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var word = CodeWord()
        for byte in bytes {
            for shift in (0..<8).reversed() {
                word = CodeWord(bits: word.bits << 1 | UInt32(byte >> shift & 1), count: word.count + 1)
                guard word.count <= 30 else { return nil }
                guard let symbol = symbols[word] else { continue }
                guard symbol != endOfString else { return nil }
                decoded.append(UInt8(symbol))
                word = CodeWord()
            }
        }
        guard word.count < 8, word.bits == (1 << UInt32(word.count)) - 1 else { return nil }
        return decoded
    }
}
