import EventLoops

/// When the other side of a connection is asked for a sign of life (PING, RFC 9113 § 6.7), and when it has given none for too
/// long. It sends nothing and has no clock.
struct Keepalive {
    /// How patient it is, in milliseconds.
    struct Patience: Equatable {
        /// Without a byte, while streams are open, until it asks.
        var silence: UInt64
        /// For the answer.
        var grace: UInt64

        /// With callers and other nodes: 10 s, and 5 s. They may be gone without a word, and take any number of questions.
        static let short = Patience(silence: 10_000, grace: 5_000)

        /// With workloads and other endpoints: as long as the mesh says, and 20 s. Servers of gRPC end the connection of whoever
        /// asks them more often than every 5 minutes while they send nothing.
        static func long(silence: UInt64) -> Patience { Patience(silence: silence, grace: 20_000) }
    }

    enum Step: Equatable {
        case wait, ask, giveUp
    }

    /// When the last byte came, in the loop's milliseconds.
    private var lastInput: DeadlineWheel.Time
    /// When it was asked what has not been answered.
    private var askedAt: DeadlineWheel.Time?

    init(at now: DeadlineWheel.Time) { lastInput = now }

    /// Any byte is an answer.
    mutating func heard(at now: DeadlineWheel.Time) {
        lastInput = now
        askedAt = nil
    }

    mutating func step(hasStreams: Bool, _ patience: Patience, at now: DeadlineWheel.Time) -> Step {
        guard let due = due(hasStreams: hasStreams, patience), due <= now else { return .wait }
        guard askedAt == nil else { return .giveUp }
        askedAt = now
        return .ask
    }

    /// When `step` has something to say; `nil`: a connection without streams is asked nothing.
    func due(hasStreams: Bool, _ patience: Patience) -> DeadlineWheel.Time? {
        if let askedAt { return askedAt + patience.grace }
        return hasStreams ? lastInput + patience.silence : nil
    }
}
