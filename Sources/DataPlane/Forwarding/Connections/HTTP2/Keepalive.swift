import EventLoops

/// When the other side of a connection is asked for a sign of life (PING, RFC 9113 § 6.7), and when it has given none for too
/// long. It sends nothing and has no clock.
///
/// Any byte is one. A question that stands behind bytes which the other side's kernel has no room for has not been heard: then it is for
/// those to go on, as slowly as whoever reads them may. One that has come to that kernel has an answer soon, or nobody is there: to
/// acknowledge it proves no more than that the host is.
struct Keepalive {
    /// How patient it is, in milliseconds.
    struct Patience: Equatable {
        /// Without a byte, while streams are open, until it asks.
        var silence: UInt64
        /// For the answer to what has been heard.
        var grace: UInt64
        /// Without anything taken of what stands before the question.
        var delivery: UInt64

        /// With other nodes: 10 s, and 5 s. They may be gone without a word, take any number of questions, and read at once.
        static let ofNodes = Patience(silence: 10_000, grace: 5_000, delivery: 5_000)

        /// With callers: 10 s, and 20 s. What their kernel has taken they may read slowly.
        /// - Parameter delivery: As long as a reader may stall.
        static func ofCallers(delivery: UInt64) -> Patience {
            Patience(silence: 10_000, grace: 20_000, delivery: delivery)
        }

        /// With workloads and other endpoints: as long as the mesh says, and 20 s. Servers of gRPC end the connection of whoever
        /// asks them more often than every 5 minutes while they send nothing.
        static func ofEndpoints(silence: UInt64, delivery: UInt64) -> Patience {
            Patience(silence: silence, grace: 20_000, delivery: delivery)
        }
    }

    enum Step: Equatable {
        case wait, ask, giveUp
    }

    /// What was asked and has not been answered.
    private struct Question {
        /// Where what stands before it ends in the output; 0: the other side's kernel is known to have that.
        var offset: UInt64
        /// When it was asked, or something of what stands before it was last seen to be taken.
        var since: DeadlineWheel.Time

        var isHeard: Bool { offset == 0 }
    }

    /// When the last byte came, in the loop's milliseconds.
    private var lastInput: DeadlineWheel.Time
    private var question: Question?

    init(at now: DeadlineWheel.Time) { lastInput = now }

    /// Any byte is an answer.
    mutating func heard(at now: DeadlineWheel.Time) {
        lastInput = now
        question = nil
    }

    /// - Parameters:
    ///   - outputEnd: Where a question would stand in the connection's output.
    ///   - progress: `ReaderProgress.last(upTo:)`. Asked only when something is due.
    mutating func step(
        hasStreams: Bool, _ patience: Patience, at now: DeadlineWheel.Time, outputEnd: UInt64,
        progress: (inout UInt64) -> DeadlineWheel.Time?
    ) -> Step {
        guard let due = due(hasStreams: hasStreams, patience), due <= now else { return .wait }
        guard var asked = question else {
            var asked = Question(offset: outputEnd, since: now)
            _ = progress(&asked.offset)
            question = asked
            return .ask
        }
        guard let last = progress(&asked.offset), last > asked.since else { return .giveUp }
        asked.since = last
        question = asked
        return .wait
    }

    /// When `step` has something to say; `nil`: a connection without streams is asked nothing.
    func due(hasStreams: Bool, _ patience: Patience) -> DeadlineWheel.Time? {
        if let question { return question.since + (question.isHeard ? patience.grace : patience.delivery) }
        return hasStreams ? lastInput + patience.silence : nil
    }
}
