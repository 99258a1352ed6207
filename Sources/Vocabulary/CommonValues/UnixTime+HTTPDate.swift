/// `Date` as HTTP writes it (IMF-fixdate, RFC 9110 § 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
extension UnixTime {
    /// Bytes of one, for years of four digits.
    package static let httpDateByteCount = 29

    /// Writes it over the first `httpDateByteCount` bytes of `text`. Years before 0 or after 9999 become the nearest of these.
    package func writeHTTPDate(over text: inout [UInt8]) {
        precondition(text.count >= Self.httpDateByteCount)
        let seconds = min(max(seconds, Self.firstSecond), Self.lastSecond)
        let day = Int((seconds - (seconds % 86_400 + 86_400) % 86_400) / 86_400)
        let second = Int(seconds) - day * 86_400
        let date = Self.civilDate(day: day)
        // 1970 began on a Thursday.
        Self.write(Self.weekdays, at: ((day + 4) % 7 + 7) % 7, over: &text, from: 0)
        text[3] = UInt8(ascii: ",")
        text[4] = UInt8(ascii: " ")
        Self.write(date.day, over: &text, from: 5)
        text[7] = UInt8(ascii: " ")
        Self.write(Self.months, at: date.month - 1, over: &text, from: 8)
        text[11] = UInt8(ascii: " ")
        Self.write(date.year / 100, over: &text, from: 12)
        Self.write(date.year % 100, over: &text, from: 14)
        text[16] = UInt8(ascii: " ")
        Self.write(second / 3_600, over: &text, from: 17)
        text[19] = UInt8(ascii: ":")
        Self.write(second / 60 % 60, over: &text, from: 20)
        text[22] = UInt8(ascii: ":")
        Self.write(second % 60, over: &text, from: 23)
        Self.write(" GMT", at: 0, count: 4, over: &text, from: 25)
    }

    private static let weekdays: StaticString = "SunMonTueWedThuFriSat"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
    /// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
    private static let firstSecond: Int64 = -62_167_219_200
    private static let lastSecond: Int64 = 253_402_300_799

    private static func write(_ number: Int, over text: inout [UInt8], from offset: Int) {
        text[offset] = UInt8(ascii: "0") + UInt8(number / 10)
        text[offset + 1] = UInt8(ascii: "0") + UInt8(number % 10)
    }

    private static func write(
        _ names: StaticString, at index: Int, count: Int = 3, over text: inout [UInt8], from offset: Int
    ) {
        let bytes = unsafe UnsafeBufferPointer(start: names.utf8Start, count: names.utf8CodeUnitCount)
        for position in 0..<count { text[offset + position] = unsafe bytes[index * count + position] }
    }
}
