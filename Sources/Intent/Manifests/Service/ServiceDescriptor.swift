package import Diagnostics

extension Service {
    package var references: [Reference] { [] }

    static let descriptor = KindDescriptor(
        Service.self, short: ["svc"], decode: Service.init,
        columns: [
            Column("PROTOCOL") { $0.protocol.rawValue },
            Column("WORKLOADS") { service, set in String(service.workloads(in: set).count) },
            Column("ENDPOINTS") { service, set in
                String(service.workloads(in: set).count { $0.address != nil } + service.endpoints.count)
            },
            Column("ROUTES") { service, set in String(service.routes(in: set).count) },
            Column("POLICIES") { service, set in String(service.policies(in: set).count) },
            Column("HOSTNAMES") { $0.hostnames.map(\.value).joined(separator: ",") },
        ],
        sections: { service, set in
            [
                DescriptionSection(
                    key: "hostnames", name: "Called by",
                    lines: ["\(service.metadata.name.name) (from namespace \(service.metadata.name.namespace))"]
                        + Service.hostnames(of: service.metadata.name) + service.hostnames.map(\.value)),
                DescriptionSection(
                    key: "endpoints", name: "Endpoints",
                    lines: service.workloads(in: set).compactMap(\.endpointLine)
                        + service.endpoints.map { "\($0.value) (outside the mesh)" }),
                DescriptionSection(key: "routes", name: "Routes", lines: service.routes(in: set)),
                DescriptionSection(
                    key: "policies", name: "Policies",
                    lines: service.policies(in: set)
                        .map { "\($0.effect) \($0.metadata.name) (\($0.metadata.position))" }),
                DescriptionSection(
                    key: "peerAuthentication", name: "Peer authentication",
                    lines: service.peerLines(in: set, workloads: service.workloads(in: set))),
            ]
        })

    /// The hostnames that name every service from everywhere.
    package static func hostnames(of service: ResourceName) -> [String] {
        ["\(service.name).\(service.namespace)", "\(service.name).\(service.namespace).mesh"]
    }

    private func workloads(in set: ResourceSet) -> [Workload] {
        set.referrers(Workload.self, of: self, by: "service")
    }

    private func policies(in set: ResourceSet) -> [AuthorizationPolicy] {
        set[AuthorizationPolicy.self].within(metadata.name.namespace).filter { $0.targets(metadata.name) }
    }

    /// Those that have it as a parent, a line each: of calls by name, then of connections.
    private func routes(in set: ResourceSet) -> [String] {
        func those<Value: Route>(_ type: Value.Type) -> [(kind: ResourceKind, metadata: Metadata)] {
            set.referrers(type, of: self, by: "parentRefs").map { (Value.kind, $0.metadata) }
        }
        let ofCalls = (those(HTTPRoute.self) + those(GRPCRoute.self)).sorted { $0.metadata.name < $1.metadata.name }
        return (ofCalls + those(TCPRoute.self)).map {
            "\($0.kind.rawValue) \($0.metadata.name) (\($0.metadata.position))"
        }
    }
}

extension Workload {
    /// `nil`: it has none.
    fileprivate var endpointLine: String? {
        address.map { address in
            let node = node.map { " on node \($0.value)" } ?? ""
            return "\(address.value)\(node) (Workload \(metadata.name))"
        }
    }
}

extension Diagnostic.Code {
    /// A workload, a parentRef or a policy names a Service that is not there.
    package static let unknownService = Self("manifest.unknown-service")
    /// A backendRef or a mirror names a Service that is not there.
    package static let unknownBackend = Self("manifest.unknown-backend")
}
