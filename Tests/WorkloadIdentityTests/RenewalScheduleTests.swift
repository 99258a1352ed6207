import CommonValues
import Testing
import TransportSecurity

@testable import WorkloadIdentity

@Test func `renewal falls between four and five tenths of a life, and not always at the same point`() {
    var random = CountingGenerator()
    let issued = UnixTime(seconds: 1000)
    let renewals = (0..<500).map { _ in
        RenewalSchedule(issued: issued, expiry: issued + .seconds(600), using: &random).renewal.seconds - 1000
    }
    #expect(renewals.allSatisfy { (240...300).contains($0) })
    #expect(Set(renewals).count > 30)
}

@Test func `a certificate without life is due at once`() {
    var random = CountingGenerator()
    let time = UnixTime(seconds: 1000)
    let schedule = RenewalSchedule(issued: time, expiry: time, using: &random)
    #expect(schedule.isDue(at: time))
}
