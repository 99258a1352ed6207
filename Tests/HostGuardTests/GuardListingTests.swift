import Testing

@testable import HostGuard

@Suite struct GuardListingTests {
    private static let output = """
        table inet heddle-guard-1-2 {
        \tcomment "Heddle's guard of node a"
        \tcounter local {
        \t\tpackets 3 bytes 180
        \t}

        \tcounter remote {
        \t\tpackets 18446744073709551615 bytes 0
        \t}

        \tchain refuse {
        \t\tcounter name "remote" drop
        \t}
        }

        """

    @Test func packetsAreCounted() {
        #expect(GuardListing(Self.output).refused == GuardCounts(local: 3, remote: .max))
    }

    @Test func whatIsCountedIsNoChange() {
        let later = Self.output.replacing("packets 3 bytes 180", with: "packets 4 bytes 240")
        #expect(GuardListing(later).text == GuardListing(Self.output).text)
        #expect(GuardListing(later) != GuardListing(Self.output))
    }

    @Test(arguments: [("drop", "accept"), ("node a", "node b"), ("chain refuse", "chain other")])
    func everythingElseIs(_ before: String, _ after: String) {
        #expect(GuardListing(Self.output.replacing(before, with: after)).text != GuardListing(Self.output).text)
    }
}
