import Diagnostics
import Manifests
import MeshSnapshot
import SPIFFE

/// One resource with what it means in its mesh: `heddle describe`.
struct ResourceDescription {
    let resource: AnyResource
    let snapshot: MeshSnapshot

    /// The manifest, then a section for each relation.
    var text: String {
        var text = resource.yamlText
        for section in sections where !section.lines.isEmpty {
            text += "\n\(section.name):\n" + section.lines.map { "  \($0.printable)\n" }.joined()
        }
        return text
    }

    var json: JSONValue {
        guard case .object(let members) = resource.json else { return .null }
        return .object(
            members + [
                (
                    key: "relations",
                    value: .object(sections.map { ($0.key, .array($0.lines.map(JSONValue.string))) })
                )
            ])
    }

    private struct Section {
        let key: String
        let name: String
        let lines: [String]
    }

    private var sections: [Section] {
        let trustDomain = snapshot.mesh.trustDomain
        switch resource {
        case .mesh:
            return [
                Section(
                    key: "resources", name: "Resources",
                    lines: ResourceKind.allCases.filter { $0 != .mesh }
                        .map { "\($0.rawValue): \(snapshot.resources($0).count)" })
            ]
        case .node(let node):
            let name = node.metadata.name.name
            return [
                Section(
                    key: "workloads", name: "Workloads",
                    lines: snapshot.workloads.filter { $0.node?.value == name }.map { "\($0.metadata.name)" })
            ]
        case .service(let service): return sections(of: service)
        case .workload(let workload):
            let name = workload.metadata.name
            let id = SPIFFEID(
                trustDomain: trustDomain, namespace: name.namespace, serviceAccount: workload.serviceAccount.value)
            return [Section(key: "spiffeID", name: "SPIFFE ID", lines: ["\(id)"])]
        case .gateway(let gateway):
            let name = gateway.metadata.name
            let id = SPIFFEID(
                trustDomain: trustDomain, namespace: name.namespace, serviceAccount: gateway.serviceAccount.value)
            let routes = gateway.listeners.flatMap { listener in
                let attached =
                    snapshot.routes(forGateway: name, listener: listener).map { ($0.writtenAs, $0.metadata) }
                    + snapshot.tlsRoutes(forGateway: name, listener: listener).map { (.tlsRoute, $0.metadata) }
                    + [snapshot.tcpRoute(forGateway: name, listener: listener)].compactMap {
                        $0.map { (.tcpRoute, $0.metadata) }
                    }
                return attached.map { kind, metadata in
                    "\(kind.rawValue) \(metadata.name) at \(listener.name.value) (\(metadata.position))"
                }
            }
            return [
                Section(key: "spiffeID", name: "SPIFFE ID", lines: ["\(id)"]),
                Section(key: "routes", name: "Routes", lines: routes),
            ]
        case .httpRoute, .grpcRoute, .tcpRoute, .tlsRoute, .authorizationPolicy: return []
        }
    }

    private func sections(of service: Service) -> [Section] {
        let name = service.metadata.name
        let hostnames = snapshot.hostnames(of: name)
        let endpoints =
            snapshot.workloads(of: name).compactMap { workload in
                workload.address.map { address in
                    let node = workload.node.map { " on node \($0.value)" } ?? ""
                    return "\(address.value)\(node) (Workload \(workload.metadata.name))"
                }
            } + service.endpoints.map { "\($0.value) (outside the mesh)" }
        return [
            Section(
                key: "hostnames", name: "Called by",
                lines: ["\(hostnames.short) (from namespace \(name.namespace))"] + hostnames.everywhere),
            Section(key: "endpoints", name: "Endpoints", lines: endpoints),
            Section(
                key: "routes", name: "Routes",
                lines: snapshot.routes(forService: name)
                    .map { "\($0.writtenAs.rawValue) \($0.metadata.name) (\($0.metadata.position))" }
                    + snapshot.tcpRoutes(forService: name)
                    .map { "TCPRoute \($0.metadata.name) (\($0.metadata.position))" }),
            Section(
                key: "policies", name: "Policies",
                lines: snapshot.policies(for: name)
                    .map { "\($0.action.rawValue) \($0.metadata.name) (\($0.metadata.position))" }),
        ]
    }
}
