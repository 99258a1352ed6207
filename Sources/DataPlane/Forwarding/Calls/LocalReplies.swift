import CallOutcomes
import HTTPSemantics
import Telemetry
import WireProtocols

/// Answers that come from the proxy itself.
final class LocalReplies {
    private var head = MessageHead()
    private let noTrailers = MessageHead()
    /// Of the next answer, if that is known.
    private var requestID: [UInt8] = []
    private var isIdentified = false
    private let date: DateField

    init(date: DateField) { self.date = date }

    /// Says which call the next answer is for.
    func identify(by id: Span<UInt8>) {
        requestID.removeAll(keepingCapacity: true)
        requestID.append(copying: id)
        isIdentified = true
    }

    private func addRequestID() {
        guard isIdentified else { return }
        isIdentified = false
        let id = requestID
        head.addField(.requestID, value: id.span)
    }

    /// - Parameters:
    ///   - reason: told in `x-heddle-reason`; `.none`: not told.
    ///   - location: for redirects.
    ///   - method: The request's; `.other` where there is no telling.
    func write(
        status: UInt16, reason: FailureReason, location: [UInt8]?, answering method: KnownMethod,
        to stream: (any DownstreamStream)?
    ) {
        guard let stream else { return }
        head.removeAll()
        head.status = status
        date.add(to: &head)
        if let location { head.addField(.location, value: location.span) }
        addRequestID()
        if !reason.isNone { head.addField(.heddleReason, value: Self.bytes(of: reason).span) }
        let text = reason.isNone ? [] : Self.bytes(of: reason) + [UInt8(ascii: "\n")]
        if !text.isEmpty { head.addField(.contentType, value: Self.plainText.span) }
        let body = ResponseBody(.bytes(UInt64(text.count)), status: status, answering: method)
        stream.sendHead(head, body: body)
        if !body.isImpossible, !text.isEmpty { stream.sendBody(text.span) }
        stream.endResponse(trailers: noTrailers)
    }

    /// As gRPC's clients understand it: a response of one header block (gRPC over HTTP/2, "Trailers-Only").
    func write(_ status: GRPCStatus, reason: FailureReason, to stream: (any DownstreamStream)?) {
        guard let stream else { return }
        head.removeAll()
        head.status = 200
        date.add(to: &head)
        head.addField(.contentType, value: Self.grpc.span)
        if !reason.isNone { head.addField(.heddleReason, value: Self.bytes(of: reason).span) }
        addRequestID()
        addStatus(status, reason)
        stream.sendHead(head, body: ResponseBody(.none, status: head.status, answering: .post))
        stream.endResponse(trailers: noTrailers)
    }

    /// Ends an answer that is under way.
    func writeTrailers(_ status: GRPCStatus, reason: FailureReason, to stream: any DownstreamStream) {
        head.removeAll()
        if !reason.isNone { head.addField(.heddleReason, value: Self.bytes(of: reason).span) }
        addStatus(status, reason)
        stream.endResponse(trailers: head)
    }

    private func addStatus(_ status: GRPCStatus, _ reason: FailureReason) {
        head.addField(name: ("grpc-status" as StaticString).bytes, value: Array(String(status.rawValue).utf8).span)
        let message =
            reason.isNone ? Array(status.name.utf8) : Self.bytes(of: reason) + Self.colon + reason.explanation
        head.addField(name: Self.messageName.bytes, value: message.span)
    }

    static let messageName: StaticString = "grpc-message"
    private static let colon = Array(": ".utf8)
    private static let grpc = Array("application/grpc".utf8)
    private static let plainText = Array("text/plain; charset=utf-8".utf8)

    private static func bytes(of reason: FailureReason) -> [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: reason.name.utf8Start, count: reason.name.utf8CodeUnitCount))
    }
}
