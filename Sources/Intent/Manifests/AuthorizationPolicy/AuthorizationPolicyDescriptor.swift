import Diagnostics

extension AuthorizationPolicy {
    package var references: [Reference] {
        let (kind, other): (ResourceKind, ResourceKind)
        let code: Diagnostic.Code
        switch targets {
        case .namespace: return []
        case .services: (kind, other, code) = (.service, .config, .unknownService)
        case .resources(let own, _): (kind, other, code) = (own, .service, .unknownConfig)
        }
        return targets.names.map { name in
            let full = ResourceName(namespace: metadata.name.namespace, name: name.value)
            return Reference(
                "targetRefs", to: kind, Located(full, at: name.position), code,
                or: .init(other, remedy: "write kind: \(other.rawValue) in the targetRef"))
        }
    }

    /// It is for a service, by name or as all of its namespace.
    func targets(_ service: ResourceName) -> Bool {
        guard metadata.name.namespace == service.namespace else { return false }
        return targets.isNamespace || targets.services.contains { $0.value == service.name }
    }

    /// It is for a resource that Heddle answers for itself, by name; or it denies for a whole namespace.
    package func targets(_ kind: ResourceKind, _ name: ResourceName) -> Bool {
        guard metadata.name.namespace == name.namespace else { return false }
        switch targets {
        case .namespace: return action != .allow
        case .services: return false
        case .resources(let own, let names): return own == kind && names.contains { $0.value == name.name }
        }
    }

    static let descriptor = KindDescriptor(
        AuthorizationPolicy.self, plural: "authorizationpolicies", short: ["policy", "policies", "ap"],
        decode: AuthorizationPolicy.init,
        columns: [
            Column("ACTION") { $0.action.rawValue },
            Column("MODE") { $0.action == .audit ? "" : $0.mode.rawValue },
            Column("TARGETS") { $0.targets.text },
            Column("RULES") { String($0.rules.count) },
        ])
}

extension PolicyTargets {
    fileprivate var text: String {
        switch self {
        case .namespace: "all"
        case .services(let names): names.map(\.value).joined(separator: ",")
        case .resources(let kind, let names): names.map { "\(kind.rawValue) \($0.value)" }.joined(separator: ",")
        }
    }
}
