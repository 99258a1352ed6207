package import Manifests

/// What is said of a call for a policy in Shadow or of AUDIT that matches it.
package enum ObservedVerdict: UInt8, CaseIterable, Sendable {
    /// It is allowed, and the policy would change nothing.
    case allowed
    /// It is denied, and the policy would change nothing.
    case denied
    /// It is denied, and would be allowed by this policy if all in Shadow were enforced.
    case wouldAllow
    /// It is allowed, and would be denied by this policy if all in Shadow were enforced.
    case wouldDeny

    package var name: String {
        switch self {
        case .allowed: "allowed"
        case .denied: "denied"
        case .wouldAllow: "would-allow"
        case .wouldDeny: "would-deny"
        }
    }

    /// Enforcing the policy would change something for the call.
    package var isChange: Bool { self == .wouldAllow || self == .wouldDeny }
}

/// A policy that decides nothing, as the program of its services looks at it.
package struct ObservedPolicy: Hashable, Sendable {
    package let action: PolicyAction
    /// When it came to say what it says, by the number of the tables that had it so first: a call that was under way then has not
    /// been asked about it.
    package let since: UInt64
}

/// Which policies that decide nothing match one call, and by which rule. Kept by whoever asks, for the next call: filling it
/// allocates nothing once it has been as large.
package struct Observation: Sendable {
    /// By policy, the first clause that holds; `none`: none does.
    private var clauses: [Int32] = []
    /// Policies that match, in no order: places in `AuthorizationProgram.observed`.
    package private(set) var policies: [Int32] = []
    private var isDenied = false
    private var isAllowed = false

    private static var none: Int32 { .max }

    package init() {}

    mutating func begin(policyCount: Int) {
        for policy in policies { clauses[Int(policy)] = Self.none }
        policies.removeAll(keepingCapacity: true)
        if clauses.count < policyCount {
            clauses.append(contentsOf: repeatElement(Self.none, count: policyCount - clauses.count))
        }
        isDenied = false
        isAllowed = false
    }

    /// Whether it would say something new that a clause of a policy holds.
    func lacks(_ clause: Int32, of policy: Int32) -> Bool { clause < clauses[Int(policy)] }

    mutating func add(_ clause: Int32, of policy: Int32, _ action: PolicyAction) {
        if clauses[Int(policy)] == Self.none {
            policies.append(policy)
            switch action {
            case .allow: isAllowed = true
            case .deny: isDenied = true
            case .audit: break
            }
        }
        clauses[Int(policy)] = clause
    }

    /// Of a policy that matches.
    func clause(of policy: Int32) -> Int32 { clauses[Int(policy)] }

    /// Whether the call would be allowed if all policies in Shadow were enforced, beside those that are.
    /// - Parameter decision: Of those that are.
    func isAllowed(beside decision: Decision) -> Bool {
        if isDenied { return false }
        if decision.isAllowed { return true }
        // No ALLOW stands against a DENY; the default action gives way to one.
        return decision.rule == nil && isAllowed
    }

    /// What is said for a policy that matches.
    package func verdict(for action: PolicyAction, beside decision: Decision) -> ObservedVerdict {
        let isAllowed = isAllowed(beside: decision)
        // Nothing can be turned on of AUDIT, and a DENY makes nothing allowed, whatever others beside it would do.
        guard isAllowed != decision.isAllowed, action == (isAllowed ? .allow : .deny) else {
            return decision.isAllowed ? .allowed : .denied
        }
        return isAllowed ? .wouldAllow : .wouldDeny
    }
}
