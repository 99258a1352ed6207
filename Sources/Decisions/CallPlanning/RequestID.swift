package import CommonValues
import HTTPSemantics

/// `x-request-id`: a random UUID (RFC 9562 § 5.4), for finding a call again, not for keeping a secret.
package enum RequestID {
    package typealias Text = InlineArray<36, UInt8>

    /// Bytes that one may have: 128.
    package static let byteLimit = 128

    /// Whether a caller's own is kept: it has something to find the call by, and does not blow up whatever keeps it.
    package static func isUsable(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= byteLimit else { return false }
        var index = 0
        while index + 8 <= bytes.count {
            // Visible bytes are those of targets.
            guard ByteWord.outsideTargets(bytes.word(at: index)) == 0 else { return false }
            index += 8
        }
        while index < bytes.count {
            guard (0x21...0x7E).contains(bytes[index]) else { return false }
            index += 1
        }
        return true
    }

    package static func random(using random: inout FastRandom) -> Text {
        let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var text = Text(repeating: UInt8(ascii: "-"))
        put(ByteWord.hexDigits(UInt32(truncatingIfNeeded: high >> 32)), at: 0, 4, in: &text)
        put(ByteWord.hexDigits(UInt32(truncatingIfNeeded: high)), at: 9, 14, in: &text)
        put(ByteWord.hexDigits(UInt32(truncatingIfNeeded: low >> 32)), at: 19, 24, in: &text)
        put(ByteWord.hexDigits(UInt32(truncatingIfNeeded: low)), at: 28, 32, in: &text)
        return text
    }

    /// Eight digits, four at each of two places.
    @inline(__always)
    private static func put(_ digits: UInt64, at first: Int, _ second: Int, in text: inout Text) {
        var span = text.mutableSpan
        // SAFETY: any bytes are bytes; the offsets are checked.
        var bytes = unsafe span.mutableBytes
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: digits).littleEndian, toByteOffset: first, as: UInt32.self)
        bytes.storeBytes(
            of: UInt32(truncatingIfNeeded: digits >> 32).littleEndian, toByteOffset: second, as: UInt32.self)
    }
}
