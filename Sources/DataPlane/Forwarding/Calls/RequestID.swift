/// `x-request-id`: a random UUID (RFC 9562 § 5.4), for finding a call again, not for keeping a secret.
enum RequestID {
    static func append(to text: inout [UInt8], using random: inout some RandomNumberGenerator) {
        let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        append(high >> 32, digits: 8, to: &text)
        text.append(UInt8(ascii: "-"))
        append(high >> 16, digits: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        append(high, digits: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        append(low >> 48, digits: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        append(low, digits: 12, to: &text)
    }

    private static func append(_ value: UInt64, digits: Int, to text: inout [UInt8]) {
        for position in (0..<digits).reversed() {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(position * 4)) & 15
            text.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
    }
}
