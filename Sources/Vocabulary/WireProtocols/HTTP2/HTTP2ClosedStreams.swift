/// How the streams that were closed last came to be so: what a peer may still send for one depends on it (RFC 9113 § 5.1).
struct HTTP2ClosedStreams {
    enum Cause {
        /// Both sides had sent END_STREAM.
        case ended
        case resetByPeer
        /// The peer may not know yet.
        case resetHere
    }

    enum Memory {
        case closed(Cause)
        /// Never opened, and it cannot be any more.
        case skipped
        /// Too long ago.
        case forgotten
    }

    private static let limit = 128

    private var entries: [(id: Int32, cause: Cause)] = []
    private var next = 0
    /// The highest that was forgotten.
    private var forgotten: Int32 = 0

    mutating func add(_ id: Int32, _ cause: Cause) {
        guard entries.count == Self.limit else { return entries.append((id, cause)) }
        forgotten = max(forgotten, entries[next].id)
        entries[next] = (id, cause)
        next = next + 1 == Self.limit ? 0 : next + 1
    }

    /// - Parameter id: Of a stream that is not open, and not above the last one that was.
    func memory(of id: Int32) -> Memory {
        for entry in entries where entry.id == id { return .closed(entry.cause) }
        return id > forgotten ? .skipped : .forgotten
    }
}
