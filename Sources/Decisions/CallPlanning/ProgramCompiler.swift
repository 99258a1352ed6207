import Authorization
import Manifests
import MeshSnapshot

/// Compiles the policies of services: once for all that have the same, and not again where they are what they were in the last
/// snapshot.
struct ProgramCompiler {
    /// A program, and all that it is made of.
    private struct Known {
        let policies: [AuthorizationPolicy]
        let action: DefaultAction
        let program: AuthorizationProgram
    }

    private struct Key: Hashable {
        let scope: PolicyScope
        let callProtocol: CallProtocol
    }

    /// Of the last snapshot, by the first of the services that have it: positions of policies are other ones in each.
    private var known: [ResourceName: Known] = [:]
    private var observed = ObservedSince()

    /// One for each of `rules`, in their order.
    /// - Parameter number: Of the tables that they are for.
    mutating func compile(
        _ rules: [ServiceRules], in snapshot: MeshSnapshot, number: UInt64
    ) -> [AuthorizationProgram] {
        let action = snapshot.mesh.defaultAction
        observed.take(snapshot.policies, number: number)
        var programs: [Key: AuthorizationProgram] = [:]
        var now: [ResourceName: Known] = [:]
        let all = rules.map { rules in
            let key = Key(scope: rules.policyScope, callProtocol: rules.service.protocol == .tcp ? .tcp : .http)
            if let program = programs[key] { return program }
            let program = program(of: rules, action, key.callProtocol)
            programs[key] = program
            now[rules.name] = Known(policies: rules.policies, action: action, program: program)
            return program
        }
        known = now
        return all
    }

    private func program(
        of rules: ServiceRules, _ action: DefaultAction, _ callProtocol: CallProtocol
    ) -> AuthorizationProgram {
        if let known = known[rules.name], known.action == action, known.policies == rules.policies,
            known.program.callProtocol == callProtocol
        {
            return known.program
        }
        return AuthorizationProgram(
            policies: rules.policies, defaultAction: action, callProtocol: callProtocol, since: observed.number)
    }
}

/// The programs of what Heddle answers for itself, which no manifest changes.
struct InnerPrograms {
    private var known: [InnerService: AuthorizationProgram] = [:]

    mutating func program(of inner: InnerService) -> AuthorizationProgram {
        if let program = known[inner] { return program }
        let program = AuthorizationProgram(policies: [inner.policy], defaultAction: .deny)
        known[inner] = program
        return program
    }
}

/// Since when policies that decide nothing say what they say: calls under way are asked about by those alone that came, or changed,
/// after they were asked about last.
struct ObservedSince {
    private struct Known {
        let policy: AuthorizationPolicy
        let number: UInt64
    }

    private var known: [ResourceName: Known] = [:]

    /// - Parameter policies: All of a snapshot.
    mutating func take(_ policies: [AuthorizationPolicy], number: UInt64) {
        var now: [ResourceName: Known] = [:]
        for policy in policies where !policy.isEnforced {
            let before = known[policy.metadata.name].flatMap { $0.policy.saysSame(as: policy) ? $0.number : nil }
            now[policy.metadata.name] = Known(policy: policy, number: before ?? number)
        }
        known = now
    }

    func number(_ policy: ResourceName) -> UInt64 { known[policy]?.number ?? 1 }
}
