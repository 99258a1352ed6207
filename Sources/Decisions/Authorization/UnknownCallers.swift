import Diagnostics
package import Manifests
package import SPIFFE

/// Callers that rules name, and nobody is: an ALLOW lets nobody in then, and a DENY keeps nobody out.
package struct UnknownCallers {
    private let accounts: Set<ResourceName>
    private let namespaces: Set<String>
    private let trustDomain: TrustDomain
    /// For suggestions.
    private let sortedAccounts: [ResourceName]
    private let sortedNamespaces: [String]
    /// Suggestions left to make: looking for one compares with every name there is.
    private var suggestionsLeft = 50

    /// - Parameter known: every service account of the mesh.
    package init(known: Set<ResourceName>, trustDomain: TrustDomain) {
        accounts = known
        namespaces = Set(known.map(\.namespace))
        self.trustDomain = trustDomain
        sortedAccounts = known.sorted()
        sortedNamespaces = namespaces.sorted()
    }

    mutating func check(_ policy: AuthorizationPolicy, _ found: inout [Diagnostic]) {
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

    private mutating func checkAccount(
        _ account: ResourceName, _ position: SourcePosition, _ found: inout [Diagnostic]
    ) {
        guard !accounts.contains(account) else { return }
        let near = nearest(to: "\(account)", among: sortedAccounts.lazy.map(\.description))
        found.append(
            Diagnostic(
                .unknownCaller, .warning, at: position, found: "the service account \(account), which nobody has",
                expected: "the service account of a Workload or Gateway",
                remedy: near?.remedy ?? "correct it, or add the Workload that has it"))
    }

    private mutating func checkNamespace(_ pattern: Located<StringPattern>, _ found: inout [Diagnostic]) {
        guard case .exact(let namespace) = pattern.value, !namespaces.contains(namespace) else { return }
        let near = nearest(to: namespace, among: sortedNamespaces)
        found.append(
            Diagnostic(
                .unknownCaller, .warning, at: pattern.position,
                found: "the namespace \(Diagnostic.quoted(namespace)), in which nobody is",
                expected: "the namespace of a Workload or Gateway",
                remedy: near?.remedy ?? "correct it, or add a Workload to it"))
    }

    /// Callers of other trust domains are refused before a rule is asked.
    private mutating func checkPrincipal(_ pattern: Located<StringPattern>, _ found: inout [Diagnostic]) {
        switch pattern.value {
        case .exact(let text):
            let principal = WrittenPrincipal(text)
            if !isKnown(principal) { found.append(unknown(principal, pattern.position)) }
        case .prefix(let text):
            let principal = WrittenPrincipal(text)
            // `s*` may be the scheme's beginning.
            guard !WrittenPrincipal.scheme.hasPrefix(text), !canBegin(with: principal) else { return }
            found.append(impossible(principal, pattern.position))
        case .suffix, .present: break
        }
    }

    private func isKnown(_ principal: WrittenPrincipal) -> Bool {
        guard let id = principal.id, id.trustDomain == trustDomain, let account = id.serviceAccount else {
            return false
        }
        return accounts.contains(ResourceName(namespace: account.namespace, name: account.name))
    }

    private mutating func unknown(_ principal: WrittenPrincipal, _ position: SourcePosition) -> Diagnostic {
        let id = principal.id
        let isOurs = id?.trustDomain == trustDomain
        let likely = likelyRemedy(for: principal)
        let other = isOurs && id?.serviceAccount != nil ? "correct it, or add the Workload that has it" : nil
        return Diagnostic(
            .unknownCaller, .warning, at: position,
            found: "the principal \(Diagnostic.quoted(principal.text)), "
                + (id == nil ? "which is no SPIFFE ID" : isOurs ? "which nobody has" : Self.ofAnother),
            expected: isOurs ? "the SPIFFE ID of a Workload or Gateway" : expectedID,
            remedy: likely ?? other ?? model(as: principal))
    }

    /// `change it to "mesh.local/ns/shop/sa/web"`.
    private mutating func likelyRemedy(for principal: WrittenPrincipal) -> String? {
        let trustDomain = trustDomain
        if let meant = accountMeant(by: principal) {
            return "change it to \(Diagnostic.quoted(principal.with(meant, in: trustDomain).text))"
        }
        let accounts = sortedAccounts.lazy.map { principal.with($0, in: trustDomain).text }
        return nearest(to: principal.text, among: accounts)?.remedy
    }

    private mutating func nearest(to name: String, among candidates: some Sequence<String>) -> NearestName? {
        guard suggestionsLeft > 0 else { return nil }
        suggestionsLeft -= 1
        return NearestName(to: name, among: candidates)
    }

    private func impossible(_ beginning: WrittenPrincipal, _ position: SourcePosition) -> Diagnostic {
        let ours = beginning.with(trustDomain.name + beginning.rest.drop { $0 != "/" })
        let isOfAnother = canBegin(with: ours)
        return Diagnostic(
            .unknownCaller, .warning, at: position,
            found: "the principals \(Diagnostic.quoted(beginning.text + "*")), "
                + (isOfAnother ? Self.ofAnother : "which nobody can have"),
            expected: expectedID,
            // Nobody has it: the same of this mesh would let in whoever is called so.
            remedy: model(as: beginning))
    }

    private static let ofAnother = "of another trust domain, of which nobody is let in"
    private var expectedID: String { "a SPIFFE ID of this mesh's trust domain, \(Diagnostic.quoted(trustDomain.name))" }

    /// Whether the ID of a service account of this mesh may begin so.
    private func canBegin(with beginning: WrittenPrincipal) -> Bool {
        // As `SPIFFEID` makes them, with any namespace and name.
        let form = [trustDomain.name, "ns", nil, "sa", nil]
        let parts = beginning.rest.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= form.count else { return false }
        return zip(form, parts).enumerated().allSatisfy { index, pair in
            guard let word = pair.0 else { return true }
            return index == parts.count - 1 ? word.hasPrefix(pair.1) : word == pair.1
        }
    }

    /// The account of the same name here, or one that is written as under `serviceAccounts`.
    private func accountMeant(by principal: WrittenPrincipal) -> ResourceName? {
        func account(_ text: String) -> ResourceName? {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            return parts.count == 2 ? ResourceName(namespace: parts[0], name: parts[1]) : nil
        }
        let named = principal.id?.serviceAccount.map { ResourceName(namespace: $0.namespace, name: $0.name) }
        let path = principal.id.map { String($0.path.dropFirst()) } ?? ""
        return [named, account(principal.rest), account(path)].compactMap(\.self).first(where: accounts.contains)
    }

    private func model(as principal: WrittenPrincipal) -> String {
        let model = principal.with("\(trustDomain.name)/ns/NAMESPACE/sa/ACCOUNT")
        return "write it as \(Diagnostic.quoted(model.text))"
    }
}

/// A principal as it stands in a rule: as SPIFFE writes it, or as Istio does, without its scheme.
private struct WrittenPrincipal {
    static let scheme = "spiffe://"

    let hasScheme: Bool
    let rest: String

    init(_ text: String) {
        hasScheme = text.hasPrefix(Self.scheme)
        rest = hasScheme ? String(text.dropFirst(Self.scheme.count)) : text
    }

    private init(hasScheme: Bool, rest: String) { (self.hasScheme, self.rest) = (hasScheme, rest) }

    /// Another that is written the same way.
    func with(_ rest: String) -> Self { Self(hasScheme: hasScheme, rest: rest) }

    func with(_ account: ResourceName, in trustDomain: TrustDomain) -> Self {
        with("\(trustDomain.name)/ns/\(account.namespace)/sa/\(account.name)")
    }

    var text: String { (hasScheme ? Self.scheme : "") + rest }
    var id: SPIFFEID? { SPIFFEID(Self.scheme + rest) }
}

extension ValueMatch {
    fileprivate var all: [Located<Pattern>] { values + notValues }
}
