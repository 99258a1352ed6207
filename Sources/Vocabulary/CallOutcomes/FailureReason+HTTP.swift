import HTTPSemantics

extension FailureReason {
    /// As `x-heddle-reason` names it.
    package init?(told name: Span<UInt8>) {
        for reason in Self.allCases where reason.isTold && ASCII.equal(reason.name.bytes, name) {
            self = reason
            return
        }
        return nil
    }

    /// Somebody is there to be told.
    private var isTold: Bool { self != .none && self != .callerGone }

    /// The status a call that failed so is answered with, where the place it failed at names no other.
    package var status: UInt16 {
        switch self {
        case .none: 200
        case .denied, .notAttested: 403
        case .noRoute: 404
        case .noEndpoint, .connectFailed, .overloaded: 503
        case .upstreamFailed: 502
        case .timeout: 504
        case .malformed: 400
        case .callerGone: 499
        case .loopDetected: 508
        }
    }
}
