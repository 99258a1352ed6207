import CommonValues
import EventLoops
import TransportSecurity

/// How long what the peer has proved is good for.
extension StreamConnection {
    /// Of its own, as few connections have one.
    final class Term {
        fileprivate var value: PeerTerm

        fileprivate init(_ value: PeerTerm) { self.value = value }
    }

    /// The handshake is done: remembers until when it is good for.
    func beginTerm(with host: NetworkAddress) {
        guard let peer = verifiedPeer else { return }
        let proven = ProvenPeer(id: peer.id, host: host.ip)
        let term = PeerTerm(
            proven, notAfter: peer.notAfter, at: loop.now, wall: .now, limits: bench.peerTermLimits)
        bench.provenPeers.note(proven, until: term.end)
        self.term = Term(term)
    }

    /// When `lookAtTerm` has something to do.
    var termDue: DeadlineWheel.Time? { term?.value.due }

    /// - Returns: `false` if the connection was closed.
    func lookAtTerm() -> Bool {
        guard let term, term.value.due <= loop.now else { return true }
        switch term.value.step(at: loop.now, proven: bench.provenPeers.end(of: term.value.peer)) {
        case .none: break
        case .drain: termEnds()
        case .prove: proofNeeded()
        case .cut:
            bench.counters.expiredConnections += 1
            bench.events.post(.peerExpired(peer: "\(term.value.peer.id)"))
            abort()
            broken()
        }
        return state != .closed
    }
}
