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
        guard let field = value(of: .grpcTimeout), isGRPC else { return .unknown }
        guard let milliseconds = GRPCTimeout.milliseconds(bytes(field)) else { return .malformed }
        return .milliseconds(milliseconds)
    }
}
