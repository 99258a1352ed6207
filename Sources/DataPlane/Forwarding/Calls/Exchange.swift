import Authorization
import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import Telemetry
import WireProtocols

/// One call: a request and its response, between the stream it came from and the stream it goes to. Kept by its worker
/// and used again, so that a call allocates nothing.
final class Exchange: CallRequest, Call {
    let worker: Worker
    let bench: Workbench
    /// The worker's. Here, too, because to go by way of it counts references each time.
    let loop: EventLoop

    // Where it came from and what was decided.
    var plan = CallPlan()
    private(set) var origin: CallOrigin!
    var listener: Listener { origin.listener }
    private(set) var downstream: (any DownstreamStream)?
    var endpoint: EndpointView?
    /// A program of this node has decided of the try at hand: it is judged again when the policies change.
    var isJudged = false
    var mirrors: [Exchange] = []
    var isMirror = false
    /// Its place among its worker's copies; -1: none.
    var mirrorIndex = -1
    /// Why the answer, or its end, is another node's own and not the workload's, as that node says; `.none`: it is the workload's.
    var refusalElsewhere = FailureReason.none

    // How far it has come.
    fileprivate(set) var upstream: (any UpstreamStream)?
    private(set) var isRequestComplete = false
    private(set) var isResponseStarted = false
    private(set) var isOver = false
    var status: UInt16 = 0
    var reason = FailureReason.none
    /// As its callee ended the call, or the proxy; `nil`: not a gRPC call, or it never ended.
    var grpcStatus: GRPCStatus?
    /// As a head says that may be all there is: it counts once the answer has ended.
    private var grpcStatusInHead: GRPCStatus?
    private(set) var responseByteCount: UInt64 = 0
    private var interimCount = 0
    /// In the loop's microseconds.
    private(set) var startedAt: UInt64 = 0

    /// Bytes that came before the workload agreed to the upgrade they are for.
    var early: [UInt8] = []

    // Trying again.
    /// One bit an endpoint of the service, the first 64 of them.
    var triedEndpoints: UInt64 = 0
    var ladder = RetryLadder()
    private var retained = RetainedBody()
    /// In the request of the try at hand.
    var toldTime = ToldTime.asItCame

    /// The time by which the whole answer must be there, in the loop's milliseconds.
    var requestDeadline: DeadlineWheel.Time?
    /// The route says that its calls may take as long as they take.
    var waitsForever: Bool { plan.rule?.isUnlimited ?? false }
    /// A stream of messages, which lasts as long as its two sides want: only what its route or its caller says ends it.
    var isOpenEnded: Bool { waitsForever || isTunnelOpen || (plan.service?.isGRPC ?? false) }
    /// The same for one try.
    var backendDeadline: DeadlineWheel.Time?
    /// By when the rest must be there of a request that has its answer.
    private(set) var restDeadline: DeadlineWheel.Time?
    private var registration = Registration.none

    /// Interim responses of one call: 100. A workload that has more to say before it answers never will.
    static let interimLimit = 100

    init(worker: Worker) {
        self.worker = worker
        bench = worker.bench
        loop = worker.bench.loop
    }

    /// Begins another life.
    func reuse() { isOver = false }

    // MARK: From downstream

    /// The request's head is in `request`, its framing in `requestBody`: decides and forwards.
    func start(from downstream: any DownstreamStream, origin: CallOrigin) {
        begin(from: downstream, origin: origin)
        if tunnel == .connection { dispatchTunnel() } else { dispatch() }
        if !isOver { setFirstDeadline() }
    }

    /// What every call begins with, a copy's too. Its head and the length of its body are there.
    private func begin(from downstream: any DownstreamStream, origin: CallOrigin) {
        self.downstream = downstream
        self.origin = origin
        startedAt = loop.nowMicroseconds
        isRequestComplete = requestBody.isNone
        joinLoop()
    }

    /// A copy of another call as it was sent, for another service.
    func startMirror(of original: Exchange, to service: ServiceTable) {
        isMirror = true
        worker.mirrorBegan(self)
        request.copy(original.request)
        original.plan.rewriteCopy(&request)
        requestBody = original.requestBody
        begin(from: MirrorSink.shared, origin: original.origin)
        plan = CallPlan(copying: original.plan, for: service)
        send()
        if !isOver { setFirstDeadline() }
    }

    /// Keeps its place there from one call to the next.
    private func joinLoop() {
        if registration.isNone { registration = loop.register(self) }
    }

    /// Gives it up: it would keep the exchange alive.
    func leaveLoop() {
        loop.unregister(registration)
        registration = .none
    }

    func setDeadline(_ deadline: DeadlineWheel.Time?) { loop.setDeadline(registration, to: deadline) }

    func sendBody(_ bytes: Span<UInt8>) {
        guard !isOver else { return }
        if tunnel == .webSocket, !isTunnelOpen { return holdEarly(bytes) }
        retained.append(bytes)
        upstream?.sendBody(bytes)
        for mirror in mirrors where !mirror.isOver {
            // A copy with a gap is none: one that cannot keep up ends.
            if mirror.isRequestCongested { mirror.callerGone() } else { mirror.sendBody(bytes) }
        }
    }

    func endRequest(trailers: borrowing MessageHead) {
        guard !isOver else { return }
        isRequestComplete = true
        if tunnel == .webSocket, !isTunnelOpen { return }
        retained.end(trailers: trailers)
        upstream?.endRequest(trailers: trailers)
        for mirror in mirrors { mirror.endRequest(trailers: trailers) }
        if isResponseComplete { end() }
    }

    /// The caller takes nothing of its answer any more, and will be cut off: it is late, not gone.
    func noteStalledCaller() {
        if reason.isNone { reason = .timeout }
    }

    /// The caller is gone; nobody reads the answer any more.
    func callerGone(because cause: FailureReason) {
        guard !isOver else { return }
        if reason.isNone, !isResponseComplete || isTunnelOpen { reason = cause }
        let stream = upstream
        upstream = nil
        stream?.cancel()
        end()
    }

    /// The caller takes bytes again.
    func downstreamDrained() { upstream?.resumeResponse() }

    var queuedRequestByteCount: Int { upstream?.queuedByteCount ?? 0 }
    var isRequestCongested: Bool { !early.isEmpty || upstream?.isCongested ?? isWaiting }
    var isResponseCongested: Bool { downstream?.isCongested ?? false }

    /// Waits for its node to come back.
    var isWaiting = false
    /// Told from the call that the exchange carried before, and the next.
    private(set) var life: UInt64 = 0
    private(set) var isResponseComplete = false

    // MARK: From upstream

    func upstreamDrained() { downstream?.resumeRequest() }

    func receivedInterim(_ head: inout MessageHead) {
        interimCount += 1
        guard interimCount <= Self.interimLimit else { return fail(.upstreamFailed) }
        head.removeHopByHopFields()
        head.removeHeddleFields()
        downstream?.sendInterim(head)
    }

    /// - Parameter length: How its sender ends the body; whether there is one, its status says.
    func receivedHead(_ head: inout MessageHead, length: BodyLength) {
        if tunnel == .webSocket, 200..<300 ~= head.status, downstream?.upgradesBySuccess ?? false {
            // The workload took it for any request. Its answer would be taken for the first bytes of a WebSocket.
            return fail(.upstreamFailed)
        }
        refusalElsewhere = refusal(in: head)
        if !refusalElsewhere.isNone, !origin.tellsReason {
            // The other node told its reason to this one; this caller is told none, in whatever form.
            return fail(refusalElsewhere, status: head.status == 200 ? nil : head.status)
        }
        retained.drop()
        isResponseStarted = true
        status = head.status
        head.removeHopByHopFields()
        head.removeHeddleFields()
        if !refusalElsewhere.isNone {
            head.addField(.heddleReason, value: refusalElsewhere.name.bytes)
            // It is said in gRPC's words.
            if status == 200, isGRPCRequest { status = refusalElsewhere.status }
        }
        if let rule = plan.rule { rule.rule.modifyResponse(&head, backend: plan.backend) }
        let body = ResponseBody(length, status: head.status, answering: request.knownMethod)
        if !body.mayTellLength { head.contentLength = nil }
        if tunnel != .connection { bench.date.add(to: &head) }
        grpcStatusInHead = head.value(of: .grpcStatus).flatMap { GRPCStatus(head.bytes($0)) }
        downstream?.sendHead(head, body: body)
        if tunnel != .none { tunnelAnswered() }
    }

    func receivedBody(_ bytes: Span<UInt8>) {
        responseByteCount += UInt64(bytes.count)
        downstream?.sendBody(bytes)
    }

    /// Bytes go both ways, each until its own end.
    var isTunnelOpen: Bool {
        switch tunnel {
        case .none: false
        case .connection: isResponseStarted
        case .webSocket: isResponseStarted && status == Tunnel.switchingProtocols
        }
    }

    /// The response is whole; the upstream stream has let go of the call.
    func receivedEnd(trailers: borrowing MessageHead) {
        isResponseComplete = true
        if isTunnelOpen {
            // Half of it: the other way may go on.
            downstream?.endResponse(trailers: trailers)
            return isRequestComplete ? end() : ()
        }
        upstream = nil
        grpcStatus = grpcStatusInHead
        noteStatus(trailers)
        downstream?.endResponse(trailers: trailers)
        answered()
    }

    /// The answer is whole, and the request may not be.
    private func answered() {
        guard !isRequestComplete, let downstream, downstream.readsRestOfRequest else { return end() }
        retained.drop()
        if awaitsRest {
            restDeadline = loop.now + EarlyAnswer.awaitedMilliseconds
            updateDeadline()
        }
        // Whoever held it back is gone.
        downstream.resumeRequest()
    }

    /// The rest of the request is worth waiting for, though its answer is there.
    var awaitsRest: Bool {
        !isRequestComplete && tunnel == .none
            && EarlyAnswer.awaitsRest(of: requestBody, expectsContinue: request.hasField(.expect), reason: reason)
    }

    /// Bytes that did not come by here.
    func passedResponse(_ byteCount: Int) {
        responseByteCount += UInt64(byteCount)
    }

    /// How a gRPC call ended, as its callee says in the trailers.
    func noteStatus(_ head: borrowing MessageHead) {
        guard let field = head.value(of: .grpcStatus) else { return }
        grpcStatus = GRPCStatus(head.bytes(field))
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        upstream = nil
        guard !isOver else { return }
        if isResponseStarted {
            // Another node may have said why.
            let reason = refusalElsewhere == .none ? FailureReason.upstreamFailed : refusalElsewhere
            if !isTunnelOpen, downstream?.retractResponse() ?? false {
                // Nobody has heard of it: it never was.
                isResponseStarted = false
                responseByteCount = 0
                return fail(reason)
            }
            self.reason = reason
            downstream?.cutResponse(passingOn: true)
            return end()
        }
        tryFailed(failure)
    }

    // MARK: Upstream's side of the work

    /// Sends the head, and what is known of the body, on a stream.
    func attach(to stream: any UpstreamStream) { upstream = stream }

    func replayBody(to stream: any UpstreamStream) {
        // The stream may fail of it, and the call then drops what it has retained.
        let bytes = retained.bytes
        if !bytes.isEmpty { stream.sendBody(bytes.span) }
        // What is a WebSocket's comes when it is accepted.
        guard isRequestComplete, !requestBody.isNone, tunnel != .webSocket else { return }
        stream.endRequest(trailers: retained.trailers)
    }

    /// What was sent of the request is still here.
    var isRequestKept: Bool { retained.isWhole }

    /// Leaves the stream that the call was on.
    func abandonUpstream() {
        let stream = upstream
        upstream = nil
        stream?.cancel()
    }

    // MARK: The end

    /// Answers for the callee, or cuts the answer that is under way.
    func fail(_ reason: FailureReason, status: UInt16?) {
        guard !isOver else { return }
        // Nothing is left to fail but the rest of a request that has its answer.
        if isResponseComplete, !isTunnelOpen { return end() }
        self.reason = reason
        let stream = upstream
        upstream = nil
        stream?.cancel()
        if isResponseStarted {
            cut(reason)
            end()
        } else {
            reply(status: status ?? reason.status, location: nil)
        }
    }

    /// Ends an answer that is under way. To a gRPC caller the trailers say why, if it was our decision; a callee that broke
    /// off must not look as if it had ended.
    private func cut(_ reason: FailureReason) {
        guard reason != .upstreamFailed, isGRPCRequest, let downstream, downstream.carriesTrailers else {
            downstream?.cutResponse(passingOn: reason == .upstreamFailed)
            return
        }
        let status = reason.grpcStatus(status: reason.status, hasCaller: plan.caller != nil)
        grpcStatus = status
        bench.replies.writeTrailers(status, reason: origin.tellsReason ? reason : .none, to: downstream)
    }

    /// The whole answer is ours.
    func reply(status: UInt16, location: [UInt8]?) {
        self.status = status
        isResponseStarted = true
        isResponseComplete = true
        let reason = origin.tellsReason ? reason : .none
        request.identify(using: &bench.random)
        if let id = request.value(of: .requestID) { request.withBytes(id) { bench.replies.identify(by: $0) } }
        if isGRPCRequest {
            grpcStatus = self.reason.grpcStatus(status: status, hasCaller: plan.caller != nil)
            bench.replies.write(grpcStatus!, reason: reason, to: downstream)
        } else {
            bench.replies.write(
                status: status, reason: reason, location: location, answering: request.knownMethod, to: downstream)
        }
        answered()
    }

    var isGRPCRequest: Bool { request.isGRPC }

    /// Nobody waits for anything any more: counts the call and gives the exchange back.
    private func end() {
        guard !isOver else { return }
        isOver = true
        let stream = upstream
        upstream = nil
        // Both ways of a tunnel that ended in good order close by themselves.
        if !(isTunnelOpen && isRequestComplete && isResponseComplete) { stream?.cancel() }
        for mirror in mirrors where !mirror.isRequestComplete { mirror.callerGone() }
        if isMirror { worker.mirrorEnded(self) } else { record() }
        downstream?.callEnded()
        downstream = nil
        // A mirrored call's original may still hold it.
        if isMirror { leaveLoop() } else { worker.giveBack(self) }
    }

    /// Microseconds since it began. The loop's clock stands still within a turn: what is over in the turn that it began in
    /// asks the system.
    private var age: UInt64 {
        (startedAt == loop.nowMicroseconds ? EventLoop.microseconds() : loop.nowMicroseconds) - startedAt
    }

    private func record() {
        // What another node answered by itself, or cut, ended here for its reason, too.
        if reason.isNone { reason = refusalElsewhere }
        let microseconds = age
        bench.metrics.record(
            RequestMetrics.Key(
                service: plan.service?.label ?? LabelRegistry.none, route: plan.rule?.label ?? LabelRegistry.none,
                status: status,
                reason: reason),
            microseconds: microseconds)
        if let service = plan.service, service.isGRPC {
            let status = grpcStatus?.rawValue ?? GRPCMetrics.noStatus
            // What was not let through, or is not there, may be called anything.
            let isProven = reason.isNone && grpcStatus != .unimplemented
            request.withBytes(request.path) {
                bench.grpcMetrics.record(service: service.label, path: $0, status: status, isProven: isProven)
            }
        }
        log(microseconds)
    }

    /// Lets go of everything but its memory. It stays over until it is taken again: whoever still holds it in this turn
    /// finds nothing to do.
    func reset() {
        isOver = true
        life &+= 1
        isWaiting = false
        request.removeAll()
        requestBody = .none
        tunnel = .none
        origin = nil
        downstream = nil
        plan = CallPlan()
        endpoint = nil
        isJudged = false
        if !mirrors.isEmpty { mirrors = [] }
        isMirror = false
        refusalElsewhere = .none
        upstream = nil
        isRequestComplete = false
        isResponseStarted = false
        isResponseComplete = false
        status = 0
        reason = .none
        grpcStatus = nil
        grpcStatusInHead = nil
        responseByteCount = 0
        interimCount = 0
        triedEndpoints = 0
        ladder = RetryLadder()
        toldTime = .asItCame
        retained.reset()
        requestDeadline = nil
        backendDeadline = nil
        restDeadline = nil
        setDeadline(nil)
        if !early.isEmpty { early = [] }
    }
}
