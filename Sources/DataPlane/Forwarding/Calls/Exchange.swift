import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import Telemetry
import WireProtocols

/// One call: a request and its response, between the stream it came from and the stream it goes to. Kept by its worker
/// and used again, so that a call allocates nothing.
final class Exchange: CallRequest, Call {
    let board: Switchboard
    let bench: Workbench
    /// The worker's. Here, too, because to go by way of it counts references each time.
    let loop: EventLoop

    var state = CallState()
    /// Of its request, with memory that the next call has, too.
    var retained = RetainedBody()
    /// Told from the call that the exchange carried before, and the next.
    private(set) var life: UInt64 = 0
    private var registration = Registration.none

    private init(board: Switchboard) {
        self.board = board
        bench = board.bench
        loop = board.bench.loop
    }

    var origin: CallOrigin { state.origin! }
    var listener: Listener { origin.listener }
    var isGRPCRequest: Bool { request.isGRPC }

    var isOver: Bool { state.course.isOver }
    var isRequestComplete: Bool { state.course.isRequestComplete }
    var isResponseComplete: Bool { state.course.isAnswerComplete }

    /// Bytes go both ways, each until its own end.
    var isTunnelOpen: Bool {
        switch tunnel {
        case .none: false
        case .connection: state.course.isAnswerBegun
        case .webSocket: state.course.isAnswerBegun && state.outcome.status == Tunnel.switchingProtocols
        }
    }

    // MARK: The beginning

    /// One that carries no call.
    static func take(from board: Switchboard) -> Exchange {
        guard let used = board.spareCalls.popLast() else { return Exchange(board: board) }
        return unsafe unsafeDowncast(used, to: Exchange.self)
    }

    /// The request's head is in `request`, its framing in `requestBody`: decides and forwards.
    func start(from downstream: any DownstreamStream, origin: CallOrigin) {
        begin(from: downstream, origin: origin)
        begin()
        if !isOver { setFirstDeadline() }
    }

    /// Plans it, and carries the plan out. Once more if it was not known yet who calls.
    func begin() {
        if tunnel == .connection { dispatchTunnel() } else { dispatch() }
    }

    /// What every call begins with, a copy's too. Its head and the length of its body are there.
    func begin(from downstream: any DownstreamStream, origin: CallOrigin) {
        state.course.begin(isRequestComplete: requestBody.isNone)
        state.downstream = downstream
        state.origin = origin
        state.startedAt = loop.nowMicroseconds
        if registration.isNone { registration = loop.register(self) }
    }

    func setDeadline(_ deadline: DeadlineWheel.Time?) { loop.setDeadline(registration, to: deadline) }

    // MARK: The end

    /// Nobody waits for anything any more: counts the call and gives the exchange back.
    func end() {
        guard !isOver else { return }
        state.course.end()?.cancel()
        for mirror in state.mirrors where !mirror.isRequestComplete { mirror.callerGone() }
        if state.isMirror { board.copyEnded(self) } else { record() }
        state.downstream?.callEnded()
        state.downstream = nil
        // A mirrored call's original may still hold it.
        if state.isMirror { leaveLoop() } else { giveBack() }
    }

    /// Lets go of everything but its memory: whoever still holds it in this turn finds nothing to do. One that is not kept gives up
    /// its place on the loop, which would keep it alive.
    func giveBack() {
        life &+= 1
        state = CallState()
        retained.reset()
        removeRequest()
        setDeadline(nil)
        if board.spareCalls.count < Workbench.keptCount { board.spareCalls.append(self) } else { leaveLoop() }
    }

    private func leaveLoop() {
        loop.unregister(registration)
        registration = .none
    }

    /// Microseconds since it began. The loop's clock stands still within a turn: what is over in the turn that it began in
    /// asks the system.
    private var age: UInt64 {
        let now = loop.nowMicroseconds
        return (state.startedAt == now ? EventLoop.microseconds() : now) - state.startedAt
    }

    private func record() {
        // What another node answered by itself, or cut, ended here for its reason, too.
        state.outcome.fails(because: state.outcome.refusalElsewhere)
        let microseconds = age
        let service = state.plan.service
        bench.metrics.record(
            RequestMetrics.Key(
                service: service?.label ?? LabelRegistry.none, route: state.plan.rule?.label ?? LabelRegistry.none,
                status: state.outcome.status, reason: state.outcome.reason),
            microseconds: microseconds)
        if let service, service.isGRPC {
            let status = state.outcome.grpcStatus
            // What was not let through, or is not there, may be called anything.
            let isProven = state.outcome.reason.isNone && status != .unimplemented
            request.withBytes(request.path) {
                bench.grpcMetrics.record(
                    service: service.label, path: $0, status: status?.rawValue ?? GRPCMetrics.noStatus,
                    isProven: isProven)
            }
        }
        log(microseconds)
    }
}
