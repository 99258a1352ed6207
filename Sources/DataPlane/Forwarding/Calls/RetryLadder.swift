import CallOutcomes
import Telemetry

/// What follows when a try of a call came to nothing: decision 0014 as a value. It counts what one call has cost its service so
/// far; it knows no endpoint, no connection and no clock. Whoever asks says what is so, and does what it answers.
struct RetryLadder: Equatable {
    /// What is so when a try has failed.
    struct Facts: Equatable {
        /// What was sent of the request is still here, so that it can be sent again.
        var isKept: Bool
        /// Twice is as good as once (RFC 9110 § 9.2.2).
        var isIdempotent: Bool
        /// The endpoint is another node.
        var isNode: Bool
        /// The service has an endpoint that was not tried, as it is served now.
        var hasOther: Bool
        /// Since the call began, in milliseconds.
        var age: UInt64
        /// `timeouts.connect`, in milliseconds.
        var connectTimeout: UInt64
    }

    enum Step: Equatable {
        /// The same endpoint, on another connection; on one of its own, if `isFresh`.
        case again(isFresh: Bool)
        /// An endpoint that was not tried.
        case other(isFresh: Bool)
        /// Every endpoint again, after so many milliseconds.
        case wait(milliseconds: UInt64)
        case fail(FailureReason, status: UInt16? = nil)
    }

    /// Tries after the first that a workload may have seen something of: 1, so that a request which kills its workload kills two
    /// at most.
    static let repeatLimit: UInt8 = 1
    /// Kept connections that may turn out dead before a fresh one is made: 2.
    static let deadConnectionLimit: UInt8 = 2
    /// Endpoints after the first that may turn out not to be there, of those tried one after the other: 8.
    static let moveLimit: UInt8 = 8
    /// Time before all endpoints are tried again, doubled with each time, in milliseconds: 20, up to 200.
    private static let waitMilliseconds: UInt64 = 20
    private static let waitLimitMilliseconds: UInt64 = 200

    private var repeats: UInt8 = 0
    private var deadConnections: UInt8 = 0
    private var moves: UInt8 = 0
    /// Its last doubling is the fourth.
    private var waits: UInt8 = 0

    mutating func next(after failure: UpstreamFailure, _ facts: Facts) -> Step {
        switch failure {
        case .notConnected: move(facts, mayWait: true)
        case .handshakeFailed: move(facts, mayWait: false)
        case .notSent: reconnect(facts)
        case .staleConnection: sendAgain(facts, .again(isFresh: true))
        case .noResponse, .reset: sendAgain(facts, facts.hasOther ? .other(isFresh: true) : .fail(.upstreamFailed))
        case .badResponse: .fail(.upstreamFailed)
        case .unsupportedUpgrade: .fail(.upstreamFailed, status: 501)
        }
    }

    /// Nothing was sent, for nobody was there.
    private mutating func move(_ facts: Facts, mayWait: Bool) -> Step {
        guard facts.isKept else { return .fail(.connectFailed) }
        if facts.hasOther, moves < Self.moveLimit {
            moves += 1
            return .other(isFresh: repeats > 0)
        }
        guard mayWait, facts.isNode else { return .fail(.connectFailed) }
        // A node that starts again is back in a moment: as long as a connection may take to come up.
        let milliseconds = min(Self.waitMilliseconds << waits, Self.waitLimitMilliseconds)
        guard facts.age + milliseconds < facts.connectTimeout else { return .fail(.connectFailed) }
        waits = min(waits + 1, 4)
        moves = 0
        return .wait(milliseconds: milliseconds)
    }

    /// Nothing was sent, for the connection was dead, or takes no more.
    private mutating func reconnect(_ facts: Facts) -> Step {
        guard facts.isKept, deadConnections < Self.deadConnectionLimit else { return move(facts, mayWait: false) }
        deadConnections += 1
        return .again(isFresh: repeats > 0 || deadConnections == Self.deadConnectionLimit)
    }

    /// A workload may have seen the request, and may have died of it.
    private mutating func sendAgain(_ facts: Facts, _ step: Step) -> Step {
        guard facts.isKept, facts.isIdempotent, repeats < Self.repeatLimit else { return .fail(.upstreamFailed) }
        repeats += 1
        return step
    }
}
