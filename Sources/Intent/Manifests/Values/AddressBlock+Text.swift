import CommonValues

extension AddressBlock {
    /// As a manifest writes it: `192.0.2.0/24`, `2001:db8::/32`; a single address without a length.
    var text: String {
        if high == 0, low >> 32 == 0xFFFF, prefixLength >= 96 {
            let bytes = [24, 16, 8, 0].map { String(low >> UInt64($0) & 255) }.joined(separator: ".")
            return prefixLength == 128 ? bytes : "\(bytes)/\(prefixLength - 96)"
        }
        let address = IPAddress(high: high, low: low)
        return prefixLength == 128 ? "\(address)" : "\(address)/\(prefixLength)"
    }
}
