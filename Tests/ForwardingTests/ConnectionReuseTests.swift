import Testing

@testable import Forwarding

/// Which pooled connections carry another call: no socket, no clock.
struct ConnectionReuseTests {
    private static func idling(peerTimeout: UInt64? = nil) -> ConnectionReuse {
        var reuse = ConnectionReuse()
        let isKept = reuse.becameIdle(at: 10_000, timeout: 60_000, peerTimeout: peerTimeout)
        #expect(isKept)
        return reuse
    }

    @Test func `a connection is used until its time is over`() {
        let reuse = Self.idling()
        #expect(reuse.end == 70_000)
        #expect(reuse.verdict(at: 10_000, isRepeatable: true) == .use)
        #expect(reuse.verdict(at: 69_999, isRepeatable: true) == .use)
        #expect(reuse.verdict(at: 70_000, isRepeatable: true) == .discard)
    }

    @Test func `a connection is not used in the last second that its other side keeps it`() {
        let reuse = Self.idling(peerTimeout: 5_000)
        #expect(reuse.end == 14_000)
        #expect(reuse.verdict(at: 13_999, isRepeatable: true) == .use)
        #expect(reuse.verdict(at: 14_000, isRepeatable: true) == .discard)
        #expect(reuse.verdict(at: 14_000, isRepeatable: false) == .discard)
        // What its other side says makes it no longer.
        #expect(Self.idling(peerTimeout: 600_000).end == 70_000)
    }

    @Test(arguments: [UInt64(0), 1_000])
    func `one that its other side keeps for a second or less is not kept`(peerTimeout: UInt64) {
        var reuse = ConnectionReuse()
        let isKept = reuse.becameIdle(at: 10_000, timeout: 60_000, peerTimeout: peerTimeout)
        #expect(!isKept)
    }

    @Test func `what cannot be sent again is sent on an old connection only after a look at it`() {
        let reuse = Self.idling()
        #expect(reuse.verdict(at: 10_999, isRepeatable: false) == .use)
        #expect(reuse.verdict(at: 11_000, isRepeatable: false) == .lookFirst)
    }
}
