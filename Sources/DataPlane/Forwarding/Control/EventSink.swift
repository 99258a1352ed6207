package import TransportSecurity

/// What a worker wants logged besides calls.
package enum DataPlaneEvent: Sendable {
    case handshakeRefused(listener: String, peer: String, failure: TLSFailure)
    /// - service: Which the connection was for.
    case upstreamHandshakeFailed(endpoint: String, service: String, reason: String)
    /// Another node ended a connection that was in use, with an alert.
    case upstreamConnectionRefused(endpoint: String, service: String, reason: String)
    /// There was no room for a connection that was wanted: others were closed.
    /// - listener: Where it came in, or the call that it was for; `nil`: it was for no call.
    case madeRoom(closed: Int, listener: String?)
    /// There was no room, and nobody gave way: callers wait.
    case acceptingPaused(listener: String)
    /// The same of a connection to an endpoint: the call fails.
    case callFoundNoRoom(listener: String, endpoint: String)
    /// A process of this host called at a listener of workloads that it is none of.
    /// - found: What the kernel says of it.
    /// - why: What stood in the way.
    case notAttested(listener: String, peer: String, found: String, why: String)
    /// A connection was cut: its peer's certificate is over, and it showed no other in time.
    case peerExpired(peer: String)
    /// A policy in Shadow would change what becomes of a call, or one of AUDIT matches it.
    case policyMatched(PolicyMatch, ObservedCall)
    /// How often the same was so and was not told.
    case policyMatches(PolicyMatch, untold: UInt64)
}

/// Takes workers' events to the log. Called on a worker's thread: must not wait.
package struct EventSink: Sendable {
    let post: @Sendable (DataPlaneEvent) -> Void

    package init(_ post: @escaping @Sendable (DataPlaneEvent) -> Void) { self.post = post }
}
