/// How far a call has come: which of its two messages are whole, and on what stream it is. It knows no connection, no rule and
/// no clock; whoever carries the call says what has happened, and does what follows from it.
struct CallCourse {
    enum Phase {
        /// There is no call: it has not begun, or it is over.
        case idle
        /// No try is under way, and nothing of an answer was passed on.
        case planning
        /// Its node cannot be reached just now, and all is tried again in a moment.
        case waiting
        /// On a stream.
        case sent(any UpstreamStream, Answer)
        /// Its stream broke in the middle of the answer, which is to be taken back or to be cut.
        case broken
        /// The answer is whole, whoever's it is. What is left of the request may still come.
        case answered
    }

    /// What has come of an answer on a stream that has not let go of the call.
    enum Answer {
        case awaited
        /// Its head was passed on.
        case begun
        /// Of a tunnel: the workload's way has ended, and its caller's goes on.
        case ended
    }

    private(set) var phase = Phase.idle
    private(set) var isRequestComplete = false

    // MARK: What is so

    var isOver: Bool { if case .idle = phase { true } else { false } }

    var isWaiting: Bool { if case .waiting = phase { true } else { false } }

    /// The stream that it is on.
    var stream: (any UpstreamStream)? { if case .sent(let stream, _) = phase { stream } else { nil } }

    /// An answer's head was passed on.
    var isAnswerBegun: Bool {
        switch phase {
        case .idle, .planning, .waiting, .sent(_, .awaited): false
        case .sent(_, .begun), .sent(_, .ended), .broken, .answered: true
        }
    }

    var isAnswerComplete: Bool {
        switch phase {
        case .idle, .planning, .waiting, .sent(_, .awaited), .sent(_, .begun), .broken: false
        case .sent(_, .ended), .answered: true
        }
    }

    /// Nothing is left of it but the rest of a request.
    var isAnswered: Bool { if case .answered = phase { true } else { false } }

    // MARK: What happens

    mutating func begin(isRequestComplete: Bool) {
        phase = .planning
        self.isRequestComplete = isRequestComplete
    }

    mutating func requestEnded() { isRequestComplete = true }

    /// A try is under way.
    mutating func sent(on stream: any UpstreamStream) { phase = .sent(stream, .awaited) }

    mutating func wait() { phase = .waiting }

    /// The time to wait is over.
    /// - Returns: `false` if the call has not waited that long: it has come to something else.
    mutating func waited() -> Bool {
        guard isWaiting else { return false }
        phase = .planning
        return true
    }

    /// An answer's head is passed on.
    mutating func answerBegan() { phase.turn(to: .begun) }

    /// The workload's way of a tunnel has ended.
    mutating func answerHalfEnded() { phase.turn(to: .ended) }

    mutating func answerEnded() { phase = .answered }

    /// The answer was taken back: nobody has heard of it.
    mutating func answerRetracted() { phase = .planning }

    /// The stream has let go of the call, or is to; nor is anything waited for.
    /// - Returns: The stream, if there was one.
    mutating func leaveStream() -> (any UpstreamStream)? {
        switch phase {
        case .idle, .planning, .broken, .answered: return nil
        case .waiting:
            phase = .planning
            return nil
        case .sent(let stream, let answer):
            phase = answer == .awaited ? .planning : .broken
            return stream
        }
    }

    /// Nobody waits for anything any more.
    /// - Returns: The stream that is still to be told. Both ways of a tunnel that ended in good order close by themselves.
    mutating func end() -> (any UpstreamStream)? {
        defer { phase = .idle }
        switch phase {
        case .sent(_, .ended) where isRequestComplete: return nil
        case .sent(let stream, _): return stream
        case .idle, .planning, .waiting, .broken, .answered: return nil
        }
    }
}

extension CallCourse.Phase {
    /// On the same stream.
    fileprivate mutating func turn(to answer: CallCourse.Answer) {
        guard case .sent(let stream, _) = self else { return }
        self = .sent(stream, answer)
    }
}
