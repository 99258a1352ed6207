/// A service that Heddle itself answers for, at a host like `config.mesh`. Its calls have an identity, and are in canonical form, as
/// every call is; which of a resource's bytes one may have it asks the call's `Judge`.
///
/// It knows no socket and no worker. Whatever it is asked runs on threads of its own (`ServiceExecutor`), and may block.
package protocol LocalService: Sendable {
    /// A call has come. It is answered now or later, from any thread, through `call`.
    /// - Returns: Who is told what becomes of the call, until it is over.
    func begin(_ call: LocalCall) -> any LocalSession
}

/// What a service has to do with one call while that is under way. Told one thing after the other, each on one of the service's
/// threads; nothing once the service has ended the answer, or `callerGone` was said.
package protocol LocalSession: Sendable {
    /// More of the request's body. What is told at once is what has come since: 64 KiB or a little more at most.
    func received(_ bytes: [UInt8])
    /// The request is whole.
    func requestEnded()
    /// The caller takes more of the answer: `send` has said `full`.
    func callerTakesMore()
    /// What the call was judged by is no longer so: whatever is to be sent from now on is to be judged again, and what is sent by
    /// an earlier judge goes nowhere.
    func rulesChanged()
    /// `LocalCall.wake` was called, once or several times.
    func woken()
    /// The node stops: what would stay open ends in good order now.
    func nodeStops()
    /// Nobody waits for the answer any more, or nobody may have it.
    func callerGone()
}

/// What most calls need not hear of. What must not be overheard stands apart: rules that change, and a node that stops.
extension LocalSession {
    package func received(_ bytes: [UInt8]) {}
    package func requestEnded() {}
    package func callerTakesMore() {}
    package func woken() {}
    package func callerGone() {}
}

/// Of a call that was answered where it began.
package struct AnsweredSession: LocalSession {
    package init() {}
    package func rulesChanged() {}
    package func nodeStops() {}
}
