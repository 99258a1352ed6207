package import Diagnostics
import Manifests
import MeshSnapshot

/// Services that take calls in plain and let none of them in: rules name callers, and who calls so is nobody.
enum PlainCallersRefused {
    /// - Returns: A warning for each PeerAuthentication that opens a port of such a service.
    static func check(_ snapshot: MeshSnapshot) -> [Diagnostic] {
        guard snapshot.mesh.defaultAction == .deny else { return [] }
        let letting = Scopes(
            of: snapshot.policies.filter {
                $0.action == .allow && $0.isEnforced && $0.rules.contains(where: \.canMatchNobody)
            })
        var byPeer: [(peer: PeerAuthentication, services: [ResourceName])] = []
        var indices: [ResourceName: Int] = [:]
        let open = Set(snapshot.workloads.lazy.filter { $0.inboundPlain != nil }.compactMap(\.serviceName))
        for service in open.sorted() where snapshot.peerModes.isPermissive(service) && !letting.contains(service) {
            guard let peer = snapshot.peerModes.decisive(for: service) else { continue }
            let index = indices[peer.metadata.name] ?? byPeer.count
            if index == byPeer.count { byPeer.append((peer, [])) }
            indices[peer.metadata.name] = index
            byPeer[index].services.append(service)
        }
        return byPeer.map { warning($0.peer, $0.services) }
    }

    private static func warning(_ peer: PeerAuthentication, _ services: [ResourceName]) -> Diagnostic {
        let names = services.prefix(3).map { "\($0)" }.joined(separator: ", ")
        let rest = services.count > 3 ? " and \(services.count - 3) more" : ""
        return Diagnostic(
            .plainCallersRefused, .warning, at: peer.mode.position,
            found: "mode PERMISSIVE, and no rule that lets a caller without identity in to \(names)\(rest)",
            expected: "an ALLOW rule that does not ask who calls: plain calls get 403 as it is",
            remedy: "add one with the addresses of those who are left: from: [{source: {ipBlocks: [192.0.2.31], "
                + "notPrincipals: [\"*\"]}}]")
    }
}

extension PolicyRule {
    /// Whether a caller without identity can match, from some address.
    fileprivate var canMatchNobody: Bool {
        let asksForCaller = when.contains { condition in
            switch condition.key {
            case .sourcePrincipal, .sourceNamespace: !condition.strings.values.isEmpty
            case .sourceIP, .requestHeader, .destinationIP, .destinationPort, .connectionSNI: false
            }
        }
        if asksForCaller { return false }
        return from.isEmpty
            || from.contains { source in
                source.principals.values.isEmpty && source.serviceAccounts.values.isEmpty
                    && source.namespaces.values.isEmpty && source.trustDomains.values.isEmpty
                    && source.requestPrincipals.values.isEmpty
            }
    }
}

extension Diagnostic.Code {
    /// A Service takes calls in plain, and no rule lets one of them in.
    package static let plainCallersRefused = Self("policy.plain-callers-refused")
}
