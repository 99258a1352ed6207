/// A stream's state (RFC 9113 § 5.1), without those of streams that are pushed: nobody here may send PUSH_PROMISE.
///
/// What was said counts once it is written, and what the peer has said once it is read. Where a side has not said all, its part of the
/// state has how far its message is.
enum HTTP2StreamState: Hashable, Sendable {
    /// Nobody has sent HEADERS.
    case idle
    case open(sending: Sending, receiving: Receiving)
    /// This side has sent END_STREAM.
    case halfClosedLocal(receiving: Receiving)
    /// The peer has.
    case halfClosedRemote(sending: Sending)
    /// RST_STREAM waits to be written: nothing that comes matters any more, and nothing else is sent.
    case resetting(HTTP2ErrorCode)
    case closed(Cause)

    /// How far this side's message is.
    enum Sending: Hashable, Sendable {
        /// Its head was not sent; a server's: not the final one.
        case head
        /// Its head was sent: `nextData` may be asked.
        case body
        /// END_STREAM waits to be written.
        case ending
    }

    /// How far the peer's message is.
    enum Receiving: Hashable, Sendable {
        /// Its head has not come; a server's: not the final one.
        case head
        case body
    }

    /// How it came to be closed: what a peer may still send depends on it.
    enum Cause: Hashable, Sendable {
        /// Both sides had sent END_STREAM.
        case ended
        case resetByPeer
        /// The peer may not know yet.
        case resetHere
        /// It was never opened, and one above it was (RFC 9113 § 5.1.1).
        case skipped
        /// Too long ago to be known.
        case forgotten
    }
}

// MARK: What the peer sends

extension HTTP2StreamState {
    /// A frame of the peer's that is about one stream. PRIORITY says nothing in any state, and CONTINUATION what HEADERS began.
    enum Frame: Hashable, Sendable, CaseIterable {
        case headers, data, resetStream, windowUpdate

        /// It is part of a message.
        var isOfMessage: Bool {
            switch self {
            case .headers, .data: true
            case .resetStream, .windowUpdate: false
            }
        }
    }

    enum Verdict: Hashable, Sendable {
        /// It means what it says. HEADERS open an idle stream, if it is one that the peer may open.
        case taken
        /// The peer could not know better when it sent it.
        case ignored
        case streamError(HTTP2ErrorCode)
        case connectionError(HTTP2ErrorCode)
    }

    func verdict(on frame: Frame) -> Verdict {
        switch self {
        case .idle: frame == .headers ? .taken : .connectionError(.protocolError)
        case .open, .halfClosedLocal: .taken
        case .halfClosedRemote: frame.isOfMessage ? .streamError(.streamClosed) : .taken
        case .resetting: frame == .resetStream ? .taken : .ignored
        case .closed(let cause): frame.isOfMessage ? cause.verdictOnMessage : .ignored
        }
    }

    /// The peer's message goes on.
    var mayReceive: Bool {
        switch self {
        case .open, .halfClosedLocal: true
        case .idle, .halfClosedRemote, .resetting, .closed: false
        }
    }

    /// The peer's head has not come.
    var awaitsHead: Bool {
        switch self {
        case .open(_, receiving: .head), .halfClosedLocal(receiving: .head): true
        case .idle, .open, .halfClosedLocal, .halfClosedRemote, .resetting, .closed: false
        }
    }

    /// The peer's head has come, the final one.
    mutating func receiveHead() {
        switch self {
        case .open(let sending, _): self = .open(sending: sending, receiving: .body)
        case .halfClosedLocal: self = .halfClosedLocal(receiving: .body)
        case .idle, .halfClosedRemote, .resetting, .closed: break
        }
    }

    /// END_STREAM has come, with what makes the message whole.
    mutating func receiveEnd() {
        switch self {
        case .open(let sending, _): self = .halfClosedRemote(sending: sending)
        case .halfClosedLocal: self = .closed(.ended)
        case .idle, .halfClosedRemote, .resetting, .closed: break
        }
    }
}

extension HTTP2StreamState.Cause {
    fileprivate var verdictOnMessage: HTTP2StreamState.Verdict {
        switch self {
        case .ended: .connectionError(.streamClosed)
        case .resetByPeer: .streamError(.streamClosed)
        case .resetHere, .forgotten: .ignored
        case .skipped: .connectionError(.protocolError)
        }
    }
}

// MARK: What this side sends

extension HTTP2StreamState {
    /// `nil`: it has sent all, or may send nothing.
    private var sending: Sending? {
        switch self {
        case .open(let sending, _), .halfClosedRemote(let sending): sending
        case .idle, .halfClosedLocal, .resetting, .closed: nil
        }
    }

    /// HEADERS may be sent, or DATA.
    var maySend: Bool {
        switch sending {
        case .head, .body: true
        case .ending, nil: false
        }
    }

    /// DATA may be sent.
    var maySendData: Bool { sending == .body }

    /// Nothing was sent; by a server: no final head.
    var isUnanswered: Bool { sending == .head }

    private mutating func send(_ next: Sending) {
        switch self {
        case .open(_, let receiving): self = .open(sending: next, receiving: receiving)
        case .halfClosedRemote: self = .halfClosedRemote(sending: next)
        case .idle, .halfClosedLocal, .resetting, .closed: break
        }
    }

    /// The head is queued, the final one.
    mutating func sendHead() { send(.body) }

    /// END_STREAM is queued.
    mutating func queueEnd() { send(.ending) }

    /// END_STREAM is written.
    /// - Returns: `false` if that means nothing any more.
    mutating func sendEnd() -> Bool {
        switch self {
        case .open(_, let receiving): self = .halfClosedLocal(receiving: receiving)
        case .halfClosedRemote: self = .closed(.ended)
        case .idle, .halfClosedLocal, .resetting, .closed: return false
        }
        return true
    }
}

// MARK: The end

extension HTTP2StreamState {
    /// RST_STREAM is queued.
    /// - Returns: `false` if there is nothing to reset: nobody has opened it, or it is over.
    mutating func reset(_ code: HTTP2ErrorCode) -> Bool {
        switch self {
        case .open, .halfClosedLocal, .halfClosedRemote:
            self = .resetting(code)
            return true
        case .idle, .resetting, .closed: return false
        }
    }

    /// What this side resets it with.
    var resetCode: HTTP2ErrorCode? { if case .resetting(let code) = self { code } else { nil } }

    var isResetting: Bool { if case .resetting = self { true } else { false } }

    /// Both sides have said all.
    var hasEnded: Bool { if case .closed(.ended) = self { true } else { false } }
}
