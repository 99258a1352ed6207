/// How much the peer may still send (RFC 9113 § 5.2), of a stream or of all together.
struct HTTP2ReceiveWindow {
    /// Bytes at a time; only grows.
    private(set) var limit: Int
    /// Received, and the peer has not been told that it may send as much again.
    private var outstanding = 0
    /// Of those, what it may be told of.
    private var taken = 0

    init(limit: Int) { self.limit = limit }

    /// - Returns: `false` if that is more than the peer may send.
    mutating func receive(_ byteCount: Int) -> Bool {
        outstanding += byteCount
        return outstanding <= limit
    }

    mutating func take(_ byteCount: Int) { taken += byteCount }

    /// The peer is to be told: of half the window at once, so that it hears of it seldom and waits for nothing.
    var isDue: Bool { taken > 0 && taken >= limit / 2 }

    /// - Returns: What the peer is told now.
    mutating func giveBack() -> Int {
        defer { taken = 0 }
        outstanding -= taken
        return taken
    }

    mutating func grow(by byteCount: Int) { limit += byteCount }
}
