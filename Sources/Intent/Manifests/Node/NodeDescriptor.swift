package import Diagnostics

extension Node {
    package var references: [Reference] { [] }

    static let descriptor = KindDescriptor(
        Node.self, short: ["no"], decode: Node.init,
        columns: [
            Column("ADDRESS") { "\($0.address.value)" },
            Column("OUTBOUND") { node in node.outboundListen.map { "\($0.value)" } ?? "" },
            Column("GUARD") { node in node.guarding == nil ? "" : "yes" },
            Column("WORKLOADS") { node, set in String(node.workloads(in: set).count) },
        ],
        sections: { node, set in
            [
                DescriptionSection(
                    key: "workloads", name: "Workloads", lines: node.workloads(in: set).map { "\($0.metadata.name)" })
            ]
        },
        mistakes: homelessWorkloads)

    private func workloads(in set: ResourceSet) -> [Workload] {
        set.referrers(Workload.self, of: self, by: "node")
    }

    /// Where there are nodes, each workload is on one.
    private static func homelessWorkloads(in set: ResourceSet) -> [Diagnostic] {
        guard let node = set[Node.self].lazy.map(\.metadata.name.name).min() else { return [] }
        return set[Workload.self].filter { $0.node == nil }.map { workload in
            Diagnostic(
                .nodeRequired, at: workload.metadata.position,
                found: "Workload \(Diagnostic.quoted(workload.metadata.name.name)) without \"node\"",
                expected: "the node it runs on, as the mesh has nodes", remedy: "add node: \(node) to its spec")
        }
    }
}

extension Diagnostic.Code {
    /// A workload, a gateway or `--node` names a Node that is not there.
    package static let unknownNode = Self("manifest.unknown-node")
    /// A mesh with nodes where a workload, or the command line, does not say which one.
    package static let nodeRequired = Self("manifest.node-required")
}
