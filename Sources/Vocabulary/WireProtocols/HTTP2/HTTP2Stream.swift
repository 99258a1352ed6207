public import HTTPSemantics

/// What a stream has to send, when it may.
public enum HTTP2DataStep: Hashable, Sendable {
    /// So many bytes, at most what was asked for: `writeData` follows at once. The last ones end the stream. None, and not the
    /// last: there are bytes, and none was asked for; they are asked for again.
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
    /// 0 until the stream is attached or submitted, and after it is closed or its session abandoned.
    public internal(set) final var id: Int32 = 0

    /// The peer's message is answered, all of it that matters: it may end short of what its head announced, for one that has its
    /// answer may have stopped to send.
    package final var mayEndShort = false

    /// What is wrong with the peer's message; `nil`: nothing that was found here. Known when `closed` is called.
    package internal(set) final var mistake: HTTP2Error?

    // What the session knows of it, and of the messages under way on it.

    final var state = HTTP2StreamState.idle
    /// Who may call it.
    final var session: ObjectIdentifier?
    /// When it was opened, as the session's `now` was.
    final var begunAt: UInt64 = 0
    /// What the peer's head said of its body.
    final var declaredByteCount: UInt64?
    final var receivedByteCount: UInt64 = 0
    /// Received, and not taken.
    final var unconsumedByteCount = 0
    final var receiveWindow = HTTP2ReceiveWindow(limit: 0)
    /// Bytes that the peer takes; below 0 where it made its windows smaller.
    final var sendWindow = 0
    /// What comes as a body is one.
    final var mayHaveBody = true
    final var isHeadRequest = false
    /// Its bytes are of no message, and no length counts them.
    final var isTunnel = false
    /// Its turn to send.
    final var link = HTTP2SendQueue.Link()

    public init() {}

    /// Client: the head of a response; its status tells an interim one.
    open func receivedHead(_ head: inout MessageHead, endsStream: Bool) {}
    /// - Parameter bytes: Valid during the call. The peer may send as many again here once `consume` is told of them.
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
    /// - Parameter limit: Bytes; 0 where a window is full, which what ends the stream does not need.
    open func nextData(limit: Int) -> HTTP2DataStep { .wait }
    /// Writes as many bytes of the body as `nextData` announced to the session's handler.
    open func writeData(_ count: Int) {}
    /// Calls the session's `submitTrailers`.
    open func sendTrailers() {}

    /// Belongs to no session any more.
    final func leave() {
        id = 0
        session = nil
        link = HTTP2SendQueue.Link()
    }

    final func begin(_ id: Int32, in session: ObjectIdentifier, at now: UInt64, receiveWindow: Int, sendWindow: Int) {
        self.id = id
        self.session = session
        begunAt = now
        self.receiveWindow = HTTP2ReceiveWindow(limit: receiveWindow)
        self.sendWindow = sendWindow
        state = .open(sending: .head, receiving: .head)
        link = HTTP2SendQueue.Link()
        declaredByteCount = nil
        receivedByteCount = 0
        unconsumedByteCount = 0
        mayHaveBody = true
        isHeadRequest = false
        isTunnel = false
        mayEndShort = false
        mistake = nil
    }
}
