import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import WireProtocols

/// All that an exchange knows of the call that it carries, beside its request: another call begins with another one.
struct CallState: ~Copyable {
    var course = CallCourse()
    /// `nil`: there is no call.
    var origin: CallOrigin?
    /// `nil`: there is no call, or nobody waits for its answer any more.
    var downstream: (any DownstreamStream)?
    /// In the loop's microseconds.
    var startedAt: UInt64 = 0
    var plan = CallPlan()
    var tries = CallTries()
    var outcome = CallOutcome()
    /// By when the whole answer must be there, in the loop's milliseconds.
    var requestDeadline: DeadlineWheel.Time?
    /// By when the rest must be there of a request that has its answer.
    var restDeadline: DeadlineWheel.Time?
    /// Bytes that came before the workload agreed to the upgrade they are for.
    var early: [UInt8] = []
    /// It is not planned yet, for it is not known who makes it.
    var awaitsIdentity = false
    /// The call is a copy itself.
    var isMirror = false
    var mirrors: [any Call] = []
}

/// What the tries of one call have come to, and what is so of the last.
struct CallTries {
    var endpoint: EndpointView?
    /// A program of this node has decided of it: it is judged again when the policies change.
    var isJudged = false
    /// The tables by which policies that decide nothing were asked about it last, by their number; 0: none were.
    var observed: UInt64 = 0
    /// In its request.
    var toldTime = ToldTime.asItCame
    /// By when its whole answer must be there, in the loop's milliseconds.
    var deadline: DeadlineWheel.Time?
    /// One bit an endpoint of the service, the first 64 of them.
    var triedEndpoints: UInt64 = 0
    var ladder = RetryLadder()
}

/// What there is to tell of a call when it is over.
struct CallOutcome {
    var status: UInt16 = 0
    var reason = FailureReason.none
    /// Why the answer, or its end, is another node's own and not the workload's, as that node says; `.none`: it is the workload's.
    var refusalElsewhere = FailureReason.none
    /// As its callee ended the call, or the proxy; `nil`: not a gRPC call, or it never ended.
    var grpcStatus: GRPCStatus?
    /// As a head says that may be all there is: it counts once the answer has ended.
    var grpcStatusInHead: GRPCStatus?
    /// What was wrong with the last try's answer, where there was one, or with there being none.
    var fault: StaticString?
    /// Why the process that made it is no workload; `nil`: it is one, or nobody asks.
    var processRefusal: ProcessRefusal?
    var interimCount: UInt8 = 0
    var responseByteCount: UInt64 = 0
    /// How many there are to be, as the answer's head has told; `nil`: it has not.
    var toldByteCount: UInt64?

    /// A reason that is known already stays: what came of it is none.
    mutating func fails(because reason: FailureReason) {
        if self.reason.isNone { self.reason = reason }
    }
}
