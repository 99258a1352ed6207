import CommonValues
import HTTPSemantics

/// `x-request-id`: a random UUID (RFC 9562 § 5.4), for finding a call again, not for keeping a secret.
package enum RequestID {
    package typealias Text = InlineArray<36, UInt8>

    /// Bytes that one may have: 128.
    package static let byteLimit = 128

    /// Whether a caller's own is kept: it has something to find the call by, and does not blow up whatever keeps it.
    package static func isUsable(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= byteLimit else { return false }
        for index in bytes.indices where !(0x21...0x7E).contains(bytes[index]) { return false }
        return true
    }

    package static func random(using random: inout FastRandom) -> Text {
        let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var text = Text(repeating: UInt8(ascii: "-"))
        write(high >> 32, digits: 8, at: 0, to: &text)
        write(high >> 16, digits: 4, at: 9, to: &text)
        write(high, digits: 4, at: 14, to: &text)
        write(low >> 48, digits: 4, at: 19, to: &text)
        write(low, digits: 12, at: 24, to: &text)
        return text
    }

    private static func write(_ value: UInt64, digits: Int, at start: Int, to text: inout Text) {
        var rest = value
        for index in (start..<(start + digits)).reversed() {
            text[index] = ASCII.lowercaseHexDigit(UInt8(truncatingIfNeeded: rest & 15))
            rest >>= 4
        }
    }
}
