/// A string as JSON has it (RFC 8259 § 7).
package enum JSONText {
    /// In quotation marks. Quotation mark, backslash and control characters are escaped, those beyond ASCII too, which some
    /// terminals obey; all else is left as it is.
    package static func write(_ text: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var isAfterC2 = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\r"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            case UInt8(ascii: "\t"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            case 0..<0x20, 0x7F: writeEscape(of: byte, into: &bytes)
            case 0x80...0x9F where isAfterC2:
                // U+0080 to U+009F, whose first byte is written already.
                bytes.removeLast()
                writeEscape(of: byte, into: &bytes)
            default: bytes.append(byte)
            }
            isAfterC2 = byte == 0xC2
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func writeEscape(of scalar: UInt8, into bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes += "\\u00".utf8
        bytes += [digits[Int(scalar >> 4)], digits[Int(scalar & 15)]]
    }
}
