import CommonValues
import EventLoops
import HTTPSemantics

/// `Date` of a worker's answers (RFC 9110 § 6.6.1), written anew once a second: between two of these, one is a copy.
final class DateField {
    private let loop: EventLoop
    private var text = [UInt8](repeating: 0, count: UnixTime.httpDateByteCount)
    /// When the second that `text` says is over, in the loop's milliseconds.
    private var end: DeadlineWheel.Time = 0

    init(loop: EventLoop) { self.loop = loop }

    /// Adds it to a response that has none: an answer of Heddle's own, or one that its sender left without.
    func add(to head: inout MessageHead) {
        guard !head.hasField(.date) else { return }
        if loop.now >= end { renew(at: .now) }
        let text = text
        head.addField(.date, value: text.span)
    }

    private func renew(at time: UnixTime) {
        time.writeHTTPDate(over: &text)
        let past = UInt64(time.microseconds - time.seconds * 1_000_000) / 1_000
        end = loop.now + 1_000 - past
    }
}
