/// A CIDR block of IPv4 or IPv6 addresses. An IPv4 address is kept as its IPv4-mapped IPv6 form (RFC 4291 § 2.5.5.2),
/// so that one comparison serves both.
package struct AddressBlock: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64
    /// Of the mapped form: 0 to 128.
    package let prefixLength: UInt8

    package init(high: UInt64, low: UInt64, prefixLength: UInt8) {
        self.high = high
        self.low = low
        self.prefixLength = prefixLength
    }

    package func contains(high: UInt64, low: UInt64) -> Bool {
        let length = UInt64(prefixLength)
        let highMask = length == 0 ? 0 : length >= 64 ? UInt64.max : ~(UInt64.max >> length)
        let lowMask = length <= 64 ? 0 : length == 128 ? UInt64.max : ~(UInt64.max >> (length - 64))
        return (self.high ^ high) & highMask == 0 && (self.low ^ low) & lowMask == 0
    }
}
