/// Why a call did not end as its caller hoped, in the words of `x-heddle-reason`, the access log and metrics. Its numbers stand
/// between nodes, which may be of two versions: they stay.
public enum FailureReason: UInt8, Sendable, CaseIterable {
    case none = 0
    /// No rule allows the call: 403.
    case denied = 1
    /// No route takes it: 404, or 421 where the host is not the listener's.
    case noRoute = 2
    /// The service has no endpoint that can be tried: 503.
    case noEndpoint = 3
    /// No endpoint could be connected to: 503.
    case connectFailed = 4
    /// An endpoint broke off, or answered what is not HTTP: 502.
    case upstreamFailed = 5
    /// Not answered in time: 504, or 408 where the caller was late.
    case timeout = 6
    /// A limit was reached: 431 or 414.
    case overloaded = 7
    /// Not a well-formed request: 400.
    case malformed = 8
    /// The caller went away before the answer was complete.
    case callerGone = 9
    /// The call has come by this mesh's listeners too often: 508.
    case loopDetected = 10
    /// The process that calls is not the workload whose listener it calls at: 403.
    case notAttested = 11

    /// Asked at each step of a call: `!=` would go by way of a witness table in another module.
    @inlinable @inline(__always)
    public var isNone: Bool { if case .none = self { true } else { false } }

    package var name: StaticString {
        switch self {
        case .none: ""
        case .denied: "denied"
        case .noRoute: "no-route"
        case .noEndpoint: "no-endpoint"
        case .connectFailed: "connect-failed"
        case .upstreamFailed: "upstream-failed"
        case .timeout: "timeout"
        case .overloaded: "overloaded"
        case .malformed: "malformed"
        case .callerGone: "caller-gone"
        case .loopDetected: "loop-detected"
        case .notAttested: "not-attested"
        }
    }
}
