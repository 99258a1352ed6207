/// What a request's head says of what follows it.
package struct HTTP2RequestFraming: Hashable, Sendable {
    /// What a stream is from its head on.
    package enum Tunnel: Hashable, Sendable {
        /// A request and its answer.
        case none
        /// Bytes, as in a TCP connection (CONNECT, RFC 9113 § 8.5).
        case connection
        /// A WebSocket, once it is accepted (extended CONNECT, RFC 8441).
        case webSocket
    }

    package var contentLength: UInt64?
    /// No body and no trailers follow.
    package var endsStream = false
    package var tunnel = Tunnel.none

    package init() {}
}
