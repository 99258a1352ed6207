extension Workload {
    package var references: [Reference] {
        let namespace = metadata.name.namespace
        let names = [
            Reference("service", to: .service, service, in: namespace, .unknownService),
            Reference("node", to: .node, node, in: namespace, .unknownNode),
        ]
        return names.compactMap { $0 }
            + outboundTCP.map { Reference("outbound.tcp", to: .service, $0.service, .unknownService) }
    }

    static let descriptor = KindDescriptor(
        Workload.self, short: ["wl"], decode: Workload.init,
        columns: [
            Column("SERVICE") { $0.service?.value ?? "" },
            Column("NODE") { $0.node?.value ?? "" },
            Column("ADDRESS") { workload in workload.address.map { "\($0.value)" } ?? "" },
            Column("SERVICE ACCOUNT") { $0.serviceAccount.value },
            Column("OUTBOUND") { workload, set in
                let http = workload.outboundListen.map { ["\($0.value)"] } ?? []
                let tcp = workload.outboundTCP.map { "\($0.listen.value)=\($0.service.value)" }
                let host = workload.hostListener(in: set).map { ["\($0.listen) (node \($0.node))"] } ?? []
                return (http + tcp + host).joined(separator: ",")
            },
            Column("SELECTORS") { $0.selectorSummary },
        ],
        sections: { workload, set in
            [
                Mesh.identitySection(of: workload.serviceAccount.value, in: workload.metadata.name.namespace, set),
                DescriptionSection(key: "callsAt", name: "Calls at", lines: workload.placesToCall(in: set)),
            ]
        })

    /// The listener of its node for all that are told apart by their processes, if it is one of them.
    private func hostListener(in set: ResourceSet) -> (node: String, listen: SocketAddress)? {
        guard !selectors.isEmpty, let node = node?.value,
            let listen = set[Node.self].first(where: { $0.metadata.name.name == node })?.outboundListen
        else { return nil }
        return (node, listen.value)
    }

    /// Where its calls go, and which processes' are taken there.
    private func placesToCall(in set: ResourceSet) -> [String] {
        let callers = selectors.isEmpty ? "whoever reaches it" : "processes that its selectors match"
        let http = outboundListen.map { ["\($0.value): its own, for \(callers)"] } ?? []
        let tcp = outboundTCP.map { "\($0.listen.value): its own to \($0.service.value), for \(callers)" }
        let host = hostListener(in: set).map { ["\($0.listen): Node \($0.node)'s, for \(callers)"] } ?? []
        return http + tcp + host
    }

    /// Of several as many as a line takes.
    private var selectorSummary: String {
        let limit = 2
        let rest = selectors.count > limit ? " | \(selectors.count - limit) more" : ""
        return selectors.prefix(limit).map(\.summary).joined(separator: " | ") + rest
    }
}

extension WorkloadSelector {
    /// In one line: `user=web path=/usr/bin/web`.
    fileprivate var summary: String {
        let parts: [(String, String?)] = [
            ("user", user?.value), ("uid", uid.map(String.init)), ("group", group?.value),
            ("gid", gid.map(String.init)),
            ("path", path?.value), ("sha256", sha256.map { "\($0.prefix(12))\u{2026}" }), ("unit", unit),
            ("cgroup", controlGroup),
        ]
        return (parts.compactMap { name, value in value.map { "\(name)=\($0)" } } + (isStarted ? ["exec"] : []))
            .joined(separator: " ")
    }
}
