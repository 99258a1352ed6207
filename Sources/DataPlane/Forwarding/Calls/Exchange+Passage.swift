import HTTPSemantics
import Telemetry

/// That a call does not go on for ever.
extension Exchange {
    /// Times that one call may come by listeners of this mesh again, on its way through workloads: 10. A Service whose endpoint is a
    /// listener that leads to it comes by without end.
    static let passageLimit: UInt64 = 10

    /// Removes what only Heddle may say, save the number of times that the call has come by again: it is read from anyone, for
    /// whoever passes a call on passes it on, and only ever raised. A call without an ID is new, for every one that goes out has one:
    /// it is spared the field.
    /// - Returns: `false` if the call goes in circles.
    func countPassage() -> Bool {
        let count = request.largestNumber(of: .heddleHops)
        request.removeHeddleFields()
        guard count < Self.passageLimit else { return false }
        // Between nodes it is one call still: the caller's node has counted it.
        let comesAgain = !origin.isInbound && (count > 0 || request.hasField(.requestID))
        let next = comesAgain ? count + 1 : count
        if next > 0 { request.addField(.heddleHops, number: next) }
        return true
    }

    /// A route may take the ID from a call: then the count says that it is none of the new ones.
    func keepCountable() {
        guard !request.hasField(.requestID), !request.hasField(.heddleHops) else { return }
        request.addField(.heddleHops, number: 1)
    }

    /// `Max-Forwards` (RFC 9110 § 7.6.2), which ends a TRACE or an OPTIONS at one of those on its way.
    /// - Returns: `false` if the call ends here; it has its answer then. That tells nothing that a rule protects: no service is
    ///   known yet.
    func takeForward() -> Bool {
        guard request.hasField(.maxForwards), request.knownMethod == .options || request.knownMethod == .trace else {
            return true
        }
        guard let left = request.singleNumber(of: .maxForwards) else {
            fail(.malformed)
            return false
        }
        guard left > 0 else {
            // What a TRACE would reflect are fields that scripts cannot read for good reasons: nothing of the kind is here.
            reply(status: request.knownMethod == .options ? 200 : 501, location: nil)
            return false
        }
        request.removeField(.maxForwards)
        request.addField(.maxForwards, number: left - 1)
        return true
    }
}
