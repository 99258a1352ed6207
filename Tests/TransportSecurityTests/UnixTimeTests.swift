import Testing
import TransportSecurity

@Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_795_366_507, "2026-11-22T16:55:07Z"),
])
func `times print as RFC 3339 has them`(seconds: Int64, text: String) {
    #expect(UnixTime(seconds: seconds).description == text)
}

@Test func `times and durations add up`() {
    let time = UnixTime(seconds: 100)
    #expect((time + .seconds(20)) - time == .seconds(20))
    #expect(time - .seconds(20) < time)
}
