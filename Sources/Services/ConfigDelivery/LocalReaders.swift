import Authorization
import Manifests
import MeshSnapshot
import SPIFFE

/// Which Configs somebody on this node may ever be told of. Of the others neither the sources are followed nor a value is made: they are
/// other nodes' affair. In a mesh of one host there are none: all are made, so that they can be looked at before anybody may read them.
struct LocalReaders {
    private let hasNodes: Bool
    private let policies: [ResourceIdentity: [AuthorizationPolicy]]
    private let callers: [Caller]

    init(_ snapshot: MeshSnapshot) {
        hasNodes = snapshot.node != nil
        policies = ResourcePolicies.all(in: snapshot)
        let accounts = snapshot.workloads.filter { $0.runs(on: snapshot.node) }.map { workload in
            ResourceName(namespace: workload.metadata.name.namespace, name: workload.serviceAccount.value)
        }
        callers = Set(accounts).map { account in
            Caller(
                SPIFFEID(
                    trustDomain: snapshot.mesh.trustDomain, namespace: account.namespace, serviceAccount: account.name))
        }
    }

    func areThere(for config: ResourceName) -> Bool {
        guard hasNodes else { return true }
        guard let policies = policies[ResourceIdentity(.config, config)] else { return false }
        let program = AuthorizationProgram(policies: policies, defaultAction: .deny)
        return callers.contains(where: program.mightAllow)
    }
}
