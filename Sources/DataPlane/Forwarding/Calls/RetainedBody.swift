import HTTPSemantics

/// What was sent of a request's body, and of its trailers, for as long as another try may need it.
struct RetainedBody: ~Copyable {
    /// Body bytes that are kept: 64 KiB. Of a longer body none are, and its request is sent once.
    static let byteLimit = 64 * 1024
    /// Of the memory for these, what is kept from one call to the next: 2 KiB, so that a small body allocates nothing.
    static let keptByteCount = 2 * 1024

    private(set) var bytes: [UInt8] = []
    private(set) var trailers = MessageHead(byteCapacity: 0, fieldCapacity: 0)
    /// All that was sent is still here.
    private(set) var isWhole = true

    mutating func append(_ more: Span<UInt8>) {
        guard isWhole else { return }
        guard bytes.count + more.count <= Self.byteLimit else { return drop() }
        bytes.append(copying: more)
    }

    mutating func end(trailers: borrowing MessageHead) {
        if isWhole, trailers.fieldCount > 0 { self.trailers.copy(trailers) }
    }

    /// No other try can follow.
    mutating func drop() {
        isWhole = false
        forget()
    }

    /// For another call.
    mutating func reset() {
        forget()
        isWhole = true
    }

    private mutating func forget() {
        if trailers.fieldCount > 0 { trailers.removeAll() }
        if !bytes.isEmpty { bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptByteCount) }
    }
}
