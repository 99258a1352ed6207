import Diagnostics
import Manifests

/// Rules that no call can match, as far as a rule by itself shows it.
enum NeverMatching {
    /// - Returns: a warning where the contradiction stands; `nil` if calls can match.
    static func reason(_ rule: PolicyRule) -> Diagnostic? {
        if let conflict = conflict(inEach: rule.from.map(conflict)) { return conflict }
        if let conflict = conflict(inEach: rule.to.map(conflict)) { return conflict }
        return rule.when.lazy.compactMap(conflict).first
    }

    /// Items are ORed: only if none can match, the rule cannot.
    private static func conflict(inEach conflicts: [Diagnostic?]) -> Diagnostic? {
        conflicts.allSatisfy { $0 != nil } ? conflicts.first ?? nil : nil
    }

    private static func conflict(_ source: PolicySource) -> Diagnostic? {
        if let first = source.requestPrincipals.values.first {
            return warning(
                first.position, found: "requestPrincipals, and no RequestAuthentication to verify tokens",
                remedy: "name callers by principals or serviceAccounts: no call has a request principal")
        }
        return excluded(source.principals, "notPrincipals") ?? excluded(source.serviceAccounts, "notServiceAccounts")
            ?? excluded(source.namespaces, "notNamespaces") ?? excluded(source.trustDomains, "notTrustDomains")
            ?? excluded(source.ipBlocks, "notIpBlocks") ?? excluded(source.remoteIpBlocks, "notRemoteIpBlocks")
            ?? disjoint(source)
    }

    private static func conflict(_ operation: PolicyOperation) -> Diagnostic? {
        excluded(operation.hosts, "notHosts") ?? excluded(operation.ports, "notPorts")
            ?? excluded(operation.methods, "notMethods") ?? excluded(operation.paths, "notPaths")
    }

    private static func conflict(_ condition: PolicyCondition) -> Diagnostic? {
        excluded(condition.strings, "notValues") ?? excluded(condition.blocks, "notValues")
            ?? excluded(condition.ports, "notValues")
    }

    /// Service accounts that are all of other namespaces than those asked for.
    private static func disjoint(_ source: PolicySource) -> Diagnostic? {
        guard let first = source.serviceAccounts.values.first, !source.namespaces.isEmpty else { return nil }
        let canMatch = source.serviceAccounts.values.contains { account in
            let namespace = account.value.namespace
            let wanted =
                source.namespaces.values.isEmpty
                || source.namespaces.values.contains { $0.value.fits(namespace) }
            return wanted && !source.namespaces.notValues.contains { $0.value.fits(namespace) }
        }
        guard !canMatch else { return nil }
        return warning(
            first.position, found: "service accounts of other namespaces than the source's namespaces",
            remedy: "name accounts of these namespaces: a service account names its own")
    }

    /// Values that are all excluded again, by themselves or by `*`.
    private static func excluded<Pattern>(_ match: ValueMatch<Pattern>, _ field: String) -> Diagnostic? {
        guard let first = match.values.first, !match.notValues.isEmpty else { return nil }
        let excluded = Set(match.notValues)
        let excludesAll = match.notValues.contains { ($0.value as? StringPattern) == .present }
        guard excludesAll || match.values.allSatisfy(excluded.contains) else { return nil }
        return warning(
            first.position, found: "values that \(field) all excludes",
            remedy: "name values that \(field) does not exclude")
    }

    private static func warning(_ position: SourcePosition, found: String, remedy: String) -> Diagnostic {
        Diagnostic(
            .neverMatches, .warning, at: position, found: found, expected: "a rule that some call can match",
            remedy: remedy)
    }
}

extension StringPattern {
    /// As the program matches strings; for the lint, which has no program.
    fileprivate func fits(_ text: String) -> Bool {
        switch self {
        case .exact(let exact): exact == text
        case .prefix(let prefix): text.hasPrefix(prefix)
        case .suffix(let suffix): text.hasSuffix(suffix)
        case .present: !text.isEmpty
        }
    }
}
