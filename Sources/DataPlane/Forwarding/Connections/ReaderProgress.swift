import EventLoops

/// When the other side of a connection last took bytes. It has no clock, and asks nobody.
///
/// The socket is a poor witness: it takes more only when a third of its buffer is free again, which of a slow reader's 4 MB is
/// minutes. What the other side has acknowledged goes on as it reads, for its kernel acknowledges no more than its buffer holds.
struct ReaderProgress {
    /// When bytes were last taken, or the first of those that wait came, in the loop's milliseconds.
    private(set) var last: DeadlineWheel.Time = 0
    /// Bytes since the connection was made, when it was last looked at: at most those that were acknowledged.
    private var acknowledged: UInt64 = 0
    /// When that was seen to have grown. What the socket takes may be bytes that nobody reads.
    private var lastAcknowledged: DeadlineWheel.Time = 0

    /// The first of what now waits has come.
    mutating func began(at now: DeadlineWheel.Time) { last = now }

    /// The socket took bytes.
    mutating func took(at now: DeadlineWheel.Time) { last = now }

    /// What the kernel says, whenever it is asked.
    /// - Parameters:
    ///   - written: Bytes that the socket has taken since the connection was made.
    ///   - unacknowledged: How many of those are under way still; under TLS with what it adds to them.
    mutating func look(written: UInt64, unacknowledged: Int, at now: DeadlineWheel.Time) {
        let count = written - min(written, UInt64(unacknowledged))
        guard count > acknowledged else { return }
        acknowledged = count
        lastAcknowledged = now
        last = now
    }

    /// When the other side was last seen to have more of what stands before `offset`; `nil`: it had all of that when this was last
    /// asked, and what it took since tells nothing of it.
    /// - Parameter offset: Where the last of it ends; 0 from when the other side has it.
    func last(upTo offset: inout UInt64) -> DeadlineWheel.Time? {
        guard offset > 0 else { return nil }
        if acknowledged >= offset { offset = 0 }
        return lastAcknowledged
    }
}
