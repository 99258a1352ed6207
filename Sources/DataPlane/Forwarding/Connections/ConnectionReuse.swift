import EventLoops

/// Whether a connection that idles in its pool may carry the next call.
struct ConnectionReuse {
    enum Verdict: Equatable {
        case use
        /// Only if nothing lies unread on it: an end, or bytes that nobody asked for.
        case lookFirst
        /// Its other side may be about to close it.
        case discard
    }

    private(set) var idleSince: DeadlineWheel.Time = 0
    /// When it is to be closed; the time itself is too late.
    private(set) var end: DeadlineWheel.Time = 0

    /// Before the time after which the other side closes it, as it says, in milliseconds: what is sent later may cross that.
    static let margin: UInt64 = 1_000
    /// From so long without a call on, in milliseconds, a request that could not be sent again is not sent without a look at
    /// the socket, which is a system call more.
    static let lookAfter: UInt64 = 1_000

    /// A call is over.
    /// - Parameters:
    ///   - timeout: How long it may idle, in milliseconds.
    ///   - peerTimeout: How long its other side lets it (`Keep-Alive: timeout=5`), in milliseconds; `nil`: it does not say.
    /// - Returns: `false` if it is of no use any more.
    mutating func becameIdle(at now: DeadlineWheel.Time, timeout: UInt64, peerTimeout: UInt64?) -> Bool {
        idleSince = now
        let peers = peerTimeout.map { $0 > Self.margin ? $0 - Self.margin : 0 } ?? .max
        end = now + min(timeout, peers)
        return end > now
    }

    /// - Parameter isRepeatable: A call that turns out not to have been taken is sent again, whatever it was.
    func verdict(at now: DeadlineWheel.Time, isRepeatable: Bool) -> Verdict {
        if now >= end { return .discard }
        return isRepeatable || now - idleSince < Self.lookAfter ? .use : .lookFirst
    }
}
