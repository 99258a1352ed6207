package import CallOutcomes

/// A call, as the service that answers it has it. From any thread.
///
/// An answer is one `answer`, or a `begin`, any number of `send` and an `end`; or `fail`. It ends once: what comes later goes nowhere, and
/// one whose service has forgotten it has failed.
package final class LocalCall: Sendable {
    private let relay: CallRelay

    init(_ relay: CallRelay) { self.relay = relay }

    deinit { relay.forgotten() }

    package var request: LocalRequest { relay.request }
    /// Nobody waits for anything any more.
    package var isOver: Bool { relay.isOver }
    /// The caller does not take what it has been sent.
    package var isFull: Bool { relay.isAnswerFull }

    /// By the rules of now. Whatever is answered later than at once needs another one.
    package func judge() -> Judge { relay.judge() }

    // MARK: The answer

    /// The whole answer.
    /// - Parameter judge: By whose word it may be told; `nil`: nothing in it is anybody's.
    @discardableResult
    package func answer(_ answer: LocalAnswer, body: [UInt8] = [], by judge: Judge?) -> LocalSending {
        relay.answer(answer, body: body, by: judge?.asked ?? .none)
    }

    /// The head of an answer whose length nobody knows.
    @discardableResult
    package func begin(_ answer: LocalAnswer, by judge: Judge?) -> LocalSending {
        relay.begin(answer, by: judge?.asked ?? .none)
    }

    /// A piece of the body. It is taken whole, or not at all.
    package func send(_ bytes: [UInt8], by judge: Judge?) -> LocalSending {
        relay.send(bytes, by: judge?.asked ?? .none)
    }

    /// All was sent.
    package func end() { relay.end() }

    /// There is no answer, or the one under way is cut.
    package func fail(_ reason: FailureReason) { relay.fail(reason) }

    // MARK: While it lasts

    /// It waits for something to happen, and is not late however long that takes: a watch, or a call that asks to wait.
    package func staysOpen() { relay.staysOpen() }

    /// Has `LocalSession.woken` called.
    package func wake() { relay.wake() }

    /// No more of the request's body for now.
    package func holdBody() { relay.holdBody(true) }
    package func resumeBody() { relay.holdBody(false) }
}
