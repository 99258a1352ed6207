import CallOutcomes
import HTTPSemantics
import ServiceContracts
import WireProtocols

/// The request of a call: in canonical form, and once it is planned as its workload will receive it. Whoever reads it from a
/// connection fills it in, and whoever sends it on takes it from here, without a copy.
class CallRequest {
    final var request = MessageHead()
    final var requestBody = BodyLength.none
    final var tunnel = Tunnel.none

    /// For another one, which has its memory.
    final func removeRequest() {
        request.removeAll()
        requestBody = .none
        tunnel = .none
    }
}

/// How a call that is a stream of bytes came to be one.
enum Tunnel {
    /// It is none.
    case none
    /// From its first byte on.
    case connection
    /// Once the workload agrees (RFC 9110 § 7.8, RFC 8441).
    case webSocket

    /// In canonical form an accepted upgrade has this status (RFC 9110 § 15.2.2), whatever version of HTTP it came in.
    static let switchingProtocols: UInt16 = 101
}

/// A call as connections know it: what the stream it came from, and the stream it goes to, say to it and ask of it.
protocol Call: CallRequest {
    /// Told from the call that the same object carried before, and the next.
    var life: UInt64 { get }
    var isOver: Bool { get }
    var isRequestComplete: Bool { get }
    var isResponseComplete: Bool { get }
    /// Bytes go both ways, each until its own end.
    var isTunnelOpen: Bool { get }

    // MARK: From where it came

    /// The request's head is in `request`, its framing in `requestBody`: decides and forwards.
    func start(from downstream: any DownstreamStream, origin: CallOrigin)
    /// A connection, or a CONNECT stream of another node: no request, only bytes.
    func startTunnel(from downstream: any DownstreamStream, origin: CallOrigin)
    func sendBody(_ bytes: Span<UInt8>)
    func endRequest(trailers: borrowing MessageHead)
    /// The caller takes bytes again.
    func downstreamDrained()
    /// The caller is gone; nobody reads the answer any more.
    func callerGone(because cause: FailureReason)
    /// The caller has reset the stream that the call came by.
    func callerGone(_ code: HTTP2ErrorCode)
    /// The caller takes nothing of its answer any more, and will be cut off: it is late, not gone.
    func noteStalledCaller()
    /// Answers for the callee, or cuts the answer that is under way.
    func fail(_ reason: FailureReason, status: UInt16?)
    /// Another generation serves, or the same one with other endpoints.
    func judgeAgain()
    /// The rest of the request is worth waiting for, though its answer is there.
    var awaitsRest: Bool { get }
    var isRequestCongested: Bool { get }
    var queuedRequestByteCount: Int { get }
    /// The code with which its stream from another node is cut.
    var codeForCaller: HTTP2ErrorCode { get }

    // MARK: Where it goes

    /// Who has listened for it.
    var listener: Listener { get }
    /// Sends the head, and what is known of the body, on a stream.
    func attach(to stream: any UpstreamStream)
    func replayBody(to stream: any UpstreamStream)
    func receivedInterim(_ head: inout MessageHead)
    /// - Parameter length: How its sender ends the body; whether there is one, its status says.
    func receivedHead(_ head: inout MessageHead, length: BodyLength)
    func receivedBody(_ bytes: Span<UInt8>)
    /// Bytes that did not come by here.
    func passedResponse(_ byteCount: Int)
    /// What is about to end the answer.
    func takeTrailers(_ trailers: inout MessageHead)
    /// The response is whole; the upstream stream has let go of the call.
    func receivedEnd(trailers: borrowing MessageHead)
    /// The workload is connected to.
    func tunnelOpened()
    /// Another node's answer to a CONNECT: why not, if not.
    func tunnelRefused(_ head: borrowing MessageHead)
    /// What the rules of a resource say of the call; its answer, which follows, is by them.
    func note(_ verdict: LocalVerdict)
    /// The callee's node has cut the answer.
    func noteCut(_ code: HTTP2ErrorCode)
    /// - Parameter fault: What was wrong, as the access log's `detail` names it; `nil`: as `failure` has it.
    func upstreamFailed(_ failure: UpstreamFailure, _ fault: StaticString?)
    func upstreamDrained()
    var isResponseCongested: Bool { get }
    /// The code with which its stream to another node is given up.
    var codeForCallee: HTTP2ErrorCode { get }

    /// The connections at either end, where both are TCP: bulk goes from one to the other inside the kernel.
    var plainUpstream: StreamConnection? { get }
    var plainDownstream: StreamConnection? { get }
}

extension Call {
    func callerGone() { callerGone(because: .callerGone) }
    func fail(_ reason: FailureReason) { fail(reason, status: nil) }
    func upstreamFailed(_ failure: UpstreamFailure) { upstreamFailed(failure, nil) }
}
