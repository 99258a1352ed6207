import CallOutcomes
import EventLoops
import HTTPSemantics
import ServiceContracts

/// A call to a service that Heddle answers for itself. There is no connection: what goes either way is left with a `CallRelay`, and
/// the worker's mailbox says when something has come.
///
/// SAFETY: `@unchecked Sendable`: only the worker's thread touches it; the service's threads hand it back through the mailbox.
final class LocalServiceStream: UpstreamStream, EventHandler, @unchecked Sendable {
    private let bench: Workbench
    private let loop: EventLoop
    private let streams: LocalStreams
    private let host: ServiceHost
    private let request: LocalRequest
    private var relay: CallRelay?
    private var call: (any Call)?
    /// Its place in the list of these; -1: none.
    var index = -1

    private var hasHead = false
    /// The answer is as long as it is: it may end anywhere between two pieces.
    private var endsAnywhere = false
    /// The caller takes no more for now.
    private var isHeldBack = false
    private var registration = Registration.none
    private var lastInput: DeadlineWheel.Time
    private var lastOutput: DeadlineWheel.Time
    /// Of the request, what the service had when that was last looked at.
    private var bytesGiven: UInt64 = 0

    init(_ request: LocalRequest, to host: ServiceHost, bench: Workbench, among streams: LocalStreams) {
        self.request = request
        self.host = host
        self.bench = bench
        self.streams = streams
        loop = bench.loop
        lastInput = bench.loop.now
        lastOutput = bench.loop.now
    }

    /// - Returns: `false`: too many wait for the service already.
    func start(_ call: any Call) -> Bool {
        guard startRelay() else { return false }
        self.call = call
        streams.add(self)
        call.attach(to: self)
        call.replayBody(to: self)
        return true
    }

    private func startRelay() -> Bool {
        let relay = CallRelay(request, to: host, rules: streams.rules) { [loop] in loop.post { self.hasNews() } }
        guard relay.start() else {
            relay.leave()
            return false
        }
        if streams.isStopping { relay.stop() }
        self.relay = relay
        return true
    }

    // MARK: To the service

    func sendBody(_ bytes: Span<UInt8>) {
        guard let relay else { return }
        if relay.requestByteCount == 0 { lastOutput = loop.now }
        relay.receive(bytes)
    }

    func endRequest(trailers: borrowing MessageHead) { relay?.requestEnded() }

    func cancel() { leave() }

    var isCongested: Bool { relay?.isRequestCongested ?? false }
    var queuedByteCount: Int { relay?.requestByteCount ?? 0 }

    /// It was given to the service, or waits for it: no other can have it.
    var isUnsent: Bool { false }

    /// What waits for something to happen is not late.
    func workloadProgress() -> SideProgress? {
        guard let relay, !relay.isOpenEnded else { return nil }
        let given = relay.requestBytesGiven
        if given != bytesGiven {
            bytesGiven = given
            lastOutput = loop.now
        }
        return SideProgress(
            lastInput: lastInput, lastOutput: lastOutput, isAwaited: relay.requestByteCount > 0,
            isHeldBack: isHeldBack)
    }

    /// Other rules are in force.
    func rulesChanged() { relay?.judgeAgain() }

    /// The node stops.
    func stop() { relay?.stop() }

    // MARK: From the service

    private func hasNews() {
        guard let relay else { return }
        relay.heard()
        if relay.takesRequestAgain() { call?.upstreamDrained() }
        passOn()
    }

    func resumeResponse() {
        lastInput = loop.now
        guard isHeldBack else { return }
        isHeldBack = false
        // Not here, in the middle of what the caller's connection does.
        if registration.isNone { registration = loop.register(self) }
        loop.requestEndOfTurn(registration)
    }

    func turnEnded() { passOn() }
    func ready(_ events: ReadyEvents) {}
    func deadlineReached() {}

    private func passOn() {
        while let call, let relay, !isHeldBack, let output = relay.next() {
            lastInput = loop.now
            switch output {
            case .head(let answer, let length): pass(answer, length, to: call)
            case .body(let bytes): call.receivedBody(bytes.span)
            case .end: end(call)
            case .failure(let reason): call.fail(reason)
            case .outdated: judgeAnew(call)
            }
            if self.call === call, call.isResponseCongested { isHeldBack = true }
        }
    }

    private func pass(_ answer: LocalAnswer, _ length: BodyLength, to call: any Call) {
        hasHead = true
        endsAnywhere = length.isUnknown
        if let verdict = answer.verdict { call.note(verdict) }
        bench.responseHead.removeAll()
        bench.responseHead.status = answer.status
        for field in answer.fields {
            bench.responseHead.addField(name: field.name.bytes, value: field.value.span)
        }
        if !answer.reason.isNone { bench.responseHead.addField(.heddleReason, value: answer.reason.name.bytes) }
        if case .bytes(let count) = length { bench.responseHead.contentLength = count }
        call.receivedHead(&bench.responseHead, length: length)
        guard self.call === call else { return }
        guard ResponseBody.isPossible(status: answer.status, answering: call.request.knownMethod) else {
            return end(call)
        }
        if relay?.isOpenEnded == true { call.request.compact() }
    }

    private func end(_ call: any Call) {
        leave()
        call.receivedEnd(trailers: bench.noTrailers)
    }

    /// What the service has to say was judged by rules that are gone. Nothing of it is told: it is asked once more where nobody has
    /// heard anything yet, and a stream of messages ends between two of them, so that its caller comes again.
    private func judgeAnew(_ call: any Call) {
        guard let relay else { return }
        if hasHead {
            guard endsAnywhere, relay.isOpenEnded else { return call.fail(.denied) }
            return end(call)
        }
        // What it was given of a body it has.
        guard !request.hasBody else { return call.fail(.denied) }
        relay.leave()
        guard startRelay() else {
            self.relay = nil
            return call.fail(.overloaded, status: FailureReason.overloadedStatus)
        }
    }

    private func leave() {
        call = nil
        relay?.leave()
        relay = nil
        streams.remove(self)
        loop.unregister(registration)
        registration = .none
    }
}
