import Attestation
import Diagnostics
import Forwarding
import Manifests
import NodeServing

/// Selectors held against this host's accounts and files, where they are for its processes.
enum HostSelectorCheck {
    /// - Parameter node: Which node this host is; `nil`: it is the mesh's one host, or none in particular.
    static func warnings(of set: ResourceSet, node: String?) -> [Diagnostic] {
        let hasNodes = set.count(.node) > 0
        let workloads = set[Workload.self].filter { hasNodes ? node != nil && $0.node?.value == node : true }
        // A number alone says nothing that the host could contradict, and a name alone may be for one that this host is not yet.
        let selectors = workloads.flatMap(\.selectors)
        let users = Set(selectors.filter { $0.uid != nil }.compactMap { $0.user?.value })
        let groups = Set(selectors.filter { $0.gid != nil }.compactMap { $0.group?.value })
        let accounts = HostAccounts(asking: Set(users.map(AccountName.user) + groups.map(AccountName.group)))
        return workloads.flatMap { accounts.contradictions(of: $0) } + ExecutablePaths.warnings(of: workloads)
    }
}
