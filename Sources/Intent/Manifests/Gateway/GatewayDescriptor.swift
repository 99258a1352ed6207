package import Diagnostics

extension Gateway {
    package var references: [Reference] {
        [Reference("node", to: .node, node, in: metadata.name.namespace, .unknownNode)].compactMap { $0 }
    }

    package var files: [String] {
        listeners.compactMap(\.tls).flatMap { [$0.certificateFile.value, $0.keyFile.value] }
    }

    static let descriptor = KindDescriptor(
        Gateway.self, short: ["gtw", "gw"], decode: Gateway.init,
        columns: [
            Column("NODE") { $0.node?.value ?? "" },
            Column("LISTENERS") { $0.listeners.map(\.url).joined(separator: ",") },
            Column("SERVICE ACCOUNT") { $0.serviceAccount.value },
        ],
        sections: { gateway, set in
            [
                Mesh.identitySection(of: gateway.serviceAccount.value, in: gateway.metadata.name.namespace, set),
                DescriptionSection(key: "routes", name: "Routes", lines: gateway.routes(in: set)),
            ]
        })

    /// Those that are attached, a line for each listener.
    private func routes(in set: ResourceSet) -> [String] {
        listeners.flatMap { listener in
            func attached<Value: Route>(_ type: Value.Type) -> [(kind: ResourceKind, metadata: Metadata)] {
                set.referrers(type, of: self, by: "parentRefs")
                    .filter { $0.attaches(to: listener, of: metadata.name) }.map { (Value.kind, $0.metadata) }
            }
            let ofCalls = attached(HTTPRoute.self) + attached(GRPCRoute.self)
            let routes =
                ofCalls.sorted { $0.metadata.name < $1.metadata.name } + attached(TLSRoute.self)
                + attached(TCPRoute.self)
            return routes.map {
                "\($0.kind.rawValue) \($0.metadata.name) at \(listener.name.value) (\($0.metadata.position))"
            }
        }
    }
}

extension GatewayListener {
    /// `https://[::1]:443`.
    fileprivate var url: String {
        "\(`protocol`.rawValue.lowercased())://\(place)"
    }
}

extension Diagnostic.Code {
    /// A parentRef names a Gateway that is not there.
    package static let unknownGateway = Self("manifest.unknown-gateway")
}
