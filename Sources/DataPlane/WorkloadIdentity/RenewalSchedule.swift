import CommonValues
import TransportSecurity

/// When a certificate is replaced: at half its life, or up to a tenth of it earlier, so that certificates issued together
/// are not renewed together. At once if its time has not begun: then the clock was ahead when it was issued, and peers refuse
/// it until the clock is there again.
struct RenewalSchedule: Hashable, Sendable {
    let start: UnixTime
    let renewal: UnixTime

    /// - Parameters:
    ///   - start: When its time begins, the allowance for clocks that are behind included.
    ///   - issued: The same with that allowance left out.
    ///   - expiry: When its time ends; after `issued`.
    init(start: UnixTime, issued: UnixTime, expiry: UnixTime, using random: inout some RandomNumberGenerator) {
        self.start = start
        let life = max(expiry.seconds - issued.seconds, 0)
        renewal = UnixTime(seconds: issued.seconds + life / 2 - Int64.random(in: 0...(life / 10), using: &random))
    }

    func isDue(at now: UnixTime) -> Bool { now >= renewal || now < start }
}
