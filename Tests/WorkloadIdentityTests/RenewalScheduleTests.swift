import CommonValues
import Testing

@testable import WorkloadIdentity

@Test func `renewal falls between four and five tenths of a life, and not always at the same point`() {
    var random = CountingGenerator()
    let issued = UnixTime(seconds: 1000)
    let renewals = (0..<500).map { _ in
        RenewalSchedule(start: issued, issued: issued, expiry: issued + .seconds(600), using: &random).renewal.seconds
            - 1000
    }
    #expect(renewals.allSatisfy { (240...300).contains($0) })
    #expect(Set(renewals).count > 30)
}

@Test func `a certificate without life is due at once`() {
    var random = CountingGenerator()
    let time = UnixTime(seconds: 1000)
    let schedule = RenewalSchedule(start: time, issued: time, expiry: time, using: &random)
    #expect(schedule.isDue(at: time))
}

@Test func `a certificate whose time has not begun is due at once`() {
    var random = CountingGenerator()
    let time = UnixTime(seconds: 1000)
    let schedule = RenewalSchedule(
        start: time - .seconds(30), issued: time, expiry: time + .seconds(600), using: &random)
    #expect(!schedule.isDue(at: time))
    #expect(!schedule.isDue(at: time - .seconds(30)))
    #expect(schedule.isDue(at: time - .seconds(31)))
}
