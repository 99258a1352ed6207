import CommonValues
import Testing

@Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
    (1_795_366_507_250, "2026-11-22T16:55:07.250Z"), (-1, "1969-12-31T23:59:59.999Z"),
    (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
])
func `times print as RFC 3339 has them`(milliseconds: Int64, text: String) {
    #expect(UnixTime(microseconds: milliseconds * 1_000).description == text)
}

@Test func `times and durations add up`() {
    let time = UnixTime(seconds: 100)
    #expect((time + .milliseconds(20)) - time == .milliseconds(20))
    #expect(time - .seconds(20) < time)
    #expect((time - .milliseconds(1)).seconds == 99)
    #expect((UnixTime(seconds: 0) - .milliseconds(1)).seconds == -1)
}

@Test func `a certificate may be good until the year 9999, and a clock may be off the scale`() {
    #expect(UnixTime(seconds: 253_402_300_799).description == "9999-12-31T23:59:59.000Z")
    #expect(UnixTime(seconds: .max) > UnixTime(seconds: 253_402_300_799))
    #expect(UnixTime(seconds: .min) < UnixTime(seconds: 0))
}

@Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_795_366_507, "Sun, 22 Nov 2026 16:55:07 GMT"),
    (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    (.max, "Fri, 31 Dec 9999 23:59:59 GMT"), (.min, "Sat, 01 Jan 0000 00:00:00 GMT"),
])
func `times print as HTTP has them`(seconds: Int64, text: String) {
    var bytes = [UInt8](repeating: 0, count: UnixTime.httpDateByteCount)
    UnixTime(seconds: seconds).writeHTTPDate(over: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == text)
}
