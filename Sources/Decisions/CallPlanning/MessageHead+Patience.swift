import HTTPSemantics

/// How long a caller of gRPC waits, as it says itself (gRPC over HTTP/2, "Timeout").
package enum CallersPatience {
    /// It does not say.
    case unknown
    case milliseconds(UInt64)
    /// What it says is no timeout.
    case malformed
}

extension MessageHead {
    package func callersPatience() -> CallersPatience {
        guard hasField(.grpcTimeout), isGRPC else { return .unknown }
        // Of two, who is next might take the other one.
        guard let field = onlyValue(of: .grpcTimeout), let milliseconds = GRPCTimeout.milliseconds(bytes(field)) else {
            return .malformed
        }
        return .milliseconds(milliseconds)
    }
}
