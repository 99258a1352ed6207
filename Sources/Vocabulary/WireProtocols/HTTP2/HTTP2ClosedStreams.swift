/// How the streams that were closed last came to be so: what a peer may still send for one depends on it (RFC 9113 § 5.1).
struct HTTP2ClosedStreams {
    typealias Cause = HTTP2StreamState.Cause

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
    func cause(of id: Int32) -> Cause {
        for entry in entries where entry.id == id { return entry.cause }
        return id > forgotten ? .skipped : .forgotten
    }
}
