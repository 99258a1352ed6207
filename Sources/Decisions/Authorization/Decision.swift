package import Diagnostics
package import Manifests

/// Whether a call may go on, and which rule says so.
package struct Decision: Hashable, Sendable {
    package let isAllowed: Bool
    /// `nil`: no rule matched, and the default action decided.
    package let rule: Rule?

    package init(isAllowed: Bool, by rule: Rule?) {
        self.isAllowed = isAllowed
        self.rule = rule
    }

    /// Which rule of a program's.
    package struct Rule: Hashable, Sendable {
        /// Index into the program's `policies`.
        package let policy: Int32
        /// Index of the rule in its policy.
        package let index: Int32

        package init(policy: Int32, index: Int32) {
            self.policy = policy
            self.index = index
        }
    }
}

/// A rule as people name it.
package struct RuleName: Hashable, Sendable, CustomStringConvertible {
    package let policy: ResourceName
    /// In its policy, from 0.
    package let index: Int

    package init(policy: ResourceName, index: Int) {
        self.policy = policy
        self.index = index
    }

    package var description: String { "\(policy), rule \(index)" }
}

/// What of a policy a decision may have to name.
package struct ProgramPolicy: Hashable, Sendable {
    package let name: ResourceName
    package let action: PolicyAction
    package let mode: PolicyMode
    package let position: SourcePosition
    /// Where each rule stands.
    package let rules: [SourcePosition]
    /// In the order of all policies, if all were enforced.
    let rank: Int32

    /// `DENY`, `Shadow DENY`.
    package var effect: String { action.text(in: mode) }

    init(_ policy: AuthorizationPolicy, rank: Int32) {
        name = policy.metadata.name
        action = policy.action
        mode = policy.mode
        position = policy.metadata.position
        rules = policy.rules.map(\.position.position)
        self.rank = rank
    }
}

/// A decision with every rule's part in it.
package struct Explanation: Hashable, Sendable {
    package let decision: Decision
    /// Every rule of the program, in the order of its policies.
    package let verdicts: [RuleVerdict]
    /// What it would be if all policies in Shadow were enforced; `nil`: there are none.
    package let enforced: Decision?
    /// Where the rules of each of the program's policies begin in `verdicts`.
    let starts: [Int]

    /// What became of a rule that a decision names.
    package func verdict(of rule: Decision.Rule) -> RuleVerdict { verdicts[starts[Int(rule.policy)] + Int(rule.index)] }
}

/// What became of one rule.
package struct RuleVerdict: Hashable, Sendable {
    package let policy: ResourceName
    package let action: PolicyAction
    package let mode: PolicyMode
    /// From 0.
    package let ruleIndex: Int
    package let position: SourcePosition
    /// Why the rule does not match; `nil`: it matches.
    package let mismatch: Mismatch?

    package var isMatch: Bool { mismatch == nil }

    /// It may decide.
    package var isEnforced: Bool { action.isEnforced(in: mode) }

    /// `DENY`, `Shadow DENY`.
    package var effect: String { action.text(in: mode) }
}

/// The first part of a rule that a call does not fit.
package struct Mismatch: Hashable, Sendable {
    /// As the manifest names it: `from.source.namespaces`, `to.operation.paths`, `when.request.headers[x-tenant]`.
    package let field: String
    /// Where the first of the field's values stands.
    package let position: SourcePosition
}
