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

        \tset ports {
        \t\ttype inet_service
        \t\telements = { 80, 8081,
        \t\t\t     8082 }
        \t}

        \tset endpoints4 {
        \t\ttype ipv4_addr . inet_service
        \t}

        \tchain refuse {
        \t\tcounter name "remote" drop
        \t}

        \tchain output {
        \t\ttype filter hook output priority 0; policy accept;
        \t\ttcp dport != @ports accept
        \t\ttcp dport @ports fib daddr type local goto judge
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

    @Test func whatIsThereIsCounted() {
        let listing = GuardListing(Self.output)
        #expect(
            listing.shape
                == GuardListing.Shape(
                    hooks: ["output": "type filter hook output priority 0; policy accept;"],
                    ruleCounts: ["refuse": 1, "output": 2], elementCounts: ["ports": 3, "endpoints4": 0]))
        #expect(listing.ports == [80, 8081, 8082])
        #expect(listing.comment == "Heddle's guard of node a")
        #expect(GuardListing("garbage\n").shape == GuardListing.Shape())
    }

    @Test(arguments: [("drop", "accept"), ("node a", "node b"), ("chain refuse", "chain other")])
    func everythingElseIs(_ before: String, _ after: String) {
        #expect(GuardListing(Self.output.replacing(before, with: after)).text != GuardListing(Self.output).text)
    }
}
