import Testing

@testable import CommonValues

@Suite struct `The time of a certificate` {
    private let start = UnixTime(seconds: 1_000_000_000)
    private let day = Duration.seconds(86_400)
    private var time: CertificateTime { CertificateTime(notBefore: start, notAfter: start + day * 90) }

    @Test func `is judged to the moment`() {
        let states: [(time: UnixTime, state: CertificateTime.State)] = [
            (start - .seconds(1), .notYetValid), (start, .valid), (start + day * 60 - .seconds(1), .valid),
            (start + day * 60, .ending), (start + day * 90 - .seconds(1), .ending), (start + day * 90, .expired),
        ]
        for (moment, state) in states { #expect(time.state(at: moment) == state) }
    }

    @Test func `says when its state is next another`() {
        #expect(time.change(after: start - day) == start)
        #expect(time.change(after: start) == start + day * 60)
        #expect(time.change(after: start + day * 60) == time.notAfter)
        #expect(time.change(after: time.notAfter) == nil)
    }

    @Test func `that never begins is over`() {
        let time = CertificateTime(notBefore: start + day, notAfter: start)
        #expect(time.state(at: start) == .expired)
        #expect(time.state(at: start - day) == .notYetValid)
    }

    /// What has been said of it is not said again.
    @Test func `is told in the same words while its state is the same`() {
        #expect(time.sentence(at: start + day * 61) == "expires at 2001-12-08T01:46:40.000Z")
        #expect(time.sentence(at: start + day * 61) == time.sentence(at: start + day * 89))
        let sentences = [-1, 1, 61, 91].map { time.sentence(at: start + day * $0) }
        #expect(Set(sentences).count == 4)
    }

    @Test func `that remains is rounded down`() {
        let end = start + day * 90
        let remainders = [
            day * 12 + .seconds(86_399), day * 2, day * 2 - .seconds(1), day, day - .seconds(1), .seconds(3600),
            .seconds(3599), .seconds(59), .seconds(-7200),
        ].map { time.remainder(at: end - $0) }
        #expect(remainders == ["12 days", "2 days", "1 day", "1 day", "23 h", "1 h", "59 min", "a minute", "a minute"])
        #expect(time.summary(at: end - day * 12) == "expires in 12 days")
    }
}
