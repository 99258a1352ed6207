package import Diagnostics

/// Which PeerAuthentication decides for a service: one that names it, else its namespace's, else the mesh's.
package struct PeerModes: Sendable {
    /// What one of them is for.
    fileprivate enum Scope: Hashable {
        case service(ResourceName)
        case namespace(String)
        case mesh
    }

    private var byScope: [Scope: Placed] = [:]
    /// Two that are for the same, of which neither is more specific.
    private(set) var conflicts: [Diagnostic] = []

    /// One of them, and where it says what it is for.
    private struct Placed {
        let peer: PeerAuthentication
        let position: SourcePosition
    }

    package init(_ all: [PeerAuthentication]) {
        for peer in all.sorted(by: { $0.metadata.position < $1.metadata.position }) {
            for (scope, position) in peer.scopes {
                if let first = byScope[scope] {
                    conflicts.append(Self.conflict(peer, at: position, with: first.peer, at: first.position, scope))
                } else {
                    byScope[scope] = Placed(peer: peer, position: position)
                }
            }
        }
    }

    /// - Returns: `nil`: none is for it, and it is `STRICT`.
    package func decisive(for service: ResourceName) -> PeerAuthentication? {
        (byScope[.service(service)] ?? byScope[.namespace(service.namespace)] ?? byScope[.mesh])?.peer
    }

    package func isPermissive(_ service: ResourceName) -> Bool { decisive(for: service)?.mode.value == .permissive }

    private static func conflict(
        _ peer: PeerAuthentication, at position: SourcePosition, with first: PeerAuthentication,
        at firstPosition: SourcePosition, _ scope: Scope
    ) -> Diagnostic {
        let isSame = peer.metadata.name == first.metadata.name
        let second = "a second PeerAuthentication for \(scope.text), \(peer.metadata.name)"
        return Diagnostic(
            .conflictingPeerModes, at: position, found: isSame ? "\(scope.text) a second time" : second,
            expected: "one at most: of two neither is more specific",
            remedy: isSame
                ? "remove it: it stands at \(firstPosition) already"
                : "merge it with \(first.metadata.name), at \(firstPosition)")
    }
}

extension PeerModes.Scope {
    fileprivate var text: String {
        switch self {
        case .service(let name): "Service \(Diagnostic.quoted(name.name))"
        case .namespace(let name): "namespace \(Diagnostic.quoted(name))"
        case .mesh: "the mesh"
        }
    }
}

extension PeerAuthentication {
    /// What it is for, each with its place.
    fileprivate var scopes: [(scope: PeerModes.Scope, position: SourcePosition)] {
        let namespace = metadata.name.namespace
        guard !targets.isEmpty else { return [(.namespace(namespace), metadata.position)] }
        return targets.map { target in
            switch target {
            case .service(let name):
                (.service(ResourceName(namespace: namespace, name: name.value)), name.position)
            case .mesh(let name): (.mesh, name.position)
            }
        }
    }
}

extension Diagnostic.Code {
    /// Two PeerAuthentications for the same.
    package static let conflictingPeerModes = Self("manifest.conflicting-peer-modes")
}
