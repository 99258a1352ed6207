import Diagnostics
import Manifests

/// Rules about HTTP for services that speak TCP. A connection has no path to look at: a DENY rule that names one matches
/// whatever comes, so that nothing slips by it, and an ALLOW rule that names one lets nothing in.
struct HTTPOnTCP {
    private let services: Set<ResourceName>
    /// The first of each namespace by name.
    private let byNamespace: [String: ResourceName]
    /// The first of each namespace that no ALLOW rule can let connections in to.
    private let closedByNamespace: [String: ResourceName]
    /// The same, if policies in Shadow were enforced.
    private let closedInShadow: [String: ResourceName]

    /// - Parameter policies: All of the mesh.
    init(_ tcpServices: Set<ResourceName>, policies: [AuthorizationPolicy]) {
        services = tcpServices
        byNamespace = Dictionary(tcpServices.map { ($0.namespace, $0) }, uniquingKeysWith: min)
        let allowing = policies.filter {
            $0.action == .allow && $0.rules.contains { $0.neededOfHTTP == nil }
        }
        closedByNamespace = Self.closed(tcpServices, to: allowing.filter(\.isEnforced))
        closedInShadow = Self.closed(tcpServices, to: allowing)
    }

    private static func closed(
        _ services: Set<ResourceName>, to policies: [AuthorizationPolicy]
    ) -> [String: ResourceName] {
        var open: Set<ResourceName> = []
        var openNamespaces: Set<String> = []
        for policy in policies {
            if policy.targets.isNamespace { openNamespaces.insert(policy.metadata.name.namespace) }
            open.formUnion(policy.namedServices)
        }
        return Dictionary(
            services.lazy.filter { !open.contains($0) && !openNamespaces.contains($0.namespace) }
                .map { ($0.namespace, $0) }, uniquingKeysWith: min)
    }

    func check(_ policy: AuthorizationPolicy, _ found: inout [Diagnostic]) {
        guard policy.targets.areServices else { return }
        let namespace = policy.metadata.name.namespace
        let targets = policy.namedServices
        switch policy.action {
        case .deny, .audit:
            guard
                let service = targets.first(where: services.contains)
                    ?? (targets.isEmpty ? byNamespace[namespace] : nil)
            else { return }
            for rule in policy.rules {
                guard let (name, position) = rule.firstOfHTTP else { continue }
                found.append(
                    Diagnostic(
                        .httpOnTCP, .warning, at: position,
                        found:
                            "\(name) in \(policy.action == .deny ? "a DENY" : "an AUDIT") rule for TCP Service \(Diagnostic.quoted(service.name))",
                        expected: "what a connection has: without \(name) to look at, the rule matches whatever comes",
                        remedy: "say by callers, addresses and ports what is to be "
                            + (policy.action == .deny ? "denied there" : "told of there")))
            }
        case .allow:
            // Where a whole namespace is meant, a service that another rule opens is none that was forgotten.
            guard
                let service = targets.first(where: services.contains)
                    ?? (targets.isEmpty ? (policy.isEnforced ? closedByNamespace : closedInShadow)[namespace] : nil)
            else { return }
            for rule in policy.rules {
                guard let (name, position) = rule.neededOfHTTP else { continue }
                found.append(
                    Diagnostic(
                        .httpOnTCP, .warning, at: position,
                        found: "\(name) in an ALLOW rule for TCP Service \(Diagnostic.quoted(service.name))",
                        expected: "what a connection has: without \(name) to look at, the rule matches nothing there",
                        remedy: "say by callers, addresses and ports what is to be allowed there"))
            }
        }
    }
}

extension AuthorizationPolicy {
    /// Empty: all of its namespace are meant.
    fileprivate var namedServices: [ResourceName] {
        targets.services.map { ResourceName(namespace: metadata.name.namespace, name: $0.value) }
    }
}

/// An attribute of HTTP, and where a rule asks for it.
private typealias Asked = (name: String, position: SourcePosition)

extension PolicyRule {
    /// The first attribute of HTTP that any part of the rule asks for.
    fileprivate var firstOfHTTP: Asked? {
        from.lazy.compactMap(\.ofHTTP).first ?? to.lazy.compactMap(\.ofHTTP).first
            ?? when.lazy.compactMap(\.ofHTTP).first
    }

    /// The first that a call has to have to match: one that every item of a list asks for, or a condition.
    fileprivate var neededOfHTTP: Asked? {
        let sources = from.compactMap(\.ofHTTP)
        if let first = sources.first, sources.count == from.count { return first }
        let operations = to.compactMap(\.ofHTTP)
        if let first = operations.first, operations.count == to.count { return first }
        return when.lazy.compactMap(\.ofHTTP).first
    }
}

extension PolicySource {
    fileprivate var ofHTTP: Asked? {
        requestPrincipals.firstPosition.map { ("requestPrincipals", $0) }
    }
}

extension PolicyOperation {
    fileprivate var ofHTTP: Asked? {
        hosts.firstPosition.map { ("hosts", $0) } ?? methods.firstPosition.map { ("methods", $0) }
            ?? paths.firstPosition.map { ("paths", $0) }
    }
}

extension PolicyCondition {
    fileprivate var ofHTTP: Asked? {
        guard case .requestHeader(let name) = key else { return nil }
        return ("request.headers[\(name)]", position)
    }
}
