import HTTPSemantics

/// `Content-Length` (RFC 9110 § 8.6), in any version of HTTP.
enum ContentLength {
    /// More than 10^18 - 1 bytes are nobody's honest intent.
    private static let digitLimit = 18

    /// `nil` if it is not 1 to 18 digits.
    static func parse(_ digits: Span<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= digitLimit else { return nil }
        var length: UInt64 = 0
        for index in digits.indices {
            guard ASCII.isDigit(digits[index]) else { return nil }
            length = length * 10 + UInt64(digits[index] - 0x30)
        }
        return length
    }
}
