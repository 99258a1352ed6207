import Diagnostics
import Manifests
import MeshSnapshot

extension MeshSnapshot {
    /// The resources of a kind, or of all kinds, by name.
    package func resources(_ kind: ResourceKind?) -> [AnyResource] {
        guard let kind else { return ResourceKind.allCases.flatMap { resources($0) } }
        switch kind {
        case .mesh: return [.mesh(mesh)]
        case .node: return nodes.values.sorted { $0.metadata.name < $1.metadata.name }.map(AnyResource.node)
        case .service: return services.values.sorted { $0.metadata.name < $1.metadata.name }.map(AnyResource.service)
        case .workload: return workloads.map(AnyResource.workload)
        case .gateway: return gateways.map(AnyResource.gateway)
        case .httpRoute: return routes.map(AnyResource.httpRoute)
        case .grpcRoute: return grpcRoutes.map(AnyResource.grpcRoute)
        case .tcpRoute: return tcpRoutes.map(AnyResource.tcpRoute)
        case .tlsRoute: return tlsRoutes.map(AnyResource.tlsRoute)
        case .authorizationPolicy: return policies.map(AnyResource.authorizationPolicy)
        }
    }
}

/// Tables of `heddle get`, one shape a kind.
struct ResourceTable {
    let snapshot: MeshSnapshot

    /// - Parameter kind: `nil`: resources of all kinds, with what they have in common.
    func rendered(_ resources: [AnyResource], _ kind: ResourceKind?) -> String {
        guard let kind else {
            var table = TextTable(["KIND", "NAME", "FILE"])
            for resource in resources {
                table.add([resource.kind.rawValue, "\(resource.metadata.name)", Self.file(resource)])
            }
            return table.rendered()
        }
        var table = TextTable(["NAME"] + Self.columns(kind) + ["FILE"])
        for resource in resources { table.add(["\(resource.metadata.name)"] + cells(resource) + [Self.file(resource)]) }
        return table.rendered()
    }

    private static func file(_ resource: AnyResource) -> String {
        let position = resource.metadata.position
        return position.isInText ? "\(position.file):\(position.line)" : position.file
    }

    private static func columns(_ kind: ResourceKind) -> [String] {
        switch kind {
        case .mesh: ["TRUST DOMAIN", "DEFAULT ACTION", "AUTHORITY", "SVID TTL", "TELEMETRY"]
        case .node: ["ADDRESS", "WORKLOADS"]
        case .service: ["PROTOCOL", "WORKLOADS", "ENDPOINTS", "ROUTES", "POLICIES", "HOSTNAMES"]
        case .workload: ["SERVICE", "NODE", "ADDRESS", "SERVICE ACCOUNT", "OUTBOUND"]
        case .gateway: ["NODE", "LISTENERS", "SERVICE ACCOUNT"]
        case .httpRoute, .grpcRoute: ["PARENTS", "HOSTNAMES", "RULES", "BACKENDS"]
        case .tcpRoute: ["PARENTS", "BACKENDS"]
        case .tlsRoute: ["PARENTS", "HOSTNAMES", "BACKENDS"]
        case .authorizationPolicy: ["ACTION", "TARGETS", "RULES"]
        }
    }

    private func cells(_ resource: AnyResource) -> [String] {
        switch resource {
        case .mesh(let mesh):
            let authority: String
            switch mesh.identity.authority {
            case .builtIn: authority = "BuiltIn"
            case .files: authority = "Files"
            }
            return [
                mesh.trustDomain.name, mesh.defaultAction.rawValue, authority, mesh.identity.svidTTL.manifestText,
                mesh.telemetryListen.map { "\($0.value)" } ?? "",
            ]
        case .node(let node):
            let name = node.metadata.name.name
            return ["\(node.address.value)", String(snapshot.workloads.count { $0.node?.value == name })]
        case .service(let service):
            let name = service.metadata.name
            return [
                service.protocol.rawValue, String(snapshot.workloads(of: name).count),
                String(ServiceReport(name, in: snapshot).endpoints.count),
                String(snapshot.routes(forService: name).count + snapshot.tcpRoutes(forService: name).count),
                String(snapshot.policies(for: name).count),
                service.hostnames.map(\.value).joined(separator: ","),
            ]
        case .workload(let workload):
            return [
                workload.service?.value ?? "", workload.node?.value ?? "", workload.address.map { "\($0.value)" } ?? "",
                workload.serviceAccount.value, Self.outbound(workload),
            ]
        case .gateway(let gateway):
            let listeners = gateway.listeners.map { listener in
                let address = listener.address.value
                let host = address.contains(":") ? "[\(address)]" : address
                return "\(listener.protocol.rawValue.lowercased())://\(host):\(listener.port.value)"
            }
            return [
                gateway.node?.value ?? "", listeners.joined(separator: ","), gateway.serviceAccount.value,
            ]
        case .httpRoute(let route):
            return [
                Self.parents(route.parentRefs), Self.hostnames(route.hostnames), String(route.rules.count),
                Self.backends(route.rules.flatMap(\.backendRefs).map(\.service.value)),
            ]
        case .grpcRoute(let route):
            return [
                Self.parents(route.parentRefs), Self.hostnames(route.hostnames), String(route.rules.count),
                Self.backends(route.rules.flatMap(\.backendRefs).map(\.service.value)),
            ]
        case .tcpRoute(let route):
            return [Self.parents(route.parentRefs), Self.backends(route.rule.backendRefs.map(\.service.value))]
        case .tlsRoute(let route):
            return [
                Self.parents(route.parentRefs), Self.hostnames(route.hostnames),
                Self.backends(route.rule.backendRefs.map(\.service.value)),
            ]
        case .authorizationPolicy(let policy):
            let targets = policy.targetServices.map(\.value).joined(separator: ",")
            return [policy.action.rawValue, targets.isEmpty ? "all" : targets, String(policy.rules.count)]
        }
    }
    private static func outbound(_ workload: Workload) -> String {
        let http = workload.outboundListen.map { ["\($0.value)"] } ?? []
        let tcp = workload.outboundTCP.map { "\($0.listen.value)=\($0.service.value)" }
        return (http + tcp).joined(separator: ",")
    }

    private static func parents(_ references: [ParentRef]) -> String {
        references.map { "\($0.kind.rawValue) \($0.name.value)" }.joined(separator: ",")
    }

    private static func hostnames(_ hostnames: [Located<HostnamePattern>]) -> String {
        hostnames.map { "\($0.value)" }.joined(separator: ",")
    }

    /// Each once.
    private static func backends(_ services: [ResourceName]) -> String {
        var names: [String] = []
        for service in services where !names.contains("\(service)") { names.append("\(service)") }
        return names.joined(separator: ",")
    }
}
