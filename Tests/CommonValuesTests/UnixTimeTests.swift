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
