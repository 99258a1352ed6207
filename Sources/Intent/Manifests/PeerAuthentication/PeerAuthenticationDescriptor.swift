import Diagnostics

extension PeerAuthentication {
    package var references: [Reference] {
        targets.map { target in
            switch target {
            case .service(let name):
                Reference("targetRefs", to: .service, name, in: metadata.name.namespace, .unknownService)
            case .mesh(let name):
                Reference("targetRefs", to: .mesh, name, in: metadata.name.namespace, .invalidValue)
            }
        }
    }

    static let descriptor = KindDescriptor(
        PeerAuthentication.self, short: ["pa"], decode: PeerAuthentication.init,
        columns: [
            Column("MODE") { $0.mode.value.rawValue },
            Column("TARGETS") { peer in
                peer.targets.isEmpty ? "all" : peer.targets.map(\.text).joined(separator: ",")
            },
        ],
        sections: { peer, set in
            let modes = PeerModes(set[PeerAuthentication.self].all)
            let services = set[Service.self].names.filter {
                modes.decisive(for: $0)?.metadata.name == peer.metadata.name
            }
            return [
                DescriptionSection(key: "services", name: "Decides for", lines: services.sorted().map { "\($0)" })
            ]
        },
        mistakes: { set in
            let all = set[PeerAuthentication.self].all
            return PeerModes(all).conflicts + all.flatMap { $0.otherMeshes(in: set) }
        })

    /// There is one Mesh, whatever it is called: another name is a mistake, and perhaps another kind was meant.
    private func otherMeshes(in set: ResourceSet) -> [Diagnostic] {
        let mesh = (set[Mesh.self].first ?? .standard).metadata.name.name
        return targets.compactMap { target in
            guard case .mesh(let name) = target, name.value != mesh else { return nil }
            return Diagnostic(
                .invalidValue, at: name.position, found: Diagnostic.quoted(name.value),
                expected: "the name of the Mesh, \(Diagnostic.quoted(mesh))",
                remedy: "change it to \(Diagnostic.quoted(mesh)) if all services of the mesh are meant")
        }
    }
}

extension PeerAuthentication.Target {
    fileprivate var text: String {
        switch self {
        case .service(let name): name.value
        case .mesh: "mesh"
        }
    }
}

extension Service {
    /// Whom it is called by, why, and where in plain, a line each.
    func peerLines(in set: ResourceSet, workloads: [Workload]) -> [String] {
        let modes = PeerModes(set[PeerAuthentication.self].all)
        let peer = modes.decisive(for: metadata.name)
        let why = peer.map { "PeerAuthentication \($0.metadata.name), \($0.metadata.position)" }
        let isPermissive = modes.isPermissive(metadata.name)
        let mode: PeerMode = isPermissive ? .permissive : .strict
        let ports = workloads.compactMap { workload in
            workload.inboundPlain.map { plain in
                let node = workload.node.map { " on node \($0.value)" } ?? ""
                return "\(plain.value)\(node)\(isPermissive ? "" : ": closed") (Workload \(workload.metadata.name))"
            }
        }
        return ["\(mode.rawValue) (\(why ?? "the default"))"] + ports.map { "in plain at \($0)" }
    }
}
