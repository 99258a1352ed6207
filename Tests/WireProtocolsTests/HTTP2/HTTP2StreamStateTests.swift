import Testing

@testable import WireProtocols

/// RFC 9113 § 5.1: each state, and each frame that may be sent or received in it.
struct HTTP2StreamStateTests {
    typealias State = HTTP2StreamState

    private static let senders: [State.Sending] = [.head, .body, .ending]
    private static let receivers: [State.Receiving] = [.head, .body]

    private static let open = senders.flatMap { sending in
        receivers.map { State.open(sending: sending, receiving: $0) }
    }
    private static let halfClosedLocal = receivers.map { State.halfClosedLocal(receiving: $0) }
    private static let halfClosedRemote = senders.map { State.halfClosedRemote(sending: $0) }
    private static let closed = [State.Cause.ended, .resetByPeer, .resetHere, .skipped, .forgotten].map {
        State.closed($0)
    }
    /// Those in which a stream is nobody's any more, or not yet.
    private static let still = [State.idle, .resetting(.cancel)] + closed
    private static let all = open + halfClosedLocal + halfClosedRemote + still

    private static func verdicts(_ state: State) -> [State.Verdict] {
        State.Frame.allCases.map { state.verdict(on: $0) }
    }

    // MARK: Frames that come

    /// "Receiving any frame other than HEADERS or PRIORITY on a stream in this state MUST be treated as a connection error of type
    /// PROTOCOL_ERROR."
    @Test func `idle: HEADERS alone may come`() {
        let error = State.Verdict.connectionError(.protocolError)
        #expect(Self.verdicts(.idle) == [.taken, error, error, error])
    }

    /// "In this state, both peers can send frames of any type", and "an endpoint can receive any type of frame in this state".
    @Test(arguments: open + halfClosedLocal)
    func `open and half-closed (local): every frame may come`(state: State) {
        #expect(Self.verdicts(state) == [.taken, .taken, .taken, .taken])
    }

    /// "If an endpoint receives additional frames, other than WINDOW_UPDATE, PRIORITY, or RST_STREAM, for a stream that is in this state,
    /// it MUST respond with a stream error of type STREAM_CLOSED."
    @Test(arguments: halfClosedRemote)
    func `half-closed (remote): the message is over, the stream is not`(state: State) {
        let error = State.Verdict.streamError(.streamClosed)
        #expect(Self.verdicts(state) == [error, error, .taken, .taken])
    }

    /// "An endpoint MUST ignore frames that it receives on closed streams after it has sent a RST_STREAM frame."
    @Test func `closed by a reset of ours: what comes crosses it, whether it is written or waits`() {
        #expect(Self.verdicts(.closed(.resetHere)) == [.ignored, .ignored, .ignored, .ignored])
        // The peer's own says that nothing more comes.
        #expect(Self.verdicts(.resetting(.cancel)) == [.ignored, .ignored, .taken, .ignored])
    }

    /// "An endpoint that receives any frames after receiving a frame with the END_STREAM flag set MUST treat that as a connection error
    /// of type STREAM_CLOSED"; "WINDOW_UPDATE or RST_STREAM frames can be received in this state for a short period".
    @Test func `closed by END_STREAM of both sides: no message goes on`() {
        let error = State.Verdict.connectionError(.streamClosed)
        #expect(Self.verdicts(.closed(.ended)) == [error, error, .ignored, .ignored])
    }

    /// "An endpoint that receives any frames after receiving RST_STREAM MUST treat that as a stream error of type STREAM_CLOSED"; no
    /// RST_STREAM answers another (§ 5.4.2).
    @Test func `closed by the peer's reset: no message goes on`() {
        let error = State.Verdict.streamError(.streamClosed)
        #expect(Self.verdicts(.closed(.resetByPeer)) == [error, error, .ignored, .ignored])
    }

    /// § 5.1.1: "An endpoint that receives an unexpected stream identifier MUST respond with a connection error of type PROTOCOL_ERROR."
    @Test func `closed unopened: its number may not be used any more`() {
        let error = State.Verdict.connectionError(.protocolError)
        #expect(Self.verdicts(.closed(.skipped)) == [error, error, .ignored, .ignored])
    }

    @Test func `closed too long ago: what it was nobody knows, and nothing is held against the peer`() {
        #expect(Self.verdicts(.closed(.forgotten)) == [.ignored, .ignored, .ignored, .ignored])
    }

    // MARK: From state to state

    private static func after(_ state: State, _ change: (inout State) -> Void) -> State {
        var state = state
        change(&state)
        return state
    }

    @Test func `END_STREAM of the peer closes its half`() {
        for sending in Self.senders {
            for receiving in Self.receivers {
                let open = State.open(sending: sending, receiving: receiving)
                #expect(Self.after(open) { $0.receiveEnd() } == .halfClosedRemote(sending: sending))
            }
        }
        for state in Self.halfClosedLocal { #expect(Self.after(state) { $0.receiveEnd() } == .closed(.ended)) }
    }

    @Test func `END_STREAM closes this half once it is written, and not when it is queued`() {
        for receiving in Self.receivers {
            for sending in Self.senders {
                var state = State.open(sending: sending, receiving: receiving)
                state.queueEnd()
                #expect(state == .open(sending: .ending, receiving: receiving) && !state.maySend)
                let isSent = state.sendEnd()
                #expect(isSent && state == .halfClosedLocal(receiving: receiving))
            }
        }
        for state in Self.halfClosedRemote {
            var state = state
            let isSent = state.sendEnd()
            #expect(isSent && state == .closed(.ended) && state.hasEnded)
        }
    }

    @Test func `heads lead to bodies, each on its side`() {
        for state in Self.open {
            let isAwaited = Self.after(state) { $0.receiveHead() }
            #expect(!isAwaited.awaitsHead && isAwaited.mayReceive && isAwaited.maySend == state.maySend)
            let isSent = Self.after(state) { $0.sendHead() }
            #expect(isSent.maySendData && isSent.awaitsHead == state.awaitsHead)
        }
        #expect(
            Self.after(.halfClosedLocal(receiving: .head)) { $0.receiveHead() } == .halfClosedLocal(receiving: .body))
        #expect(Self.after(.halfClosedRemote(sending: .head)) { $0.sendHead() } == .halfClosedRemote(sending: .body))
    }

    @Test(arguments: open + halfClosedLocal + halfClosedRemote)
    func `a reset of ours is the last word, whatever was under way`(state: State) {
        var state = state
        let isReset = state.reset(.cancel)
        #expect(isReset && state.resetCode == .cancel)
        for change: (inout State) -> Void in [
            { $0.receiveHead() }, { $0.receiveEnd() }, { $0.sendHead() }, { $0.queueEnd() }, { _ = $0.sendEnd() },
            { _ = $0.reset(.noError) },
        ] { #expect(Self.after(state, change) == .resetting(.cancel)) }
    }

    @Test(arguments: still)
    func `what nobody has opened, and what is over, is neither ended nor reset`(state: State) {
        var changed = state
        let isSent = changed.sendEnd()
        let isReset = changed.reset(.protocolError)
        changed.receiveHead()
        changed.receiveEnd()
        changed.sendHead()
        changed.queueEnd()
        #expect(changed == state && !isSent && !isReset)
    }

    @Test func `what may be sent and what may come follows from the state alone`() {
        func states(_ isSo: (State) -> Bool) -> Set<State> { Set(Self.all.filter(isSo)) }
        #expect(states(\.mayReceive) == Set(Self.open + Self.halfClosedLocal))
        #expect(
            states(\.awaitsHead)
                == Set(Self.senders.map { .open(sending: $0, receiving: .head) } + [.halfClosedLocal(receiving: .head)])
        )
        func sending(_ sending: State.Sending...) -> Set<State> {
            Set(
                sending.flatMap { sending in
                    Self.receivers.map { .open(sending: sending, receiving: $0) }
                        + [.halfClosedRemote(sending: sending)]
                })
        }
        #expect(states(\.maySend) == sending(.head, .body))
        #expect(states(\.maySendData) == sending(.body))
        #expect(states(\.isUnanswered) == sending(.head))
        #expect(states(\.isResetting) == [.resetting(.cancel)])
        #expect(states(\.hasEnded) == [.closed(.ended)])
    }
}
