import Diagnostics
import Manifests
import SPIFFE

/// Callers that rules name, and nobody is: an ALLOW lets nobody in then, and a DENY keeps nobody out.
package struct UnknownCallers {
    private let accounts: Set<ResourceName>
    private let namespaces: Set<String>
    private let trustDomain: TrustDomain
    /// For suggestions.
    private let accountNames: [String]

    /// - Parameter known: every service account of the mesh.
    package init(known: Set<ResourceName>, trustDomain: TrustDomain) {
        accounts = known
        namespaces = Set(known.map(\.namespace))
        self.trustDomain = trustDomain
        accountNames = known.map(\.description).sorted()
    }

    func check(_ policy: AuthorizationPolicy, _ found: inout [Diagnostic]) {
        for rule in policy.rules {
            for source in rule.from {
                for account in source.serviceAccounts.all { checkAccount(account.value, account.position, &found) }
                for namespace in source.namespaces.all { checkNamespace(namespace, &found) }
                for principal in source.principals.all { checkPrincipal(principal, &found) }
            }
            for condition in rule.when {
                switch condition.key {
                case .sourceNamespace: for namespace in condition.strings.all { checkNamespace(namespace, &found) }
                case .sourcePrincipal: for principal in condition.strings.all { checkPrincipal(principal, &found) }
                case .requestHeader, .sourceIP, .destinationIP, .destinationPort, .connectionSNI: break
                }
            }
        }
    }

    private func checkAccount(_ account: ResourceName, _ position: SourcePosition, _ found: inout [Diagnostic]) {
        guard !accounts.contains(account) else { return }
        let near = NearestName(to: "\(account)", among: accountNames)
        found.append(
            Diagnostic(
                .unknownCaller, .warning, at: position, found: "the service account \(account), which nobody has",
                expected: "the service account of a Workload or Gateway",
                remedy: near?.remedy ?? "correct it, or add the Workload that has it"))
    }

    private func checkNamespace(_ pattern: Located<StringPattern>, _ found: inout [Diagnostic]) {
        guard case .exact(let namespace) = pattern.value, !namespaces.contains(namespace) else { return }
        let near = NearestName(to: namespace, among: namespaces.sorted())
        found.append(
            Diagnostic(
                .unknownCaller, .warning, at: pattern.position,
                found: "the namespace \(Diagnostic.quoted(namespace)), in which nobody is",
                expected: "the namespace of a Workload or Gateway",
                remedy: near?.remedy ?? "correct it, or add a Workload to it"))
    }

    /// As SPIFFE or Istio writes them, with or without `spiffe://`. Callers of other trust domains are refused before a rule is
    /// asked.
    private func checkPrincipal(_ pattern: Located<StringPattern>, _ found: inout [Diagnostic]) {
        guard case .exact(let text) = pattern.value else { return }
        let id = SPIFFEID(text.hasPrefix("spiffe://") ? text : "spiffe://\(text)")
        guard let id, id.trustDomain == trustDomain else {
            return found.append(stranger(text, id, pattern.position))
        }
        guard let account = id.serviceAccount else { return }
        checkAccount(ResourceName(namespace: account.namespace, name: account.name), pattern.position, &found)
    }

    private func stranger(_ text: String, _ id: SPIFFEID?, _ position: SourcePosition) -> Diagnostic {
        // What was probably meant: the account of the same name here, or one that is written as under serviceAccounts.
        let meant =
            id?.serviceAccount.map { ResourceName(namespace: $0.namespace, name: $0.name) }
            ?? accounts.first { text == "\($0)" || text == "spiffe://\($0)" }
        let remedy =
            meant.flatMap { accounts.contains($0) ? $0 : nil }.map {
                SPIFFEID(trustDomain: trustDomain, namespace: $0.namespace, serviceAccount: $0.name)
            }.map { "change it to \(Diagnostic.quoted($0.description))" }
        return Diagnostic(
            .unknownCaller, .warning, at: position,
            found: "the principal \(Diagnostic.quoted(text)), "
                + (id == nil ? "which is no SPIFFE ID" : "of another trust domain, of which nobody is let in"),
            expected: "a SPIFFE ID of this mesh's trust domain, \(Diagnostic.quoted(trustDomain.name))",
            remedy: remedy ?? "write it as \"\(trustDomain.name)/ns/NAMESPACE/sa/ACCOUNT\"")
    }
}

extension ValueMatch {
    fileprivate var all: [Located<Pattern>] { values + notValues }
}
