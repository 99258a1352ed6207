import Authorization
import Manifests
package import MeshSnapshot
package import Telemetry

/// Compiles the policies of resources. Where they are what they were in the last snapshot, the program is the same.
package struct ResourceRulesCompiler: Sendable {
    private struct Known {
        let policies: [AuthorizationPolicy]
        let program: ResourceProgram

        /// Wherever they are written: an edit above them is no reason to judge every watch again.
        func says(_ others: [AuthorizationPolicy]) -> Bool {
            policies.count == others.count
                && zip(policies, others).allSatisfy { $0.metadata.name == $1.metadata.name && $0.saysSame(as: $1) }
        }
    }

    private let labels: LabelRegistry
    private let closed: ResourceProgram
    private var known: [ResourceIdentity: Known] = [:]

    package init(labels: LabelRegistry) {
        self.labels = labels
        closed = .closed(labels: labels)
    }

    /// Of each resource that a policy names. No other is open to anybody.
    package mutating func compile(_ snapshot: MeshSnapshot) -> ResourceRules {
        var now: [ResourceIdentity: Known] = [:]
        for (resource, policies) in ResourcePolicies.all(in: snapshot) {
            if let known = known[resource], known.says(policies) {
                now[resource] = known
            } else {
                now[resource] = Known(policies: policies, program: program(of: policies))
            }
        }
        known = now
        return ResourceRules(now.mapValues(\.program), closed: closed)
    }

    private func program(of policies: [AuthorizationPolicy]) -> ResourceProgram {
        let program = AuthorizationProgram(policies: policies, defaultAction: .deny)
        return ResourceProgram(
            program,
            policyLabels: program.policies.map { labels.label("\($0.name)") }
                + [labels.label(ResourceProgram.defaultLabel)])
    }
}
