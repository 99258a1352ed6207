package import Manifests

extension MeshSnapshot {
    /// Those that a workload or a gateway has, on any node: nobody else of this mesh calls anyone.
    package var serviceAccounts: Set<ResourceName> {
        var accounts: Set<ResourceName> = []
        for workload in workloads {
            accounts.insert(
                ResourceName(namespace: workload.metadata.name.namespace, name: workload.serviceAccount.value))
        }
        for gateway in gateways {
            accounts.insert(
                ResourceName(namespace: gateway.metadata.name.namespace, name: gateway.serviceAccount.value))
        }
        return accounts
    }
}
