/// `grpc-timeout`: how long a caller waits (gRPC over HTTP/2, "Timeout").
package enum GRPCTimeout {
    /// - Parameter value: One to eight digits and a unit.
    /// - Returns: Milliseconds, rounded up, at most a hundred days; `nil` if it is no timeout.
    package static func milliseconds(_ value: Span<UInt8>) -> UInt64? {
        guard value.count >= 2, value.count <= 9 else { return nil }
        var amount: UInt64 = 0
        for index in 0..<(value.count - 1) {
            guard ASCII.isDigit(value[index]) else { return nil }
            amount = amount * 10 + UInt64(value[index] - 0x30)
        }
        switch value[value.count - 1] {
        case UInt8(ascii: "H"): return min(amount * 3_600_000, limit)
        case UInt8(ascii: "M"): return min(amount * 60_000, limit)
        case UInt8(ascii: "S"): return min(amount * 1_000, limit)
        case UInt8(ascii: "m"): return amount
        case UInt8(ascii: "u"): return (amount + 999) / 1_000
        case UInt8(ascii: "n"): return (amount + 999_999) / 1_000_000
        default: return nil
        }
    }

    private static let limit: UInt64 = 100 * 24 * 3_600_000

    /// In the smallest unit that takes it.
    package static func text(milliseconds: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        let isShort = milliseconds < 100_000_000
        bytes.append(decimal: isShort ? milliseconds : min((milliseconds + 999) / 1_000, 99_999_999))
        bytes.append(isShort ? UInt8(ascii: "m") : UInt8(ascii: "S"))
        return bytes
    }
}
