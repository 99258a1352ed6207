import CommonValues
import EventLoops
import Testing

@testable import Forwarding

/// Which sockets go on in the next set, as a value.
@Suite struct SocketPlanTests {
    private func place(_ address: String, _ port: UInt16 = 80, isIPv6Only: Bool = false) -> ListeningPlace {
        ListeningPlace(.ip(IPAddress(address)!, port: port), isIPv6Only: isIPv6Only)
    }

    @Test func `what stays is kept, what is new is opened, what goes is kept for nobody`() {
        let (stays, new, goes) = (place("127.0.0.1"), place("127.0.0.2"), place("127.0.0.3"))
        let plan = SocketPlan(wanted: [stays, new], open: [stays, goes])
        #expect(plan.missing == [new])
        #expect(plan.kept == [stays: stays])
    }

    @Test(arguments: [
        ("127.0.0.1", "0.0.0.0"), ("127.0.0.1", "::"), ("0.0.0.0", "::"), ("::1", "::"),
    ])
    func `a socket goes on for the listener that takes all that came to it`(narrow: String, wide: String) {
        let (former, next) = (place(narrow), place(wide))
        let widened = SocketPlan(wanted: [next], open: [former])
        #expect(widened.missing == [next])
        #expect(widened.kept == [former: next])
        // The other way round it would take more than the set says.
        let narrowed = SocketPlan(wanted: [former], open: [next])
        #expect(narrowed.missing == [former])
        #expect(narrowed.kept == [:])
    }

    @Test func `a socket of a listener that was widened is there when it is narrowed again`() {
        let (narrow, wide) = (place("127.0.0.1"), place("0.0.0.0"))
        let plan = SocketPlan(wanted: [narrow], open: [narrow, wide])
        #expect(plan.missing == [])
        #expect(plan.kept == [narrow: narrow])
    }

    @Test func `calls of IPv4 are for the listener of all IPv4, where there is one`() {
        let plan = SocketPlan(wanted: [place("0.0.0.0"), place("::")], open: [place("127.0.0.1")])
        #expect(plan.kept == [place("127.0.0.1"): place("0.0.0.0")])
    }

    @Test func `no socket takes calls of IPv4 for a listener of IPv6 only`() {
        let (both, only) = (place("::"), place("::", isIPv6Only: true))
        #expect(
            SocketPlan(wanted: [only], open: [both, place("127.0.0.1"), place("::1")]).kept == [place("::1"): only])
        #expect(SocketPlan(wanted: [both], open: [only]).kept == [only: both])
    }

    @Test func `other ports and paths have nothing to do with it`() {
        let open: Set = [place("127.0.0.1", 81), ListeningPlace(.unix(path: "/run/a"))]
        #expect(SocketPlan(wanted: [place("0.0.0.0")], open: open).kept == [:])
    }
}
