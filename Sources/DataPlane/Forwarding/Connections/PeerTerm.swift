import CommonValues
import EventLoops
import SPIFFE
import Synchronization

/// Who is at the other end of a connection between nodes: an identity, and the host that has it. Another host with the same
/// service account is somebody else.
struct ProvenPeer: Hashable, Sendable {
    let id: SPIFFEID
    let host: IPAddress
}

/// How long a connection between nodes may be used: as long as what its peer proved in its handshake would be taken again.
///
/// From the certificate's end on no stream begins. Those that are open go on while the peer proves the same of itself on
/// another connection; if it does not for `grace`, they are cut. Time is the loop's: how much of the certificate's life is
/// left is read from the wall clock once, in the handshake, so that no step of that clock cuts a connection, and a clock that is
/// wrong keeps none for longer than one certificate's life.
struct PeerTerm {
    struct Limits: Sendable {
        /// So long before the end the peer is told to begin its streams elsewhere, so that none is on its way at the end.
        var lead: Duration = .seconds(2)
        /// How long open streams go on after the last proof's end.
        var grace: Duration = .seconds(300)
        /// Times within `grace` that the peer is asked for another proof.
        static let attempts: UInt64 = 10
    }

    enum Step: Equatable {
        case none
        /// No stream begins any more.
        case drain
        /// Its streams need another proof; who can connect does.
        case prove
        case cut
    }

    let peer: ProvenPeer
    /// When the first certificate of the peer's chain ends.
    let end: DeadlineWheel.Time
    /// When to ask again.
    private(set) var due: DeadlineWheel.Time
    private var isOver = false
    private let grace: UInt64

    /// - Parameters:
    ///   - notAfter: The end by the wall clock.
    ///   - wall: The wall clock, now.
    init(
        _ peer: ProvenPeer, notAfter: UnixTime, at now: DeadlineWheel.Time, wall: UnixTime, limits: Limits = Limits()
    ) {
        let left = notAfter > wall ? (notAfter - wall).milliseconds : 0
        self.peer = peer
        end = now + left
        due = end - min(left, limits.lead.milliseconds)
        grace = limits.grace.milliseconds
    }

    /// What is to be done when `due` has come.
    /// - Parameter proven: Until when the peer has proved the same, on whatever connection.
    mutating func step(at now: DeadlineWheel.Time, proven: DeadlineWheel.Time) -> Step {
        guard now >= due else { return .none }
        let last = max(end, proven)
        guard isOver else {
            isOver = true
            due = last
            return .drain
        }
        guard now >= last else {
            due = last
            return .none
        }
        guard now < last + grace else { return .cut }
        due = min(last + grace, now + max(1, grace / Limits.attempts))
        return .prove
    }
}

/// Until when which peers have proved who they are, on any connection of any bench. Asked once in a handshake, and by
/// connections that are over.
final class ProvenPeers: Sendable {
    /// Peers remembered. Beyond it those go whose proof ends first.
    static let limit = 16_384

    private let ends = Mutex<[ProvenPeer: DeadlineWheel.Time]>([:])

    func note(_ peer: ProvenPeer, until end: DeadlineWheel.Time) {
        ends.withLock { ends in
            if ends[peer] == nil, ends.count >= Self.limit {
                let median = ends.values.sorted()[ends.count / 2]
                ends = ends.filter { $0.value > median }
            }
            ends[peer] = max(ends[peer] ?? 0, end)
        }
    }

    /// - Returns: 0 if it never has.
    func end(of peer: ProvenPeer) -> DeadlineWheel.Time { ends.withLock { $0[peer] ?? 0 } }
}
