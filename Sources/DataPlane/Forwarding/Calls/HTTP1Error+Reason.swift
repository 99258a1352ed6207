import CallOutcomes
import Telemetry
import WireProtocols

extension HTTP1Error {
    /// What the access log and metrics call it: a limit that was reached is another thing than a message that is wrong.
    var reason: FailureReason {
        switch status {
        case 414, 431: .overloaded
        default: .malformed
        }
    }
}

extension HTTP2Error {
    /// The same.
    var reason: FailureReason {
        switch status {
        case 414, 431: .overloaded
        default: .malformed
        }
    }
}
