/// How much the peer may still send that nobody has taken (RFC 9113 § 5.2), of a stream or of all together.
struct HTTP2ReceiveWindow {
    /// Bytes at a time; only grows.
    private(set) var limit: Int
    /// Received, and the peer has not been told that it may send as much again.
    private var outstanding = 0
    /// Of those, taken.
    private var consumed = 0

    init(limit: Int) { self.limit = limit }

    /// - Returns: `false` if that is more than the peer may send.
    mutating func receive(_ byteCount: Int) -> Bool {
        outstanding += byteCount
        return outstanding <= limit
    }

    /// - Returns: What the peer is to be told: half the window at once, so that it hears of it seldom and waits for nothing.
    mutating func consume(_ byteCount: Int) -> Int {
        consumed += byteCount
        guard consumed > 0, consumed >= limit / 2 else { return 0 }
        let update = consumed
        outstanding -= update
        consumed = 0
        return update
    }

    mutating func grow(by byteCount: Int) { limit += byteCount }
}
