import HTTPSemantics
import Telemetry
import WireProtocols

/// Where a call came from, and where its answer goes: an HTTP/1.1 or TCP connection, or one stream of an HTTP/2 one.
protocol DownstreamStream: AnyObject {
    /// The final response's head, and how its body will end.
    func sendHead(_ head: borrowing MessageHead, body: ResponseBody)
    /// A 1xx response (RFC 9110 § 15.2); left out where the caller's version has none.
    func sendInterim(_ head: borrowing MessageHead)
    func sendBody(_ bytes: Span<UInt8>)
    func endResponse(trailers: borrowing MessageHead)
    /// Takes back an answer of which nothing has been sent.
    /// - Returns: `false` if something has, or that cannot be told.
    func retractResponse() -> Bool
    /// The response cannot be completed: the caller must see that it is cut.
    /// - Parameter passingOn: What came of it still goes to the caller.
    func cutResponse(passingOn: Bool)
    /// The callee takes request bytes again.
    func resumeRequest()
    /// The answer is held back by its reader.
    var isCongested: Bool { get }
    func callerProgress() -> SideProgress
    /// What is left of a request that was answered early is worth reading: another one may follow it.
    var readsRestOfRequest: Bool { get }
    /// The caller's version of HTTP has trailers for every answer.
    var carriesTrailers: Bool { get }
    /// Any status of success tells the caller that its upgrade was accepted (RFC 8441 § 5).
    var upgradesBySuccess: Bool { get }
    /// The call is over on both sides; nothing more will come of it.
    func callEnded()
}

/// Where a call goes: an HTTP/1.1 or TCP connection to an endpoint, or one stream of an HTTP/2 one.
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
    /// `nil` while there is no connection.
    func workloadProgress() -> SideProgress?
    /// The connection is not up, or says nothing yet: not a byte of the request has gone out.
    var isUnsent: Bool { get }
}

/// How an upstream stream failed.
enum UpstreamFailure: Equatable {
    /// No connection came up: nothing was sent.
    case notConnected
    /// What answered did not prove to be whom the call is for: nothing was sent.
    case handshakeFailed
    /// Takes no WebSockets: nothing was sent.
    case unsupportedUpgrade
    /// Nobody looked at it: broke off before the first byte of the request, or the other side takes no more streams, or has refused
    /// this one.
    case notSent
    /// Broke off before the first byte of a response, on a connection that had served before.
    case staleConnection
    /// Broke off before the first byte of a response.
    case noResponse
    /// Refused as a stream before the first byte of a response, on a connection that goes on.
    case reset(HTTP2ErrorCode)
    /// Broke off in the middle of a response, or answered what is not HTTP.
    case badResponse

    /// What the access log says of a call that failed of it; `nil`: its endpoint was not connected to, which is told otherwise.
    var fault: StaticString? {
        switch self {
        case .notConnected, .handshakeFailed: nil
        case .unsupportedUpgrade: "no-websockets"
        case .notSent: "refused-stream"
        case .staleConnection, .noResponse: "no-response"
        case .reset(let code): code.name
        case .badResponse: "ended-early"
        }
    }
}
