/// What a head says of its connection and of the body after it (RFC 9112 § 6, § 9).
package struct HTTP1Framing: Hashable, Sendable {
    /// How a body ends.
    package enum Body: Hashable, Sendable {
        /// No byte of body follows: none was announced, its length is 0, or the response never has one.
        case none
        /// Bytes, at least 1 where a parser says so.
        case length(UInt64)
        case chunked
        /// Responses only: the body ends with the connection.
        case untilClose
    }

    package var body = Body.none
    /// Another message may follow on this connection. Never in HTTP/1.0.
    package var keepsAlive = true
    /// Responses: how long the sender keeps the connection without a request, as it says, in seconds; `nil`: it does not say.
    package var keepAliveSeconds: UInt32?
    /// Requests: the caller waits for 100 before it sends the body.
    package var expectsContinue = false
    /// `Upgrade` and a `Connection` that names it are both there.
    package var isUpgrade = false
    /// `Upgrade` names a WebSocket, and nothing else.
    package var upgradesToWebSocket = false
    /// 0 or 1.
    package var minorVersion: UInt8 = 1

    package init() {}
}
