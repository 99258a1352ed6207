import Diagnostics
import Manifests

/// Checks what resources say of each other, and finds what belongs together.
struct SnapshotResolver {
    let files: [ManifestFile]
    let kinds: KindRegistry
    private(set) var diagnostics: [Diagnostic]

    let set: ResourceSet
    let mesh: Mesh
    let nodes: [String: Node]
    let services: ResourceList<Service>
    let workloads: [Workload]
    let gateways: ResourceList<Gateway>
    let tcpRoutes: [TCPRoute]
    let tlsRoutes: [TLSRoute]
    let policies: [AuthorizationPolicy]
    /// HTTPRoutes and GRPCRoutes in one form, by name.
    let callRoutes: [HTTPRoute]
    var index = MeshSnapshot.Index()
    var listenerSelections = ListenerSelections()
    /// Suggestions left to make: looking for one compares with every name there is.
    var suggestionsLeft = 50
    /// Conflicts at listeners that are still told, as many as are shown: of thousands of listeners with thousands of routes there
    /// could be one for each pair.
    var conflictsLeft = 100

    init(_ files: [ManifestFile], _ kinds: KindRegistry) {
        self.files = files.sorted { $0.path < $1.path }
        self.kinds = kinds
        diagnostics = files.flatMap(\.diagnostics)
        let (set, duplicates) = kinds.set(of: self.files)
        self.set = set
        mesh = set[Mesh.self].first ?? .standard
        nodes = Dictionary(set[Node.self].lazy.map { ($0.metadata.name.name, $0) }) { first, _ in first }
        services = set[Service.self]
        workloads = set[Workload.self].all
        gateways = set[Gateway.self]
        tcpRoutes = set[TCPRoute.self].all
        tlsRoutes = set[TLSRoute.self].all
        policies = set[AuthorizationPolicy.self].all
        callRoutes = (set[HTTPRoute.self].all + set[GRPCRoute.self].map(\.asHTTPRoute))
            .sorted { $0.metadata.name < $1.metadata.name }
        for duplicate in duplicates { report(duplicate) }
    }

    mutating func resolve(
        node: String?, requiresNode: Bool, isNew: (SourcePosition) -> Bool
    ) -> MeshSnapshot {
        checkNode(node, isRequired: requiresNode)
        checkReferences()
        for kind in kinds.descriptors { diagnostics += kind.mistakes(in: set) }
        checkWorkloads()
        checkServices()
        checkRoutes(isNew: isNew)
        checkEndpoints()
        findPolicies()
        let snapshot = MeshSnapshot(
            resources: set, mesh: mesh, nodes: nodes, services: services, workloads: workloads, gateways: gateways.all,
            tcpRoutes: tcpRoutes, tlsRoutes: tlsRoutes, policies: policies, node: node, callRoutes: callRoutes,
            index: index)
        if mesh.identity.requiresSelectors { diagnostics += OpenListeners.errors(workloads) }
        var loops = ServiceLoops(snapshot)
        diagnostics += loops.check()
        var bindings = ListenerBindings(nodes: Array(nodes.keys))
        diagnostics += bindings.overlaps(
            mesh: mesh, nodes: nodes, workloads: workloads, gateways: gateways.all, except: loops.places, isNew: isNew)
        // What is wrong elsewhere may be why something is missing.
        if !diagnostics.contains(where: { $0.severity == .error }) {
            diagnostics += DeadEnds(snapshot: snapshot).check() + OpenListeners.warnings(workloads)
            diagnostics += OpenListeners.unusedSelectors(of: workloads, on: nodes)
            diagnostics += AmbiguousSelectors.warnings(workloads, on: nodes)
            diagnostics += PlainPorts(snapshot).check()
        }
        return snapshot
    }

    private mutating func report(_ duplicate: DuplicateResource) {
        let kind = duplicate.kind.rawValue
        let name = Diagnostic.quoted(duplicate.metadata.name.name)
        let once: String
        switch duplicate.kind.scope {
        case .single:
            report(
                .severalMeshes, at: duplicate.metadata.position, found: "a second \(kind)",
                expected: "one \(kind) at most", remedy: "merge it into the one at \(duplicate.first)")
            return
        case .mesh: once = "each \(kind) once"
        case .namespace:
            once = "each name once in namespace \(Diagnostic.quoted(duplicate.metadata.name.namespace))"
        }
        report(
            .duplicateResource, at: duplicate.metadata.position, found: "a second \(kind) named \(name)",
            expected: once, remedy: "rename it, or remove the one at \(duplicate.first)")
    }

    // MARK: Nodes

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

    // MARK: Workloads and services

    private mutating func checkWorkloads() {
        for (number, workload) in workloads.enumerated() {
            if let service = workload.serviceName { index.workloadsByService[service, default: []].append(number) }
            for outbound in workload.outboundTCP {
                let name = outbound.service
                guard let service = services[name.value], service.protocol != .tcp else { continue }
                report(
                    .wrongProtocol, at: name.position, found: describe(service),
                    expected: "a Service of protocol TCP in outbound.tcp",
                    remedy: "call it through outbound.listen, or set protocol: TCP at \(service.metadata.position)")
            }
        }
    }

    private mutating func checkServices() {
        index.serviceByHostname.reserveCapacity(services.count * 2)
        var shortNames: [String: ResourceName] = [:]
        for name in services.names {
            for hostname in Service.hostnames(of: name) { index.serviceByHostname[hostname] = name }
            shortNames[name.name] = name
        }
        let named = services.all.filter { !$0.hostnames.isEmpty }
        for service in named.sorted(by: { $0.metadata.position < $1.metadata.position }) {
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

    private mutating func findPolicies() {
        for (number, policy) in policies.enumerated() {
            let namespace = policy.metadata.name.namespace
            guard !policy.targets.isNamespace else {
                index.policiesByNamespace[namespace, default: []].append(number)
                continue
            }
            for target in policy.targets.services {
                let name = ResourceName(namespace: namespace, name: target.value)
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
