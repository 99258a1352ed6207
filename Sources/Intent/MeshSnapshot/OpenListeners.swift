import Diagnostics
import Manifests

/// Workloads' own listeners at which nobody asks who calls: whoever reaches one calls with the workload's identity.
enum OpenListeners {
    /// One for each workload without selectors, in a mesh that asks for them.
    static func errors(_ workloads: [Workload]) -> [Diagnostic] {
        workloads.filter(\.selectors.isEmpty).compactMap { workload in
            workload.listens.map(\.position).min().map { missing(at: $0, workload) }
        }
    }

    /// One for all that listen at loopback addresses, which every process of the host reaches. Who reaches a Unix socket its folder says.
    static func warnings(_ workloads: [Workload]) -> [Diagnostic] {
        let open = workloads.filter(\.selectors.isEmpty)
        let reached = open.filter { $0.listens.contains { if case .tcp = $0.value { true } else { false } } }
            .sorted { $0.metadata.position < $1.metadata.position }
        guard let first = reached.first, let position = first.listens.map(\.position).min() else { return [] }
        let names = reached.prefix(3).map { "\($0.metadata.name)" }.joined(separator: ", ")
        let rest = reached.count > 3 ? " and \(reached.count - 3) more" : ""
        return [
            Diagnostic(
                .openListener, .warning, at: position,
                found: "Workload\(reached.count > 1 ? "s" : "") \(names)\(rest) without selectors",
                expected: "what a process must be to call as a workload: without it every process of the host may",
                remedy:
                    "add selectors, such as [{unix: {user: \(first.serviceAccount.value)}}], with the user it runs as"
            )
        ]
    }

    /// One for each workload with selectors that nobody asks: it has no listener of its own, and its node none for all.
    static func unusedSelectors(of workloads: [Workload], on nodes: [String: Node]) -> [Diagnostic] {
        workloads.compactMap { workload in
            let node = workload.node?.value
            guard let position = workload.selectorsPosition, workload.listens.isEmpty,
                node.flatMap({ nodes[$0]?.outboundListen }) == nil
            else { return nil }
            return Diagnostic(
                .unusedSelectors, .warning, at: position,
                found:
                    "selectors of Workload \(Diagnostic.quoted(workload.metadata.name.name)), which no listener asks",
                expected: "an address that it sends its calls to: without one no process calls as this workload",
                remedy: "add outbound: {listen: 127.0.0.1:PORT} to its spec"
                    + (node.map { ", or to that of Node \($0) for all its workloads" } ?? "") + ", or remove selectors")
        }
    }

    private static func missing(at position: SourcePosition, _ workload: Workload) -> Diagnostic {
        Diagnostic(
            .openListener, at: position,
            found: "Workload \(Diagnostic.quoted(workload.metadata.name.name)) with outbound and without selectors",
            expected: "selectors, as the Mesh has requireSelectors: true",
            remedy:
                "add selectors, such as [{unix: {user: \(workload.serviceAccount.value)}}], with the user it runs as")
    }
}

extension Workload {
    /// All that it calls others through.
    fileprivate var listens: [Located<SocketAddress>] {
        (outboundListen.map { [$0] } ?? []) + outboundTCP.map(\.listen)
    }
}
