package import CallOutcomes
package import HTTPSemantics

/// The head of a service's answer.
package struct LocalAnswer: Sendable {
    package let status: UInt16
    /// Why it is none that its caller hoped for, as `x-heddle-reason`, the access log and metrics have it.
    package let reason: FailureReason
    /// What the rules say of the call as a whole: for the logs, and the counts of policies.
    package let verdict: LocalVerdict?
    package private(set) var fields: [(name: StaticString, value: [UInt8])] = []
    /// No field has a value that would end it before its end.
    private(set) var isWellFormed = true

    package init(status: UInt16, reason: FailureReason = .none, verdict: LocalVerdict? = nil) {
        self.status = status
        self.reason = reason
        self.verdict = verdict
    }

    /// - Parameters:
    ///   - name: In lower case.
    ///   - value: Of printable ASCII; any other fails the call.
    package mutating func add(_ name: StaticString, _ value: String) {
        let value = Array(value.utf8)
        if value.contains(where: { $0 < 0x20 || $0 > 0x7E }) { isWellFormed = false }
        fields.append((name, value))
    }
}

/// What became of something that was to be sent.
package enum LocalSending: Sendable {
    /// It is on its way.
    case taken
    /// The caller does not take what it has been sent: nothing was added, and `LocalSession.callerTakesMore` follows.
    case full
    /// The call is over: nobody takes it.
    case over
}

/// A part of an answer on its way to the caller.
package enum LocalOutput: Sendable {
    case head(LocalAnswer, BodyLength)
    case body([UInt8])
    case end
    case failure(FailureReason)
    /// What comes next was told by rules that are no longer in force: it goes nowhere, nor does what follows it.
    case outdated
}
