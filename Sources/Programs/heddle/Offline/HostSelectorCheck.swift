import Attestation
import Diagnostics
import Forwarding
import Manifests
import NodeServing

/// Selectors and guards held against this host's accounts and files, where they are for its processes.
struct HostSelectorCheck {
    private let workloads: [Workload]
    private let ownNode: Node?
    /// Nodes whose selectors and guards this host says nothing of, as which of them it is was not said.
    let uncheckedNodes: [String]

    /// - Parameter node: Which node this host is; `nil`: it is the mesh's one host, or none in particular.
    init(_ set: ResourceSet, node: String?) {
        let nodes = set[Node.self].all
        let all = set[Workload.self].all
        ownNode = nodes.first { $0.metadata.name.name == node }
        workloads = nodes.isEmpty ? all : all.filter { node != nil && $0.node?.value == node }
        guard node == nil, !nodes.isEmpty else {
            uncheckedNodes = []
            return
        }
        let selecting = Set(all.lazy.filter(\.namesThingsOfItsHost).compactMap { $0.node?.value })
        uncheckedNodes = nodes.filter {
            selecting.contains($0.metadata.name.name) || $0.guarding.map { !$0.names.isEmpty } ?? false
        }.map(\.metadata.name.name).sorted()
    }

    func warnings() -> [Diagnostic] {
        let names =
            workloads.flatMap(\.accountNames) + (ownNode?.guarding?.names ?? []).map { AccountName.user($0.value) }
        let accounts = HostAccounts(asking: Set(names))
        return workloads.flatMap { accounts.warnings(of: $0) } + (ownNode.map { accounts.warnings(of: $0) } ?? [])
            + ExecutablePaths.warnings(of: workloads)
    }
}

extension Workload {
    /// It names accounts or files, which its host has or has not.
    fileprivate var namesThingsOfItsHost: Bool { !accountNames.isEmpty || selectors.contains { $0.path != nil } }
}
