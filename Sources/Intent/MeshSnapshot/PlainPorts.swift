import Diagnostics
import Manifests

/// Ports for plain calls and the PeerAuthentications that open them, where one is there without the other.
struct PlainPorts {
    private let snapshot: MeshSnapshot
    /// Services with a port that is open.
    private let services: Set<ResourceName>
    /// Those that have opened one.
    private let openers: Set<ResourceName>

    init(_ snapshot: MeshSnapshot) {
        self.snapshot = snapshot
        let peers = snapshot.peerModes
        services = Set(
            snapshot.workloads.lazy.filter { $0.inboundPlain != nil }.compactMap(\.serviceName)
                .filter(peers.isPermissive))
        openers = Set(services.compactMap { peers.decisive(for: $0)?.metadata.name })
    }

    /// - Returns: Warnings: nobody is let in who should not be.
    func check() -> [Diagnostic] {
        snapshot.workloads.compactMap(closedPort) + snapshot.resources[PeerAuthentication.self].flatMap(openedNowhere)
    }

    private func closedPort(of workload: Workload) -> Diagnostic? {
        guard let plain = workload.inboundPlain, let service = workload.serviceName, !services.contains(service) else {
            return nil
        }
        let peer = snapshot.peerModes.decisive(for: service)
        let why = peer.map { "mode: STRICT at \($0.mode.position)" } ?? "the default, STRICT"
        return Diagnostic(
            .plainPortClosed, .warning, at: plain.position,
            found: "inbound.plain of Workload \(Diagnostic.quoted(workload.metadata.name.name)), "
                + "whose Service \(Diagnostic.quoted(service.name)) takes no plain calls",
            expected: "a PeerAuthentication with mode: PERMISSIVE for it: nothing listens there, by \(why)",
            remedy: "remove inbound, unless the Service is to take plain calls")
    }

    /// Of one that is PERMISSIVE, what it names no port for.
    private func openedNowhere(_ peer: PeerAuthentication) -> [Diagnostic] {
        guard peer.mode.value == .permissive else { return [] }
        let name = peer.metadata.name
        let opensOne = openers.contains(name)
        guard !peer.targets.isEmpty else {
            let whose = "any Service of namespace \(Diagnostic.quoted(name.namespace))"
            return opensOne ? [] : [Self.openedNowhere(whose, at: peer.mode.position)]
        }
        return peer.targets.compactMap { target in
            switch target {
            case .service(let service):
                services.contains(ResourceName(namespace: name.namespace, name: service.value))
                    ? nil : Self.openedNowhere("Service \(Diagnostic.quoted(service.value))", at: service.position)
            case .mesh(let mesh):
                opensOne ? nil : Self.openedNowhere("any Service of the mesh", at: mesh.position)
            }
        }
    }

    private static func openedNowhere(_ whose: String, at position: SourcePosition) -> Diagnostic {
        Diagnostic(
            .permissiveWithoutPort, .warning, at: position,
            found: "mode PERMISSIVE, and no port for plain calls to \(whose)",
            expected: "a Workload with inbound.plain: until there is one nobody calls in plain",
            remedy:
                "change the mode to STRICT, or name the port: inbound: {plain: \"ADDRESS:PORT\"} of its Workload")
    }
}
