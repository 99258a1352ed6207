package import Diagnostics
package import Manifests
package import MeshSnapshot

extension Diagnostic.Code {
    /// A DENY for a service to which nothing allows calls: it takes nothing away.
    package static let loneDeny = Self("policy.lone-deny")
    /// An ALLOW that names what it leaves out instead of what it lets in.
    package static let allowWithNotPaths = Self("policy.allow-with-not-paths")
    /// A rule, or a policy without rules, that no call can match.
    package static let neverMatches = Self("policy.never-matches")
    /// A rule that another rule of the same action already covers.
    package static let redundantRule = Self("policy.redundant-rule")
    /// A final `{**}` in an ALLOW that leaves out the path before its slash.
    package static let allowBelowOnly = Self("policy.allow-below-only")
    /// A policy for a namespace without services.
    package static let noTarget = Self("policy.no-target")
    /// A rule about HTTP for a TCP Service, whose connections have none of it: a DENY matches them all, an ALLOW none.
    package static let httpOnTCP = Self("policy.http-on-tcp")
    /// A rule names a caller, or callers of a namespace, that the mesh does not have.
    package static let unknownCaller = Self("policy.unknown-caller")
    /// A policy for a service whose calls its routes send elsewhere: those are other policies' to decide.
    package static let neverAsked = Self("policy.never-asked")
    /// A Config that no ALLOW names: nobody may read it.
    package static let noReader = Self("config.no-reader")
    /// An ALLOW that asks nothing of the caller.
    package static let allowForEveryone = Self("policy.allow-for-everyone")
}

/// What is worth a second look in policies that are valid. Takes time in proportion to the rules: redundancy is looked up
/// by what rules ask for, never found by comparing each with each.
package enum PolicyLint {
    /// - Returns: warnings, ordered by position.
    package static func check(_ snapshot: MeshSnapshot) -> [Diagnostic] {
        let found = check(
            policies: snapshot.policies, services: snapshot.services.names,
            tcpServices: Set(snapshot.services.lazy.filter { $0.protocol == .tcp }.map(\.metadata.name)),
            configs: snapshot.resources[Config.self].map(\.metadata.name),
            defaultAction: snapshot.mesh.defaultAction,
            callers: UnknownCallers(known: snapshot.serviceAccounts, trustDomain: snapshot.mesh.trustDomain))
        let unasked = neverAsked(snapshot) + PlainCallersRefused.check(snapshot) + withoutReader(snapshot)
        return unasked.isEmpty ? found : (found + unasked).sorted { $0.position < $1.position }
    }

    /// Policies are asked for the service whose workload receives a call, and for no other.
    private static func neverAsked(_ snapshot: MeshSnapshot) -> [Diagnostic] {
        var away = RoutedAway(snapshot)
        // By service: many policies may be for one.
        var remedies: [ResourceName: String?] = [:]
        var found: [Diagnostic] = []
        for policy in snapshot.policies {
            for target in policy.targets.services {
                let service = ResourceName(namespace: policy.metadata.name.namespace, name: target.value)
                let remedy = remedies[service] ?? (away.contains(service) ? targetRemedy(service, away) : nil)
                remedies[service] = .some(remedy)
                guard let remedy else { continue }
                found.append(
                    Diagnostic(
                        .neverAsked, .warning, at: target.position,
                        found: "a policy for Service \(Diagnostic.quoted(service.name)), whose calls its routes send "
                            + "elsewhere",
                        expected: "a Service that receives calls: policies are asked for those", remedy: remedy))
            }
        }
        return found
    }

    /// Whatever becomes of a Config goes by the rules of who is told of it: where none lets anybody in, it is of no use.
    private static func withoutReader(_ snapshot: MeshSnapshot) -> [Diagnostic] {
        let configs = snapshot.resources[Config.self]
        guard !configs.isEmpty else { return [] }
        let asked = ResourcePolicies.all(in: snapshot)
        return configs.filter { config in
            let policies = asked[ResourceIdentity(.config, config.metadata.name)] ?? []
            return !policies.contains { $0.action == .allow && $0.isEnforced && !$0.rules.isEmpty }
        }.map { config in
            Diagnostic(
                .noReader, .warning, at: config.metadata.position,
                found: "Config \(Diagnostic.quoted(config.metadata.name.name)), which nobody may read",
                expected: "an ALLOW policy that names it",
                remedy:
                    "add an AuthorizationPolicy with targetRefs: [{kind: Config, name: \(config.metadata.name.name)}]")
        }
    }

    private static func targetRemedy(_ service: ResourceName, _ away: RoutedAway) -> String {
        let receivers = away.receivers(ofCallsTo: service)
        guard !receivers.isEmpty else { return "write policies for the Services that are to receive them" }
        let names = receivers.prefix(4).map { Diagnostic.quoted("\($0)") }.joined(separator: ", ")
        return "write policies for what receives them: \(names)" + (receivers.count > 4 ? ", …" : "")
    }

    /// - Parameters:
    ///   - services: all of the mesh.
    ///   - tcpServices: those of them that speak TCP.
    ///   - configs: all of the mesh.
    ///   - callers: who there is; `nil`: that is not looked at.
    /// - Returns: warnings, ordered by position.
    package static func check(
        policies: [AuthorizationPolicy], services: some Collection<ResourceName>,
        tcpServices: Set<ResourceName> = [], configs: [ResourceName] = [], defaultAction: DefaultAction,
        callers: UnknownCallers? = nil
    ) -> [Diagnostic] {
        var found: [Diagnostic] = []
        var callers = callers
        let connections = HTTPOnTCP(tcpServices, policies: policies)
        let servedNamespaces = Set(services.map(\.namespace))
        let configNamespaces = Set(configs.map(\.namespace))
        let allowing = policies.filter { $0.action == .allow && !$0.rules.isEmpty }
        let allowed = Scopes(of: allowing.filter(\.isEnforced))
        // One in Shadow takes something away if it is enforced together with an ALLOW that is there, too.
        let allowedInShadow = Scopes(of: allowing)
        for policy in policies {
            let namespace = policy.metadata.name.namespace
            // An ALLOW that names none is for no Config.
            if policy.targets.isNamespace, !servedNamespaces.contains(namespace),
                policy.action == .allow || !configNamespaces.contains(namespace)
            {
                found.append(noTarget(policy))
            }
            if policy.rules.isEmpty { found.append(noRules(policy)) }
            // Nothing but an ALLOW lets anybody in to a Config, whatever the default action is.
            if policy.action == .deny, defaultAction == .deny || !policy.targets.areServices,
                !(policy.isEnforced ? allowed : allowedInShadow).touch(policy)
            {
                let missing =
                    allowedInShadow.touch(policy)
                    ? "no ALLOW policy beside it is enforced" : "no ALLOW policy beside it"
                if let rule = policy.rules.first { found.append(loneDeny(rule, missing)) }
            }
            connections.check(policy, &found)
            callers?.check(policy, &found)
            for rule in policy.rules {
                if let why = NeverMatching.reason(rule) { found.append(why) }
                if policy.action == .allow { checkAllow(rule, ofServices: policy.targets.areServices, &found) }
            }
        }
        RedundantRules.check(policies.filter(\.targets.areServices), &found)
        RedundantRules.check(policies.filter { !$0.targets.areServices }, &found)
        return found.sorted { $0.position < $1.position }
    }

    private static func checkAllow(_ rule: PolicyRule, ofServices: Bool, _ found: inout [Diagnostic]) {
        for operation in rule.to {
            guard let first = operation.paths.notValues.first else { continue }
            found.append(
                Diagnostic(
                    .allowWithNotPaths, .warning, at: first.position, found: "notPaths in an ALLOW policy",
                    expected: "paths: what is not listed here is let in, what is added later too",
                    remedy:
                        "list the paths to let in under paths, or let all in and deny these in a DENY policy beside it")
            )
        }
        // Of a Config each value is asked for by itself: what is above them is none.
        if ofServices { for operation in rule.to { checkBelowOnly(operation.paths.values, &found) } }
        if isForEveryone(rule) {
            found.append(
                Diagnostic(
                    .allowForEveryone, .warning, at: rule.position.position,
                    found: "an ALLOW rule that asks nothing of the caller", expected: "a source that says who may call",
                    remedy: "add from.source.serviceAccounts; for any caller of the mesh, write principals: [\"*\"]"))
        }
    }

    private static func checkBelowOnly(_ paths: [Located<PathPattern>], _ found: inout [Diagnostic]) {
        guard paths.contains(where: { $0.value.base != nil }) else { return }
        let listed = ListedPaths(paths.lazy.map(\.value))
        for path in paths {
            guard let base = path.value.base, !listed.takes(base) else { continue }
            let text = base.text
            found.append(
                Diagnostic(
                    .allowBelowOnly, .warning, at: path.position,
                    found: "{**} in an ALLOW rule that does not list \"\(text)\" itself",
                    expected: "both, or only what is below: in an ALLOW rule {**} needs the slash before it",
                    remedy: "add \"\(text)\" if it is to be let in, or write \"\(text)/*\" if it is not"))
        }
    }

    /// Whether a caller without identity, from anywhere, can match.
    private static func isForEveryone(_ rule: PolicyRule) -> Bool {
        let asksForSource = rule.when.contains { condition in
            switch condition.key {
            case .sourceIP: !condition.blocks.values.isEmpty
            case .sourcePrincipal, .sourceNamespace: !condition.strings.values.isEmpty
            case .requestHeader, .destinationIP, .destinationPort, .connectionSNI: false
            }
        }
        if asksForSource { return false }
        return rule.from.isEmpty
            || rule.from.contains { source in
                source.principals.values.isEmpty && source.serviceAccounts.values.isEmpty
                    && source.namespaces.values.isEmpty && source.trustDomains.values.isEmpty
                    && source.requestPrincipals.values.isEmpty && source.ipBlocks.values.isEmpty
                    && source.remoteIpBlocks.values.isEmpty
            }
    }

    private static func noTarget(_ policy: AuthorizationPolicy) -> Diagnostic {
        let namespace = policy.metadata.name.namespace
        return Diagnostic(
            .noTarget, .warning, at: policy.metadata.position,
            found: "a policy for every Service of namespace \"\(namespace)\", which has none",
            expected: "a namespace with a Service", remedy: "correct metadata.namespace, or add the Service")
    }

    private static func noRules(_ policy: AuthorizationPolicy) -> Diagnostic {
        Diagnostic(
            .neverMatches, .warning, at: policy.metadata.position, found: "a policy without rules",
            expected: "rules: a policy without them matches no call",
            remedy: "add rules that say which calls are meant")
    }

    /// - Parameter missing: What it would take something away from.
    private static func loneDeny(_ rule: PolicyRule, _ missing: String) -> Diagnostic {
        if let path = rule.to.lazy.compactMap(\.paths.values.first).first {
            return Diagnostic(
                .loneDeny, .warning, at: path.position, found: "paths in a DENY policy, and \(missing)",
                expected: "an ALLOW for the other paths: what no rule allows is denied as it is",
                remedy:
                    "if all other paths are to be let in, add an ALLOW policy that says who may call, and keep this one"
            )
        }
        return Diagnostic(
            .loneDeny, .warning, at: rule.position.position, found: "a DENY policy, and \(missing)",
            expected: "an ALLOW to take something away from: what no rule allows is denied as it is",
            remedy: "add an ALLOW policy for the calls that may pass")
    }
}

/// The services and resources that some policies are for.
struct Scopes {
    private var namespaces: Set<String> = []
    private var services: Set<ResourceName> = []
    private var resources: Set<ResourceIdentity> = []
    /// Of those two.
    private var namespacesOfNamed: Set<String> = []

    init(of policies: [AuthorizationPolicy]) {
        for policy in policies {
            let namespace = policy.metadata.name.namespace
            switch policy.targets {
            case .namespace: namespaces.insert(namespace)
            case .services(let names):
                for name in names { services.insert(ResourceName(namespace: namespace, name: name.value)) }
                namespacesOfNamed.insert(namespace)
            case .resources(let kind, let names):
                for name in names {
                    resources.insert(ResourceIdentity(kind, ResourceName(namespace: namespace, name: name.value)))
                }
                namespacesOfNamed.insert(namespace)
            }
        }
    }

    /// Whether one of the policies is for a service.
    func contains(_ service: ResourceName) -> Bool {
        namespaces.contains(service.namespace) || services.contains(service)
    }

    /// Whether one of the policies, which allow, is for something that `policy` is for.
    func touch(_ policy: AuthorizationPolicy) -> Bool {
        let namespace = policy.metadata.name.namespace
        switch policy.targets {
        case .namespace: return namespaces.contains(namespace) || namespacesOfNamed.contains(namespace)
        case .services(let names):
            return namespaces.contains(namespace)
                || names.contains { services.contains(ResourceName(namespace: namespace, name: $0.value)) }
        case .resources(let kind, let names):
            return names.contains {
                resources.contains(ResourceIdentity(kind, ResourceName(namespace: namespace, name: $0.value)))
            }
        }
    }
}

extension PathPattern {
    /// Of a template that ends in `{**}`: what stands before it; `nil` where nothing does, and for all others.
    fileprivate var base: [Segment]? {
        guard case .template(let segments, matchesRest: true) = self, !segments.isEmpty else { return nil }
        return segments
    }
}
