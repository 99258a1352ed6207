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
            Column("OUTBOUND") { workload in
                let http = workload.outboundListen.map { ["\($0.value)"] } ?? []
                let tcp = workload.outboundTCP.map { "\($0.listen.value)=\($0.service.value)" }
                return (http + tcp).joined(separator: ",")
            },
        ],
        sections: { workload, set in
            [Mesh.identitySection(of: workload.serviceAccount.value, in: workload.metadata.name.namespace, set)]
        })
}
