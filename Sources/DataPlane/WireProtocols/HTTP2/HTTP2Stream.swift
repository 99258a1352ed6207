import HTTPSemantics

/// What a stream has to send, when it may.
public enum HTTP2DataStep: Hashable, Sendable {
    /// So many bytes, at most what was asked for: `writeData` follows at once. The last ones end the stream.
    case bytes(Int, isLast: Bool)
    /// Nothing for now: `resumeData` when there is.
    case wait
    /// The body is over, and trailers follow it: `sendTrailers` is called at once.
    case trailers
}

/// One stream of a session: a request and its answer. To be subclassed by what stands on either end of it.
///
/// Whoever attached or submitted it keeps it alive until `closed`, or until the session is gone or abandoned.
open class HTTP2Stream {
    /// 0 until the stream is attached or submitted, and after it is closed.
    public internal(set) final var id: Int32 = 0

    // What the session knows of the message under way on it.

    /// Who may call it.
    final var session: ObjectIdentifier?
    /// What the peer's head said of its body.
    final var declaredByteCount: UInt64?
    final var receivedByteCount: UInt64 = 0
    /// Received, and the peer has not been allowed to send as much again.
    final var unconsumedByteCount = 0
    /// The peer's head has come; a client's: the final one.
    final var hasHead = false
    /// What comes as a body is one.
    final var mayHaveBody = true
    final var isHeadRequest = false
    /// Its bytes are of no message, and no length counts them.
    final var isTunnel = false
    /// What RST_STREAM says that is queued: nothing that comes matters any more.
    final var resetCode: HTTP2ErrorCode?
    final var isReset: Bool { resetCode != nil }

    public init() {}

    /// Client: the head of a response; its status tells an interim one.
    open func receivedHead(_ head: inout MessageHead, endsStream: Bool) {}
    /// - Parameter bytes: Valid during the call. The peer may send as many again once `consume` is told of them.
    open func receivedData(_ bytes: Span<UInt8>) {}
    /// The trailer section, without fields that none may have. `receivedEnd` follows.
    open func receivedTrailers(_ trailers: inout MessageHead) {}
    /// The peer's message is whole.
    open func receivedEnd() {}
    /// What was sent last ended this side of the stream.
    open func sentEnd() {}
    /// The stream is over on both sides. The last call.
    /// - Parameter code: What either side reset it with; `noError` also where both had ended it.
    open func closed(_ code: HTTP2ErrorCode) {}

    /// The stream may send: what is there?
    /// - Parameter limit: Bytes, at least 1.
    open func nextData(limit: Int) -> HTTP2DataStep { .wait }
    /// Writes as many bytes of the body as `nextData` announced to the session's handler.
    open func writeData(_ count: Int) {}
    /// Calls the session's `submitTrailers`.
    open func sendTrailers() {}

    final func begin(_ id: Int32, in session: HTTP2Session) {
        self.id = id
        self.session = ObjectIdentifier(session)
        declaredByteCount = nil
        receivedByteCount = 0
        unconsumedByteCount = 0
        hasHead = false
        mayHaveBody = true
        isHeadRequest = false
        isTunnel = false
        resetCode = nil
    }
}
