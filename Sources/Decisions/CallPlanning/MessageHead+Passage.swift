package import CommonValues
import HTTPSemantics

/// That a call does not go on for ever, and can be found again.
extension MessageHead {
    /// Times that one call may come by listeners of this mesh again, on its way through workloads: 10. A Service whose endpoint is a
    /// listener that leads to it comes by without end.
    package static let passageLimit: UInt64 = 10

    /// Times that a copy counts for: 5. A loop through Gateways of nodes that are no nodes to each other, whose marks no other knows,
    /// is over with copies of copies.
    static let copyPassages = passageLimit / 2

    /// Removes what only Heddle may say, save the number of times that the call has come by again: it is read from anyone, for
    /// whoever passes a call on passes it on, and only ever raised. A call without an ID is new, for every one that goes out has one:
    /// it is spared the field.
    /// - Parameter isBetweenNodes: It is one call still: the caller's node has counted it.
    /// - Returns: `false` if the call goes in circles.
    mutating func countPassage(isBetweenNodes: Bool) -> Bool {
        let count = largestNumber(of: .heddleHops)
        removeHeddleFields()
        guard count < Self.passageLimit || isBetweenNodes && count == Self.passageLimit else { return false }
        let comesAgain = !isBetweenNodes && (count > 0 || hasField(.requestID))
        let next = comesAgain ? count + 1 : count
        if next > 0 { addField(.heddleHops, number: next) }
        return true
    }

    /// A route may take the ID from a call: then the count says that it is none of the new ones.
    mutating func keepCountable() {
        guard !hasField(.requestID), !hasField(.heddleHops) else { return }
        addField(.heddleHops, number: 1)
    }

    /// It is a copy from here on.
    mutating func countCopy() {
        let count = largestNumber(of: .heddleHops)
        removeField(.heddleHops)
        addField(.heddleHops, number: count + Self.copyPassages)
    }

    enum Forwarding {
        case goesOn
        case malformed
        case ends(status: UInt16)
    }

    /// `Max-Forwards` (RFC 9110 § 7.6.2), which ends a TRACE or an OPTIONS at one of those on its way. That tells nothing that a
    /// rule protects: no service is known yet.
    /// - Parameter isBetweenNodes: It is one call still: the caller's node has seen to it.
    mutating func takeForward(isBetweenNodes: Bool) -> Forwarding {
        guard !isBetweenNodes, hasField(.maxForwards), knownMethod == .options || knownMethod == .trace else {
            return .goesOn
        }
        guard let left = singleNumber(of: .maxForwards) else { return .malformed }
        // What a TRACE would reflect are fields that scripts cannot read for good reasons: nothing of the kind is here.
        guard left > 0 else { return .ends(status: knownMethod == .options ? 200 : 501) }
        removeField(.maxForwards)
        addField(.maxForwards, number: left - 1)
        return .goesOn
    }

    /// From here on the call can be found again: by its workload, in the log, among the decisions, and by its caller where
    /// the answer is ours.
    package mutating func identify(using random: inout FastRandom) {
        if let id = onlyValue(of: .requestID), RequestID.isUsable(bytes(id)) { return }
        let id = RequestID.random(using: &random)
        setField(.requestID, to: id.span)
    }
}
