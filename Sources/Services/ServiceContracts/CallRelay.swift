import CallOutcomes
import HTTPSemantics
import Manifests
import Synchronization

/// A call between its two sides, which are on threads of their own: the one that has a socket, or stands for one in a test, and the
/// service. Either may stop at any time; what is said across is in order, bounded, and ends once.
package final class CallRelay: WaitingCall {
    package let request: LocalRequest
    private let rules: RulesInForce
    private let host: ServiceHost
    private let state: Mutex<CallRelayState>

    /// Bytes of the answer that are passed on at once.
    private static let pieceLimit = 64 * 1024

    /// - Parameter tell: Says on any thread, once until `heard`, that there is something for the caller's side.
    package init(
        _ request: LocalRequest, to host: ServiceHost, rules: RulesInForce,
        tell: @escaping @Sendable () -> Void
    ) {
        self.request = request
        self.rules = rules
        self.host = host
        state = Mutex(CallRelayState(tell: tell, isRequestEnded: !request.hasBody))
    }

    // MARK: The caller's side

    /// Brings the call to its service.
    /// - Returns: `false`: too many wait there already.
    package func start() -> Bool { host.executor.admit(self) }

    /// A piece of the request's body.
    package func receive(_ bytes: Span<UInt8>) {
        var copy: [UInt8] = []
        copy.append(copying: bytes)
        change { $0.received(copy) }
    }

    package func requestEnded() { change { $0.add(.requestEnds) } }

    /// Whether the service is behind with the request. If it is, `takesRequestAgain` follows.
    package var isRequestCongested: Bool {
        state.withLock { state in
            guard state.body.count >= CallRelayState.highWatermark else { return false }
            state.owesRoom = true
            return true
        }
    }

    /// Bytes of the request that wait for the service.
    package var requestByteCount: Int { state.withLock { $0.body.count } }

    /// Bytes of the request that the service was given so far.
    package var requestBytesGiven: UInt64 { state.withLock { $0.bytesGiven } }

    /// It was told that there is something, and looks: from now on it is told again.
    package func heard() { state.withLock { $0.isTold = false } }

    /// Whether the service has caught up, since it was last asked.
    package func takesRequestAgain() -> Bool {
        state.withLock { state in
            defer { state.hasRoom = false }
            return state.hasRoom
        }
    }

    /// The next part of the answer; `nil`: there is none yet.
    package func next() -> LocalOutput? {
        let rules = rules.now
        return change { $0.next(limit: Self.pieceLimit, rules) }
    }

    /// It waits for something to happen.
    package var isOpenEnded: Bool { state.withLock { $0.isOpenEnded } }

    /// Other rules are in force: if the call was judged by some that are gone, its service is told.
    package func judgeAgain() {
        let rules = rules.now
        change { state in
            if !state.asked.hold(in: rules) {
                state.asked = .none
                state.add(.rulesChange)
            }
        }
    }

    package func stop() { change { $0.add(.nodeStops) } }

    /// The caller's side is done with it: all was passed on, or nobody waits for it any more.
    package func leave() { change { $0.leave() } }

    // MARK: The service's side

    var isOver: Bool { state.withLock { $0.course.isOver } }

    var isAnswerFull: Bool { state.withLock { $0.checkFull() } }

    func judge() -> Judge { Judge(rules.now, of: request) { [self] in judged($0, $1) } }

    /// A judge has gone by a resource's rules. Rules that went meanwhile have told nobody that they were asked.
    private func judged(_ resource: ResourceIdentity, _ program: ResourceProgram) {
        state.withLock { _ = $0.asked.note(resource, program) }
        if rules.now[resource] !== program { judgeAgain() }
    }

    func answer(_ answer: LocalAnswer, body: [UInt8], by asked: AskedRules) -> LocalSending {
        change { state in
            guard case .awaited = state.course else { return .over }
            guard answer.isWellFormed else { return state.fail(.upstreamFailed) }
            state.put(.head(answer, .bytes(UInt64(body.count))), asked)
            if !body.isEmpty { state.put(.body(body), asked) }
            state.put(.end, .none)
            state.end()
            return .taken
        }
    }

    func begin(_ answer: LocalAnswer, by asked: AskedRules) -> LocalSending {
        change { state in
            guard case .awaited = state.course else { return .over }
            guard answer.isWellFormed else { return state.fail(.upstreamFailed) }
            state.course = .begun
            state.put(.head(answer, .unknown), asked)
            return .taken
        }
    }

    func send(_ bytes: [UInt8], by asked: AskedRules) -> LocalSending {
        change { state in
            guard case .begun = state.course else { return .over }
            guard !state.checkFull() else { return .full }
            if !bytes.isEmpty { state.put(.body(bytes), asked) }
            return .taken
        }
    }

    func end() {
        change { state in
            switch state.course {
            case .awaited: _ = state.fail(.upstreamFailed)
            case .begun:
                state.put(.end, .none)
                state.end()
            case .ended, .over: break
            }
        }
    }

    func fail(_ reason: FailureReason) { change { _ = $0.fail(reason) } }

    /// Nobody has it any more who could end it.
    func forgotten() { fail(.upstreamFailed) }

    func staysOpen() { state.withLock { $0.isOpenEnded = true } }

    func wake() { change { $0.add(.wakes) } }

    func holdBody(_ isHeld: Bool) { change { $0.isBodyHeld = isHeld } }

    // MARK: The service's threads

    /// Tells the service what there is to tell.
    func run() {
        var (news, body, session) = change { $0.takeNews() }
        if news.contains(.begins) {
            // Whoever has gone before it began has asked for nothing.
            guard !news.contains(.callerGoes) else { return endRun(keeping: nil) }
            session = host.service.begin(LocalCall(self))
        }
        if let session { tell(session, news, body) }
        news = []
        endRun(keeping: session)
    }

    private func tell(_ session: any LocalSession, _ news: CallRelayState.News, _ body: [UInt8]) {
        guard !news.contains(.callerGoes) else { return session.callerGone() }
        // What it does about one of these may be the end of it.
        func hears(_ one: CallRelayState.News) -> Bool {
            news.contains(one) && state.withLock { !$0.course.isEnded }
        }
        if hears(.rulesChange) { session.rulesChanged() }
        if hears(.nodeStops) { session.nodeStops() }
        if hears(.wakes) { session.woken() }
        if hears(.takesMore) { session.callerTakesMore() }
        if !body.isEmpty, state.withLock({ !$0.course.isEnded }) { session.received(body) }
        if hears(.requestEnds) { session.requestEnded() }
    }

    /// A session that is needed no more goes here, and takes with it what it holds: outside of the lock.
    private func endRun(keeping session: (any LocalSession)?) {
        change { $0.endRun(keeping: session) }
    }

    /// Changes the state, and does what follows from it once nobody waits for the lock.
    @discardableResult
    private func change<Result: Sendable>(_ body: (inout CallRelayState) -> Result) -> Result {
        var isToRun = false
        var tell: (@Sendable () -> Void)?
        var dropped = CallRelayState.Dropped()
        let result = state.withLock { state in
            let result = body(&state)
            isToRun = state.takeTurn()
            tell = state.takeTelling()
            swap(&dropped, &state.dropped)
            return result
        }
        if isToRun, !host.executor.add(self) { dropped.session = state.withLock { $0.giveUpSession() } }
        tell?()
        return result
    }
}
