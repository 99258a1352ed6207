extension FailureReason {
    /// What a gRPC caller is told.
    /// - Parameters:
    ///   - status: What an HTTP caller would be told.
    ///   - hasCaller: It is known who called.
    package func grpcStatus(status: UInt16, hasCaller: Bool) -> GRPCStatus {
        switch self {
        case .none: GRPCStatus(httpStatus: status)
        case .denied: hasCaller ? .permissionDenied : .unauthenticated
        case .notAttested: .unauthenticated
        case .noRoute: .unimplemented
        case .noEndpoint, .connectFailed, .upstreamFailed: .unavailable
        case .timeout: .deadlineExceeded
        case .overloaded: .resourceExhausted
        case .malformed: .internal
        case .callerGone: .cancelled
        // Trying again would go round again.
        case .loopDetected: .failedPrecondition
        }
    }

    /// For people who read a client's error. ASCII without `%`, as `grpc-message` wants it.
    package var explanation: [UInt8] {
        let text =
            switch self {
            case .none: ""
            case .denied: "no rule allows this call"
            case .noRoute: "no route takes this call"
            case .noEndpoint: "the service has no endpoint"
            case .connectFailed: "no endpoint could be connected to"
            case .upstreamFailed: "the endpoint broke off"
            case .timeout: "not answered in time"
            case .overloaded: "a limit was reached"
            case .malformed: "not a well-formed request"
            case .callerGone: "the caller went away"
            case .loopDetected: "the call goes in circles"
            case .notAttested: "the process that calls is no workload of this listener"
            }
        return Array(text.utf8)
    }
}
