import ConfigValues

/// A number as it is written in decimal: `digits` times ten to the power of `exponent`, so that 0.0075 is a multiple of 0.0001,
/// which in binary it is not.
struct DecimalNumber: Hashable, Sendable {
    /// No multiple of ten but 0.
    private var digits: UInt64
    private var exponent: Int

    /// The sign makes no difference to what is a multiple.
    init(_ number: ConfigNumber) {
        switch number {
        case .integer(let value): (digits, exponent) = (value.magnitude, 0)
        case .fraction(let value):
            (digits, exponent) = (0, 0)
            // The shortest text that is this number alone: 17 digits at most.
            var isBehindPoint = false
            var isExponent = false
            var power = 0
            var isNegative = false
            for byte in "\(value.magnitude)".utf8 {
                switch byte {
                case UInt8(ascii: "."): isBehindPoint = true
                case UInt8(ascii: "e"): isExponent = true
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "0")...UInt8(ascii: "9"):
                    if isExponent {
                        power = power * 10 + Int(byte & 15)
                    } else {
                        digits = digits * 10 + UInt64(byte & 15)
                        exponent -= isBehindPoint ? 1 : 0
                    }
                default: break
                }
            }
            exponent += isNegative ? -power : power
        }
        while digits != 0, digits.isMultiple(of: 10) { (digits, exponent) = (digits / 10, exponent + 1) }
    }

    /// - Parameter other: Not 0.
    func isMultiple(of other: DecimalNumber) -> Bool {
        guard digits != 0 else { return true }
        // No multiple of ten is among the digits.
        guard exponent >= other.exponent else { return false }
        func product(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let (high, low) = left.multipliedFullWidth(by: right)
            return other.digits.dividingFullWidth((high, low)).remainder
        }
        var remainder = digits % other.digits
        var (power, base) = (exponent - other.exponent, 10 % other.digits)
        while power > 0 {
            if power & 1 == 1 { remainder = product(remainder, base) }
            base = product(base, base)
            power >>= 1
        }
        return remainder == 0
    }
}
