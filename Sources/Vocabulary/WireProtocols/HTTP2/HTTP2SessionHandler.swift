package import HTTPSemantics

/// The connection a session belongs to. It owns the session, which holds it unowned.
///
/// Any of these calls may answer with calls of the session, save `receive` and `flush`.
package protocol HTTP2SessionHandler: AnyObject {
    /// Output, in order.
    func write(_ bytes: Span<UInt8>)
    /// Server: a request's head is whole and well-formed. To be taken at once, with `takeRequest`, and its stream attached;
    /// or the stream is to be reset.
    func receivedRequest(_ id: Int32, endsStream: Bool)
    func receivedPingAcknowledgement(_ payload: UInt64)
    func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode)
    /// The peer's settings, new or changed, hold.
    func receivedSettings()
    /// The session answers a request by itself: what every answer has is to be added. Calls nothing of the session.
    func completeAnswer(_ head: inout MessageHead, refusing error: HTTP2Error)
    /// The session has said GOAWAY with ENHANCE_YOUR_CALM and is over.
    func exceeded(_ limit: HTTP2Limit)
    /// A message was refused: its stream is reset, or answered if the error has a status.
    func refusedStream(_ id: Int32, _ error: HTTP2Error)
}

extension HTTP2SessionHandler {
    package func completeAnswer(_ head: inout MessageHead, refusing error: HTTP2Error) {}
}
