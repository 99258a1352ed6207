import HTTPSemantics

/// What a stream has to send.
public enum HTTP2DataStep {
    /// - Parameters:
    ///   - isLast: The stream ends with it.
    case bytes(_ count: Int, isLast: Bool)
    /// Nothing now: `HTTP2Session.resumeData` follows.
    case wait
    /// All bytes are sent: `sendTrailers` is called and ends the stream.
    case trailers
}

/// One stream of a session; whoever serves it, or calls on it, makes a subclass. All calls come from inside the session's
/// `receive` and `flush`, where every call of the session's is allowed but those two.
open class HTTP2Stream {
    /// 0 until it has one.
    public internal(set) final var id: Int32 = 0
    /// Bytes of body that the head promised and that have not come; `nil`: it promised none.
    final var missingBytes: UInt64?
    /// The other side has answered, or asked: what comes next in a header block are trailers.
    final var hasHead = false

    /// Reset by this side, or closed: nothing is sent on it any more.
    final var isReset = false
    /// Clients: the answer to `HEAD`.
    final var expectsNoBody = false

    public init() {}

    /// Clients: an interim or a final response, as its status tells.
    open func receivedHead(_ head: inout MessageHead, endsStream: Bool) {}
    /// Valid during the call; `HTTP2Session.consume` follows once they are taken.
    open func receivedData(_ bytes: Span<UInt8>) {}
    /// `receivedEnd` follows.
    open func receivedTrailers(_ trailers: inout MessageHead) {}
    open func receivedEnd() {}
    /// This side's END_STREAM was sent.
    open func sentEnd() {}
    /// The last call: ended by both sides (`.noError`), or reset by either.
    open func closed(_ code: HTTP2ErrorCode) {}

    open func nextData(limit: Int) -> HTTP2DataStep { .wait }
    /// Writes exactly `count` bytes of payload to where the session writes.
    open func writeData(_ count: Int) {}
    open func sendTrailers() {}
}

/// The connection a session runs on.
package protocol HTTP2SessionHandler: AnyObject {
    /// The session's output, in order.
    func write(_ bytes: Span<UInt8>)
    /// Servers: a request's head is whole; `HTTP2Session.takeRequest` gives it.
    func receivedRequest(_ id: Int32, endsStream: Bool)
    func receivedPingAcknowledgement(_ payload: UInt64)
    func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode)
    func receivedSettings()
    /// The session is over, and says so with ENHANCE_YOUR_CALM.
    func exceeded(_ limit: HTTP2Limit)
    /// What came was no message: its stream was reset.
    func refusedStream(_ id: Int32, _ error: HTTP2Error)
}
