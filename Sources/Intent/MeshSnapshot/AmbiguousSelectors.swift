import Diagnostics
import Manifests

/// Workloads of one node with different service accounts that one process may be: where all of them call at the listener of the Node, its
/// calls are refused, and neither workload can call.
///
/// Only selectors that say the same, or one all that another says and more: what else processes may have in common nobody knows.
struct AmbiguousSelectors {
    /// As many as are told of: of 10,000 workloads with the same selectors each would be one.
    private static let limit = 100

    /// What one selector says, without what is only how it is written.
    private struct Entry: Hashable {
        /// By bytes: a String counts as another that looks the same.
        struct Item: Hashable {
            let field: UInt8
            let value: [UInt8]
        }

        let items: [Item]
        /// Which fields it has, a bit for each.
        var fields: UInt8 { items.reduce(0) { $0 | 1 << $1.field } }

        init(_ selector: WorkloadSelector) {
            let values = [
                selector.user?.value, selector.uid.map(String.init), selector.group?.value,
                selector.gid.map(String.init), selector.path?.value, selector.sha256, selector.unit,
                selector.controlGroup,
            ]
            items = values.enumerated().compactMap { field, value in
                value.map { Item(field: UInt8(field), value: Array($0.utf8)) }
            }
        }

        private init(items: [Item]) { self.items = items }

        /// What it says in these fields alone.
        func within(_ fields: UInt8) -> Entry { Entry(items: items.filter { fields & 1 << $0.field != 0 }) }
    }

    /// A selector and whose it is.
    private struct Claim {
        let workload: Workload
        let position: SourcePosition
        var account: ResourceName {
            ResourceName(namespace: workload.metadata.name.namespace, name: workload.serviceAccount.value)
        }
    }

    private let node: String
    private let claims: [(entry: Entry, claim: Claim)]
    /// Of each entry the first claim, and the first with another account: one of them is another's than whoever asks.
    private let index: [Entry: [Claim]]
    /// Sets of fields that there are entries of, 255 at most: an entry is held against those alone, not against all entries.
    private let fieldSets: Set<UInt8>

    /// One warning for each selector of which another workload has the same, or less, at the listener of its Node.
    static func warnings(_ workloads: [Workload], on nodes: [String: Node]) -> [Diagnostic] {
        var byNode: [String: [Workload]] = [:]
        for workload in workloads where !workload.selectors.isEmpty {
            guard let node = workload.node?.value, nodes[node]?.outboundListen != nil else { continue }
            byNode[node, default: []].append(workload)
        }
        var found: [Diagnostic] = []
        for node in byNode.keys.sorted() where found.count < limit {
            found += AmbiguousSelectors(byNode[node] ?? [], on: node).warnings(atMost: limit - found.count)
        }
        return found
    }

    private init(_ workloads: [Workload], on node: String) {
        self.node = node
        claims = workloads.flatMap { workload in
            // What was started as a workload is that one, whatever else it matches.
            workload.selectors.filter { !$0.isStarted }.compactMap { selector in
                selector.position.map { (Entry(selector), Claim(workload: workload, position: $0.position)) }
            }
        }.sorted { $0.1.position < $1.1.position }
        var index: [Entry: [Claim]] = [:]
        for (entry, claim) in claims {
            let known = index[entry] ?? []
            if known.isEmpty || known.count == 1 && known[0].account != claim.account {
                index[entry] = known + [claim]
            }
        }
        self.index = index
        fieldSets = Set(index.keys.map(\.fields))
    }

    private func warnings(atMost limit: Int) -> [Diagnostic] {
        Array(claims.lazy.compactMap { warning($0.claim, $0.entry) }.prefix(limit))
    }

    private func warning(_ claim: Claim, _ entry: Entry) -> Diagnostic? {
        // One with the same is told of once, where it stands last.
        if let other = other(than: claim, entry), other.position < claim.position {
            return warning(
                claim, "which Workload \(other.workload.metadata.name) has at \(other.position), too",
                "say in both what tells their processes apart, such as user, unix.path or systemd.unit")
        }
        let fields = entry.fields
        let lesser = fieldSets.lazy.filter { $0 != fields && $0 & fields == $0 }
            .compactMap { other(than: claim, entry.within($0)) }.min { $0.position < $1.position }
        guard let lesser else { return nil }
        let name = lesser.workload.metadata.name
        return warning(
            claim, "which says all that Workload \(name) says at \(lesser.position), and more",
            "say at \(lesser.position), too, what processes of \(name) are and those of \(claim.workload.metadata.name) are not, "
                + "such as unix.path")
    }

    private func other(than claim: Claim, _ entry: Entry) -> Claim? {
        index[entry]?.first { $0.account != claim.account }
    }

    private func warning(_ claim: Claim, _ found: String, _ remedy: String) -> Diagnostic {
        Diagnostic(
            .ambiguousSelectors, .warning, at: claim.position,
            found: "a selector of Workload \(claim.workload.metadata.name), \(found)",
            expected:
                "selectors that a process matches of one service account alone: at the listener of Node \(node) it is refused "
                + "if it is both",
            remedy: remedy)
    }
}
