import CallOutcomes
import HTTPSemantics
import Telemetry

/// What becomes of the rest of a request that has its answer, over every version of HTTP.
///
/// Some clients take what cuts the last bytes of their request for a failure, and others look for nothing more of an answer
/// whose end came while they were still sending (curl 7.88 does both). A rest that is short is therefore waited for.
enum EarlyAnswer {
    /// A body that is no longer than this, as its head says, may come to its end: 64 KiB.
    static let awaitedByteLimit: UInt64 = 64 * 1024
    /// How long it may take, in milliseconds.
    static let awaitedMilliseconds: UInt64 = 1_000

    /// - Parameters:
    ///   - expectsContinue: The caller waits to be told to send the body, and has been told otherwise.
    ///   - reason: Why the answer is Heddle's, if it is.
    static func awaitsRest(of body: BodyLength, expectsContinue: Bool, reason: FailureReason) -> Bool {
        // Who was late already is not waited for again.
        guard case .bytes(let count) = body, reason != .timeout else { return false }
        return count <= awaitedByteLimit && !expectsContinue
    }
}
