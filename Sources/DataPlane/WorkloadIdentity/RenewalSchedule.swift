import CommonValues
import TransportSecurity

/// When a certificate is replaced: at half its life, or up to a tenth of it earlier, so that certificates issued together
/// are not renewed together.
struct RenewalSchedule: Hashable, Sendable {
    let renewal: UnixTime

    /// - Parameters:
    ///   - issued: When its time began, the allowance for clocks that are behind left out.
    ///   - expiry: When its time ends; after `issued`.
    init(issued: UnixTime, expiry: UnixTime, using random: inout some RandomNumberGenerator) {
        let life = max(expiry.seconds - issued.seconds, 0)
        renewal = UnixTime(seconds: issued.seconds + life / 2 - Int64.random(in: 0...(life / 10), using: &random))
    }

    func isDue(at now: UnixTime) -> Bool { now >= renewal }
}
