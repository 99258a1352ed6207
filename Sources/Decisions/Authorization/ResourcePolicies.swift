package import Manifests
package import MeshSnapshot

/// Which policies are asked about a resource that Heddle answers for itself. Only an ALLOW that names it opens anything of it: one for
/// a whole namespace was written for services, and so was the mesh's default.
package enum ResourcePolicies {
    /// Of each resource that a policy names, in the order of all policies. Of what none names, nobody may have anything.
    package static func all(in snapshot: MeshSnapshot) -> [ResourceIdentity: [AuthorizationPolicy]] {
        var named: Set<ResourceIdentity> = []
        // Of each namespace, what holds for all that is in it.
        var ofAll: [String: [Int]] = [:]
        var ofOne: [ResourceIdentity: [Int]] = [:]
        for (number, policy) in snapshot.policies.enumerated() {
            let namespace = policy.metadata.name.namespace
            switch policy.targets {
            case .namespace: if policy.action != .allow { ofAll[namespace, default: []].append(number) }
            case .services: break
            case .resources(let kind, let names):
                for name in Set(names.map(\.value)) {
                    let resource = ResourceIdentity(kind, ResourceName(namespace: namespace, name: name))
                    named.insert(resource)
                    ofOne[resource, default: []].append(number)
                }
            }
        }
        return Dictionary(
            uniqueKeysWithValues: named.map { resource in
                let numbers = ofOne[resource, default: []] + ofAll[resource.name.namespace, default: []]
                return (resource, numbers.sorted().map { snapshot.policies[$0] })
            })
    }
}
