import CommonValues
import SPIFFE
import Testing

@testable import Forwarding

@Suite struct `The term of a peer` {
    private let peer = ProvenPeer(id: TestIdentities.id("web"), host: .unspecified)
    private let wall = UnixTime(seconds: 1_000_000)

    /// A certificate with an hour left, at 1,000,000 ms of the loop.
    private func term(left: Duration = .seconds(3600), wall: UnixTime? = nil) -> PeerTerm {
        PeerTerm(peer, notAfter: self.wall + left, at: 1_000_000, wall: wall ?? self.wall)
    }

    @Test func `nothing happens while the certificate is good`() {
        var term = term()
        #expect(term.end == 4_600_000)
        #expect(term.step(at: 1_000_001, proven: term.end) == .none)
        #expect(term.step(at: term.due - 1, proven: term.end) == .none)
        #expect(term.due == 4_598_000)
    }

    @Test func `no stream begins at its end, and open ones are cut five minutes later if nothing more is proved`() {
        var term = term()
        #expect(term.step(at: term.due, proven: term.end) == .drain)
        #expect(term.due == term.end)
        var steps: [PeerTerm.Step] = []
        while steps.last != .cut, steps.count < 100 { steps.append(term.step(at: term.due, proven: term.end)) }
        #expect(steps == Array(repeating: .prove, count: 10) + [.cut])
        #expect(term.due == term.end + 300_000)
    }

    @Test func `open streams go on while the peer proves the same elsewhere`() {
        var term = term()
        _ = term.step(at: term.due, proven: term.end)
        // Proved before the end, as a peer that renews at half of its certificates' lives does.
        let second = term.end + 1_800_000
        #expect(term.step(at: term.due, proven: second) == .none)
        #expect(term.due == second)
        // Proved in answer to the question.
        #expect(term.step(at: term.due, proven: second) == .prove)
        let third = second + 3_600_000
        #expect(term.step(at: term.due, proven: third) == .none)
        #expect(term.due == third)
        // And then no more.
        #expect(term.step(at: third + 299_999, proven: third) == .prove)
        #expect(term.step(at: third + 300_000, proven: third) == .cut)
    }

    @Test func `a loop that slept past the end begins with telling the peer`() {
        var term = term()
        #expect(term.step(at: term.end + 10_000_000, proven: term.end) == .drain)
        #expect(term.step(at: term.end + 10_000_001, proven: term.end) == .cut)
        var fresh = self.term()
        #expect(fresh.step(at: fresh.end + 10_000_000, proven: fresh.end + 20_000_000) == .drain)
        #expect(fresh.step(at: fresh.end + 10_000_001, proven: fresh.end + 20_000_000) == .none)
    }

    @Test func `less than the lead is told at once, and what is over is over`() {
        var short = term(left: .seconds(1))
        #expect(short.due == 1_000_000)
        #expect(short.step(at: 1_000_000, proven: short.end) == .drain)
        let over = term(left: .seconds(-5))
        #expect(over.end == 1_000_000)
        #expect(over.due == 1_000_000)
    }

    @Test func `the wall clock is asked in the handshake alone`() {
        // Whatever it says later: nothing here takes it. What it was off by then, the end is off by.
        #expect(term(wall: wall - .seconds(600)).end == 4_600_000 + 600_000)
        #expect(term(wall: wall + .seconds(600)).end == 4_600_000 - 600_000)
    }

    @Test func `what a peer proved last counts, and of another host or identity nothing`() {
        let proven = ProvenPeers()
        proven.note(peer, until: 500)
        proven.note(peer, until: 300)
        #expect(proven.end(of: peer) == 500)
        #expect(proven.end(of: ProvenPeer(id: TestIdentities.id("orders"), host: .unspecified)) == 0)
        #expect(proven.end(of: ProvenPeer(id: peer.id, host: IPAddress("10.0.0.1")!)) == 0)
    }

    @Test func `the peers remembered are bounded, and the last to end stay`() {
        let proven = ProvenPeers()
        for number in 0..<(ProvenPeers.limit + 1) {
            proven.note(ProvenPeer(id: TestIdentities.id("a\(number)"), host: .unspecified), until: UInt64(number + 1))
        }
        #expect(proven.end(of: ProvenPeer(id: TestIdentities.id("a0"), host: .unspecified)) == 0)
        let last = ProvenPeers.limit
        #expect(proven.end(of: ProvenPeer(id: TestIdentities.id("a\(last)"), host: .unspecified)) == UInt64(last + 1))
    }
}
