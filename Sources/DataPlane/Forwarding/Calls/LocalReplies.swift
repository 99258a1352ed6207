import Glibc
import HTTPSemantics
import Telemetry

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
