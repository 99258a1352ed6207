import HTTPSemantics
import Telemetry
import WireProtocols

/// Where a call came from, and where its answer goes: an HTTP/1.1 connection, or one stream of an HTTP/2 one.
protocol DownstreamStream: AnyObject {
    /// The final response's head. `framing` is how its body will end.
    func sendHead(_ head: borrowing MessageHead, body: BodyLength)
    /// A 1xx response (RFC 9110 § 15.2); left out where the caller's version has none.
    func sendInterim(_ head: borrowing MessageHead)
    func sendBody(_ bytes: Span<UInt8>)
    func endResponse(trailers: borrowing MessageHead)
    /// The response cannot be completed: the caller must see that it is cut.
    func cutResponse()
    /// The callee takes request bytes again.
    func resumeRequest()
    /// The answer is held back by its reader.
    var isCongested: Bool { get }
    /// What is left of a request that was answered early is worth reading: another one may follow it.
    var readsRestOfRequest: Bool { get }
    /// The caller's version of HTTP has trailers for every answer.
    var carriesTrailers: Bool { get }
    /// Any status of success tells the caller that its upgrade was accepted (RFC 8441 § 5).
    var upgradesBySuccess: Bool { get }
    /// The time by which the whole answer must be there changed.
    func requestDeadlineChanged()
    /// The call is over on both sides; nothing more will come of it.
    func exchangeEnded()
}

/// Where a call goes: an HTTP/1.1 connection to an endpoint, or one stream of an HTTP/2 one.
protocol UpstreamStream: AnyObject {
    func sendBody(_ bytes: Span<UInt8>)
    func endRequest(trailers: borrowing MessageHead)
    /// The call is over for its caller: nothing more is wanted.
    func cancel()
    /// The caller takes response bytes again.
    func resumeResponse()
    /// The request is held back by its reader.
    var isCongested: Bool { get }
    /// Bytes of the request that wait to be taken.
    var queuedByteCount: Int { get }
}

/// How a message's end is known.
enum BodyLength: Equatable {
    /// No body: HEAD, 204, 304, or a request without one.
    case none
    case bytes(UInt64)
    /// Ends when it ends: chunked in HTTP/1.1, END_STREAM in HTTP/2.
    case unknown
}

/// How an upstream stream failed.
enum UpstreamFailure: Equatable {
    /// No connection came up: nothing was sent.
    case notConnected
    /// What answered did not prove to be whom the call is for: nothing was sent.
    case handshakeFailed
    /// Takes no WebSockets: nothing was sent.
    case unsupportedUpgrade
    /// Broke off before the first byte of the request, on a connection that had served before.
    case notSent
    /// Broke off before the first byte of a response, on a connection that had served before.
    case staleConnection
    /// Broke off before the first byte of a response.
    case noResponse
    /// Refused as a stream before the first byte of a response, on a connection that goes on.
    case reset(HTTP2ErrorCode)
    /// Broke off in the middle of a response, or answered what is not HTTP.
    case badResponse
    case timeout
}
