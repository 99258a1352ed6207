import Glibc
import HTTPSemantics
import Telemetry
import WireProtocols

/// Answers that come from the proxy itself.
final class LocalReplies {
    private var head = MessageHead()
    private let noTrailers = MessageHead()
    private var date: [UInt8] = []
    private var dateSecond: time_t = 0

    /// - Parameters:
    ///   - reason: told in `x-heddle-reason`; `.none`: not told.
    ///   - location: for redirects.
    func write(
        status: UInt16, reason: FailureReason, location: [UInt8]?, isHead: Bool, to stream: (any DownstreamStream)?
    ) {
        guard let stream else { return }
        head.removeAll()
        head.status = status
        head.addField(.date, value: httpDate().span)
        if let location { head.addField(.location, value: location.span) }
        if reason != .none { head.addField(.heddleReason, value: Self.bytes(of: reason).span) }
        let body = reason == .none ? [] : Self.bytes(of: reason) + [UInt8(ascii: "\n")]
        if !body.isEmpty { head.addField(.contentType, value: Self.plainText.span) }
        stream.sendHead(head, body: isHead ? .none : .bytes(UInt64(body.count)))
        if !isHead, !body.isEmpty { stream.sendBody(body.span) }
        stream.endResponse(trailers: noTrailers)
    }

    /// As gRPC's clients understand it: a response of one header block (gRPC over HTTP/2, "Trailers-Only").
    func write(_ status: GRPCStatus, reason: FailureReason, to stream: (any DownstreamStream)?) {
        guard let stream else { return }
        head.removeAll()
        head.status = 200
        head.addField(.date, value: httpDate().span)
        head.addField(.contentType, value: Self.grpc.span)
        if reason != .none { head.addField(.heddleReason, value: Self.bytes(of: reason).span) }
        addStatus(status, reason)
        stream.sendHead(head, body: .none)
        stream.endResponse(trailers: noTrailers)
    }

    /// Ends an answer that is under way.
    func writeTrailers(_ status: GRPCStatus, reason: FailureReason, to stream: any DownstreamStream) {
        head.removeAll()
        addStatus(status, reason)
        stream.endResponse(trailers: head)
    }

    private func addStatus(_ status: GRPCStatus, _ reason: FailureReason) {
        head.addField(name: ("grpc-status" as StaticString).bytes, value: Array(String(status.rawValue).utf8).span)
        let message =
            reason == .none ? Array(status.name.utf8) : Self.bytes(of: reason) + Self.colon + reason.explanation
        head.addField(name: ("grpc-message" as StaticString).bytes, value: message.span)
    }

    private static let colon = Array(": ".utf8)
    private static let grpc = Array("application/grpc".utf8)
    private static let plainText = Array("text/plain; charset=utf-8".utf8)

    private static func bytes(of reason: FailureReason) -> [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: reason.name.utf8Start, count: reason.name.utf8CodeUnitCount))
    }

    /// IMF-fixdate (RFC 9110 § 5.6.7), made once a second.
    private func httpDate() -> [UInt8] {
        let now = time(nil)
        guard now != dateSecond || date.isEmpty else { return date }
        dateSecond = now
        var parts = unsafe tm()
        var now2 = now
        unsafe gmtime_r(&now2, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = unsafe Int(parts.tm_wday)
        let month = unsafe Int(parts.tm_mon)
        let text =
            unsafe "\(days[day]), \(Self.two(parts.tm_mday)) \(months[month]) \(parts.tm_year + 1900) "
            + "\(Self.two(parts.tm_hour)):\(Self.two(parts.tm_min)):\(Self.two(parts.tm_sec)) GMT"
        date = Array(text.utf8)
        return date
    }

    private static func two(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
