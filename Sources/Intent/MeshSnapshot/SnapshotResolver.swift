import Diagnostics
import Manifests

/// Collects resources by name, then checks what they say of each other.
struct SnapshotResolver {
    private let files: [ManifestFile]
    private(set) var diagnostics: [Diagnostic]

    private var meshes: [Mesh] = []
    private(set) var nodes: [String: Node] = [:]
    private(set) var services: [ResourceName: Service] = [:]
    private(set) var workloads: [Workload] = []
    private(set) var gateways: [Gateway] = []
    private(set) var routes: [HTTPRoute] = []
    private(set) var grpcRoutes: [GRPCRoute] = []
    private(set) var tcpRoutes: [TCPRoute] = []
    private(set) var tlsRoutes: [TLSRoute] = []
    private(set) var policies: [AuthorizationPolicy] = []
    private(set) var gatewaysByName: [ResourceName: Int] = [:]
    var index = MeshSnapshot.Index()
    /// Suggestions left to make: looking for one compares with every name there is.
    private var suggestionsLeft = 50

    private struct Key: Hashable {
        let kind: ResourceKind
        let name: ResourceName
    }

    init(_ files: [ManifestFile]) {
        self.files = files.sorted { $0.path < $1.path }
        diagnostics = files.flatMap(\.diagnostics)
    }

    mutating func resolve(
        node: String?, requiresNode: Bool, isNew: (SourcePosition) -> Bool
    ) -> MeshSnapshot? {
        let count = files.reduce(0) { $0 + $1.resources.count }
        guard count <= MeshSnapshot.maximumResourceCount else {
            reportTooMany(count)
            return nil
        }
        collect()
        let mesh = checkMesh()
        checkNode(node, isRequired: requiresNode)
        checkWorkloads()
        checkServices()
        checkGateways()
        let callRoutes = (routes + grpcRoutes.map(\.asHTTPRoute)).sorted { $0.metadata.name < $1.metadata.name }
        checkRoutes(callRoutes, isNew: isNew)
        checkEndpoints(callRoutes)
        checkPolicies()
        var bindings = ListenerBindings(nodes: Array(nodes.keys))
        diagnostics += bindings.overlaps(
            mesh: mesh, nodes: nodes, workloads: workloads, gateways: gateways, isNew: isNew)
        let snapshot = MeshSnapshot(
            mesh: mesh, nodes: nodes, services: services, workloads: workloads, gateways: gateways, routes: routes,
            grpcRoutes: grpcRoutes, tcpRoutes: tcpRoutes, tlsRoutes: tlsRoutes, policies: policies, node: node,
            callRoutes: callRoutes, index: index)
        var loops = ServiceLoops(snapshot)
        diagnostics += loops.check()
        // What is wrong elsewhere may be why something is missing.
        if !diagnostics.contains(where: { $0.severity == .error }) {
            diagnostics += DeadEnds(snapshot: snapshot).check()
        }
        return snapshot
    }

    // MARK: Names

    private mutating func collect() {
        var first: [Key: SourcePosition] = [:]
        first.reserveCapacity(files.reduce(0) { $0 + $1.resources.count })
        for resource in files.lazy.flatMap(\.resources) {
            let metadata = resource.metadata
            // Nodes are known by name alone.
            let namespace = resource.kind == .node ? "" : metadata.name.namespace
            let key = Key(kind: resource.kind, name: ResourceName(namespace: namespace, name: metadata.name.name))
            if resource.kind != .mesh, let other = first.updateValue(metadata.position, forKey: key) {
                first[key] = other
                report(
                    .duplicateResource, at: metadata.position,
                    found: "a second \(resource.kind.rawValue) named \(Diagnostic.quoted(metadata.name.name))",
                    expected: resource.kind == .node
                        ? "each Node once" : "each name once in namespace \(Diagnostic.quoted(namespace))",
                    remedy: "rename it, or remove the one at \(other)")
                continue
            }
            switch resource {
            case .mesh(let mesh): meshes.append(mesh)
            case .node(let node): nodes[metadata.name.name] = node
            case .service(let service): services[metadata.name] = service
            case .workload(let workload): workloads.append(workload)
            case .gateway(let gateway): gateways.append(gateway)
            case .httpRoute(let route): routes.append(route)
            case .grpcRoute(let route): grpcRoutes.append(route)
            case .tcpRoute(let route): tcpRoutes.append(route)
            case .tlsRoute(let route): tlsRoutes.append(route)
            case .authorizationPolicy(let policy): policies.append(policy)
            }
        }
        workloads.sort { $0.metadata.name < $1.metadata.name }
        gateways.sort { $0.metadata.name < $1.metadata.name }
        routes.sort { $0.metadata.name < $1.metadata.name }
        grpcRoutes.sort { $0.metadata.name < $1.metadata.name }
        tcpRoutes.sort { $0.metadata.name < $1.metadata.name }
        tlsRoutes.sort { $0.metadata.name < $1.metadata.name }
        policies.sort { $0.metadata.name < $1.metadata.name }
        for (number, gateway) in gateways.enumerated() { gatewaysByName[gateway.metadata.name] = number }
    }

    private mutating func reportTooMany(_ count: Int) {
        var left = MeshSnapshot.maximumResourceCount
        for file in files {
            if left < file.resources.count {
                report(
                    .tooManyResources, at: file.resources[left].metadata.position, found: "\(count) resources",
                    expected: "at most \(MeshSnapshot.maximumResourceCount)",
                    remedy: "split the mesh, or remove what is not used")
                return
            }
            left -= file.resources.count
        }
    }

    // MARK: Mesh and nodes

    private mutating func checkMesh() -> Mesh {
        for mesh in meshes.dropFirst() {
            report(
                .severalMeshes, at: mesh.metadata.position, found: "a second Mesh", expected: "one Mesh at most",
                remedy: "merge it into the one at \(meshes[0].metadata.position)")
        }
        let name = ResourceName(namespace: "default", name: "mesh")
        let mesh = meshes.first ?? Mesh(metadata: Metadata(name: name, position: .place("the default Mesh")))
        if nodes.count > 1, mesh.identity.authority == .builtIn {
            let second = nodes.values.map(\.metadata.position).sorted()[1]
            report(
                .authorityNotShared, at: meshes.first?.metadata.position ?? second,
                found: "the built-in authority with \(nodes.count) nodes",
                expected: "an authority that all nodes have: each node's built-in one is known to that node alone",
                remedy: "set spec.identity.authority of the Mesh to {type: Files, certificateFile: …, keyFile: …}")
        }
        return mesh
    }

    private mutating func checkNode(_ node: String?, isRequired: Bool) {
        if let node {
            guard nodes[node] == nil else { return }
            report(
                .unknownNode, at: .place("--node"), found: Diagnostic.quoted(node),
                expected: nodes.isEmpty ? "no --node: the mesh has no Node" : "the name of a Node: \(nodeNames)",
                remedy: nodes.isEmpty
                    ? "leave --node out, or add a Node named \(Diagnostic.quoted(node))"
                    : remedy(for: node, among: nodes.keys.sorted(), kind: "Node"))
        } else if isRequired, let first = nodes.values.min(by: { $0.metadata.position < $1.metadata.position }) {
            report(
                .nodeRequired, at: first.metadata.position, found: "a Node, and no --node",
                expected: "--node to say which node this host is",
                remedy: "run with --node \(first.metadata.name.name), or remove all Nodes")
        }
    }

    /// Some of very many.
    private var nodeNames: String {
        let names = nodes.keys.sorted()
        return names.prefix(10).map { Diagnostic.quoted($0) }.joined(separator: ", ")
            + (names.count > 10 ? " and \(names.count - 10) more" : "")
    }

    private mutating func checkReference(toNode node: Located<String>) {
        guard nodes[node.value] == nil else { return }
        report(
            .unknownNode, at: node.position, found: Diagnostic.quoted(node.value), expected: "the name of a Node",
            remedy: remedy(for: node.value, among: nodes.keys.sorted(), kind: "Node"))
    }

    // MARK: Workloads and services

    private mutating func checkWorkloads() {
        for (number, workload) in workloads.enumerated() {
            if let service = workload.service {
                let name = ResourceName(namespace: workload.metadata.name.namespace, name: service.value)
                checkReference(toService: name, at: service.position, .unknownService)
                index.workloadsByService[name, default: []].append(number)
            }
            for outbound in workload.outboundTCP {
                let name = outbound.service
                checkReference(toService: name.value, at: name.position, .unknownService)
                if let service = services[name.value], service.protocol != .tcp {
                    report(
                        .wrongProtocol, at: name.position, found: describe(service),
                        expected: "a Service of protocol TCP in outbound.tcp",
                        remedy: "call it through outbound.listen, or set protocol: TCP at \(service.metadata.position)")
                }
            }
            if let node = workload.node {
                checkReference(toNode: node)
            } else if !nodes.isEmpty {
                report(
                    .nodeRequired, at: workload.metadata.position,
                    found: "Workload \(Diagnostic.quoted(workload.metadata.name.name)) without \"node\"",
                    expected: "the node it runs on, as the mesh has nodes",
                    remedy: "add node: \(nodes.keys.min() ?? "") to its spec")
            }
        }
    }

    private mutating func checkServices() {
        index.serviceByHostname.reserveCapacity(services.count * 2)
        var shortNames: [String: ResourceName] = [:]
        for name in services.keys {
            for hostname in MeshSnapshot.hostnames(of: name) { index.serviceByHostname[hostname] = name }
            shortNames[name.name] = name
        }
        for service in services.values.sorted(by: { $0.metadata.position < $1.metadata.position }) {
            let name = service.metadata.name
            for hostname in service.hostnames {
                if let other = index.serviceByHostname[hostname.value] ?? shortNames[hostname.value] {
                    reportTaken(hostname, by: other, again: name)
                } else {
                    index.serviceByHostname[hostname.value] = name
                }
            }
        }
    }

    private mutating func reportTaken(_ hostname: Located<String>, by other: ResourceName, again name: ResourceName) {
        let position = services[other]?.metadata.position
        report(
            .hostnameTaken, at: hostname.position, found: Diagnostic.quoted(hostname.value),
            expected: other == name
                ? "a hostname that this Service does not have already"
                : "a hostname that no other Service answers to",
            remedy: other == name
                ? "remove it"
                : "choose another: Service \(other)" + (position.map { " at \($0)" } ?? "") + " answers to it")
    }

    mutating func checkReference(
        toService name: ResourceName, at position: SourcePosition, _ code: Diagnostic.Code
    ) {
        guard services[name] == nil else { return }
        let candidates = services.keys
        reportUnknown(name, kind: "Service", code, at: position, among: candidates)
    }

    // MARK: Gateways and policies

    private mutating func checkGateways() {
        for gateway in gateways { if let node = gateway.node { checkReference(toNode: node) } }
    }

    private mutating func checkPolicies() {
        for (number, policy) in policies.enumerated() {
            let namespace = policy.metadata.name.namespace
            guard !policy.targetServices.isEmpty else {
                index.policiesByNamespace[namespace, default: []].append(number)
                continue
            }
            for target in policy.targetServices {
                let name = ResourceName(namespace: namespace, name: target.value)
                checkReference(toService: name, at: target.position, .unknownService)
                if index.policiesByService[name]?.last != number {
                    index.policiesByService[name, default: []].append(number)
                }
            }
        }
    }

    // MARK: Reporting

    func describe(_ service: Service) -> String {
        "Service \(Diagnostic.quoted(service.metadata.name.name)) of protocol \(service.protocol.rawValue)"
    }

    mutating func report(
        _ code: Diagnostic.Code, _ severity: Diagnostic.Severity = .error, at position: SourcePosition, found: String,
        expected: String, remedy: String
    ) {
        diagnostics.append(
            Diagnostic(code, severity, at: position, found: found, expected: expected, remedy: remedy))
    }

    mutating func reportUnknown(
        _ name: ResourceName, kind: String, _ code: Diagnostic.Code, at position: SourcePosition,
        among candidates: some Collection<ResourceName>
    ) {
        var hint = remedy(for: name.name, among: [], kind: kind)
        if suggestionsLeft > 0 {
            if let elsewhere = candidates.filter({ $0.name == name.name }).min() {
                hint =
                    "name a \(kind) of namespace \(Diagnostic.quoted(name.namespace)): there is one of this name in "
                    + Diagnostic.quoted(elsewhere.namespace)
                suggestionsLeft -= 1
            } else {
                let names = candidates.lazy.filter { $0.namespace == name.namespace }.map(\.name).sorted()
                hint = remedy(for: name.name, among: names, kind: kind)
            }
        }
        report(
            code, at: position, found: Diagnostic.quoted(name.name),
            expected: "a \(kind) in namespace \(Diagnostic.quoted(name.namespace))", remedy: hint)
    }

    /// `change it to "payments", or add a Service named "paymets"`.
    mutating func remedy(for name: String, among candidates: [String], kind: String) -> String {
        let add = "add a \(kind) named \(Diagnostic.quoted(name))"
        if let broken = files.first(where: \.isBroken)?.path {
            return add + ", or mend \(broken) first, which could not be read whole"
        }
        guard suggestionsLeft > 0, !candidates.isEmpty else { return add }
        suggestionsLeft -= 1
        guard let near = NearestName(to: name, among: candidates) else { return add }
        // What only looks like a name is no name for a resource of its own.
        return near.note == nil ? "\(near.remedy), or \(add)" : near.remedy
    }
}

extension ManifestFile {
    /// Resources of it may be missing.
    fileprivate var isBroken: Bool {
        diagnostics.contains { $0.severity == .error && $0.code.rawValue.hasPrefix("yaml.") }
    }
}
