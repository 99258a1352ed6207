import CallOutcomes
import Telemetry
import WireProtocols

/// Why a node ends a stream that another node has with it, where no head and no trailers can say so any more: in the code of
/// the reset, among those that nobody has registered (RFC 9113 § 7).
extension FailureReason {
    /// `HED`, then the reason's number: it never stands for another one.
    private static let firstCode: UInt32 = 0x4845_4400

    /// - Parameter other: For what says nothing that the other side would not think by itself.
    func resetCode(otherwise other: HTTP2ErrorCode) -> HTTP2ErrorCode {
        switch self {
        case .none, .callerGone, .upstreamFailed: other
        case .denied, .noRoute, .noEndpoint, .connectFailed, .timeout, .overloaded, .malformed, .loopDetected,
            .notAttested:
            HTTP2ErrorCode(rawValue: Self.firstCode | UInt32(rawValue))
        }
    }

    /// What another node has told with a reset; `nil`: nothing.
    init?(told code: HTTP2ErrorCode) {
        guard code.rawValue & ~0xFF == Self.firstCode,
            let reason = FailureReason(rawValue: UInt8(truncatingIfNeeded: code.rawValue)),
            reason.resetCode(otherwise: .noError) == code
        else { return nil }
        self = reason
    }

    /// A node may cut an answer for it whose head it has sent. The others are over by then: the call had an endpoint, and was
    /// well formed.
    var mayCutAnswer: Bool {
        switch self {
        case .denied, .noRoute, .timeout: true
        case .none, .noEndpoint, .connectFailed, .upstreamFailed, .overloaded, .malformed, .callerGone, .loopDetected,
            .notAttested:
            false
        }
    }
}

extension FailureReason {
    /// A node may give up a call for it that it has sent: what it finds out itself while another node has the call. Whether the call
    /// is allowed is for that node to say.
    var mayGiveUpCall: Bool {
        switch self {
        case .timeout, .malformed, .overloaded, .noRoute, .notAttested: true
        case .none, .denied, .noEndpoint, .connectFailed, .upstreamFailed, .callerGone, .loopDetected: false
        }
    }
}

extension Exchange {
    /// The code with which its stream from another node is cut.
    var codeForCaller: HTTP2ErrorCode {
        origin.isInbound ? state.outcome.reason.resetCode(otherwise: .internalError) : .internalError
    }

    /// The code with which its stream to another node is given up.
    var codeForCallee: HTTP2ErrorCode {
        state.tries.endpoint?.isMesh ?? false ? state.outcome.reason.resetCode(otherwise: .cancel) : .cancel
    }

    /// The callee's node has cut the answer.
    func noteCut(_ code: HTTP2ErrorCode) {
        guard state.tries.endpoint?.isMesh ?? false, let told = FailureReason(told: code), told.mayCutAnswer else {
            return
        }
        state.outcome.refusalElsewhere = told
    }

    /// The caller has reset the stream that the call came by.
    func callerGone(_ code: HTTP2ErrorCode) {
        guard origin.isInbound, let told = FailureReason(told: code), told.mayGiveUpCall else { return callerGone() }
        callerGone(because: told)
    }
}
