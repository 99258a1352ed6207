import Diagnostics
import YAMLSyntax

extension AuthorizationPolicy {
    private static let unavailableActions = ["CUSTOM": "say in a \"DENY\" policy what must not pass"]

    /// What one would look for in the other field.
    private static let modesThatAreActions = [
        "audit":
            "write \"Shadow\" to try the policy without enforcing it; to hear of calls alone, write action: AUDIT, and no mode"
    ]
    private static let actionsThatAreModes = [
        "shadow": "write mode: Shadow, beside the action that is to be enforced later"
    ]

    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "AuthorizationPolicy", isOfPolicy: true, &problems) else { return nil }
        let namespace = metadata.name.namespace
        let targets = PolicyTargets.decode(&fields, namespace: namespace, &problems)
        let action = fields.optional(
            "action",
            Scalar.choice(
                of: PolicyAction.self, unavailable: Self.unavailableActions, elsewhere: Self.actionsThatAreModes),
            default: .allow, &problems)
        let mode = fields.optional(
            "mode", Scalar.choice(of: PolicyMode.self, elsewhere: Self.modesThatAreActions), default: .enforce,
            &problems)
        if action == .audit, mode == .shadow { Self.reportShadowedAudit(&fields, &problems) }
        var index = 0
        let rules = fields.list(
            "rules",
            { node, problems in
                defer { index += 1 }
                return PolicyRule.decode(node, index: index, namespace: namespace, &problems)
            }, &problems)
        fields.reportUnknownFields(&problems)
        if case .resources(let kind, _) = targets { rules.reportWhatIsNever(of: kind, &problems) }
        self.init(metadata: metadata, targets: targets, action: action, mode: mode, rules: rules)
    }

    /// Whoever writes both may think that one of them keeps the other from being counted, or that something is left to turn on.
    private static func reportShadowedAudit(_ fields: inout FieldReader, _ problems: inout Problems) {
        problems.report(
            .conflictingFields, at: fields.keyPosition("mode"), found: "mode \"Shadow\" of an \"AUDIT\" policy",
            expected: "no mode: what an AUDIT policy matches is counted and logged, and never decided",
            remedy:
                "keep one of the two: \"AUDIT\" to hear of these calls, or \"Shadow\" with the action that is to be enforced"
        )
    }
}

extension PolicyRule {
    fileprivate static func decode(
        _ node: YAMLNode, index: Int, namespace: String, _ problems: inout Problems
    ) -> PolicyRule? {
        guard var fields = node.fields(of: "a rule", isOfPolicy: true, &problems) else { return nil }
        let rule = PolicyRule(
            from: fields.list(
                "from", emptyMeans: "a rule for any source", { Self.from($0, namespace: namespace, &$1) }, &problems),
            to: fields.list("to", emptyMeans: "a rule for any operation", Self.to, &problems),
            when: fields.list("when", emptyMeans: "a rule without conditions", PolicyCondition.decode, &problems),
            position: Located(index, at: node.position))
        fields.reportUnknownFields(&problems)
        return rule
    }

    private static func from(
        _ node: YAMLNode, namespace: String, _ problems: inout Problems
    ) -> PolicySource? {
        guard var fields = node.fields(of: "an item of from", isOfPolicy: true, &problems) else { return nil }
        let source = fields.required(
            "source", { PolicySource.decode($0, namespace: namespace, &$1) }, &problems)
        fields.reportUnknownFields(&problems)
        return source
    }

    private static func to(_ node: YAMLNode, _ problems: inout Problems) -> PolicyOperation? {
        guard var fields = node.fields(of: "an item of to", isOfPolicy: true, &problems) else { return nil }
        let operation = fields.required("operation", PolicyOperation.decode, &problems)
        fields.reportUnknownFields(&problems)
        return operation
    }
}

extension FieldReader {
    /// `name` and `notName`. An empty list is refused: it would mean "any value", which nobody writes on purpose.
    fileprivate mutating func valueMatch<Pattern>(
        _ name: String, not: String, _ read: @escaping Reading<Pattern>, _ problems: inout Problems
    ) -> ValueMatch<Pattern> {
        ValueMatch(
            values: list(name, emptyMeans: "a rule for any value", located(read), &problems),
            notValues: list(not, emptyMeans: "a rule for any value", located(read), &problems))
    }

    /// Reports a mapping without any field: in a rule it would match anything.
    fileprivate func reportIfEmpty(_ names: String, _ problems: inout Problems) {
        guard isEmpty else { return }
        problems.report(
            .missingField, at: position, found: "an empty mapping", expected: "one of \(names), or their not… forms",
            remedy: "add a field: without one it would match anything")
    }
}

extension PolicySource {
    fileprivate static func decode(
        _ node: YAMLNode, namespace: String, _ problems: inout Problems
    ) -> PolicySource? {
        guard var fields = node.fields(of: "source", isOfPolicy: true, &problems) else { return nil }
        var source = PolicySource()
        source.principals = fields.valueMatch("principals", not: "notPrincipals", StringPattern.principal, &problems)
        source.serviceAccounts = fields.valueMatch(
            "serviceAccounts", not: "notServiceAccounts",
            { Scalar.serviceAccount($0, namespace: namespace, &$1) }, &problems)
        source.namespaces = fields.valueMatch("namespaces", not: "notNamespaces", StringPattern.namespace, &problems)
        source.trustDomains = fields.valueMatch(
            "trustDomains", not: "notTrustDomains", StringPattern.trustDomain, &problems)
        source.requestPrincipals = fields.valueMatch(
            "requestPrincipals", not: "notRequestPrincipals", StringPattern.text, &problems)
        source.ipBlocks = fields.valueMatch("ipBlocks", not: "notIpBlocks", Scalar.addressBlock, &problems)
        source.remoteIpBlocks = fields.valueMatch(
            "remoteIpBlocks", not: "notRemoteIpBlocks", Scalar.addressBlock, &problems)
        fields.reportUnknownFields(&problems)
        fields.reportIfEmpty(
            "principals, serviceAccounts, namespaces, trustDomains, requestPrincipals, ipBlocks, remoteIpBlocks",
            &problems)
        return source
    }
}

extension PolicyOperation {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> PolicyOperation? {
        guard var fields = node.fields(of: "operation", isOfPolicy: true, &problems) else { return nil }
        var operation = PolicyOperation()
        operation.hosts = fields.valueMatch("hosts", not: "notHosts", StringPattern.host, &problems)
        operation.ports = fields.valueMatch("ports", not: "notPorts", Scalar.port, &problems)
        operation.methods = fields.valueMatch("methods", not: "notMethods", StringPattern.method, &problems)
        operation.paths = fields.valueMatch("paths", not: "notPaths", PathPattern.decode, &problems)
        fields.reportUnknownFields(&problems)
        fields.reportIfEmpty("hosts, ports, methods, paths", &problems)
        return operation
    }
}

extension PolicyCondition {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> PolicyCondition? {
        guard var fields = node.fields(of: "a condition", isOfPolicy: true, &problems) else { return nil }
        defer { fields.reportUnknownFields(&problems) }
        let key = fields.required("key", located(ConditionKey.decode), &problems)
        guard let key else {
            // What the values must look like hangs on the key; that they are known fields does not.
            _ = fields.list("values", { node, _ in node }, &problems)
            _ = fields.list("notValues", { node, _ in node }, &problems)
            return nil
        }
        var condition = PolicyCondition(key: key.value, position: key.position)
        switch key.value {
        case .sourceIP, .destinationIP:
            condition.blocks = fields.valueMatch("values", not: "notValues", Scalar.addressBlock, &problems)
        case .destinationPort:
            condition.ports = fields.valueMatch("values", not: "notValues", Scalar.port, &problems)
        // The canonical host, not a field line that happens to have that name.
        case .requestHeader("host"):
            condition.strings = fields.valueMatch("values", not: "notValues", StringPattern.host, &problems)
        case .connectionSNI:
            condition.strings = fields.valueMatch("values", not: "notValues", StringPattern.serverName, &problems)
        case .requestHeader:
            condition.strings = fields.valueMatch("values", not: "notValues", StringPattern.fieldValue, &problems)
        case .sourceNamespace:
            condition.strings = fields.valueMatch("values", not: "notValues", StringPattern.namespace, &problems)
        case .sourcePrincipal:
            condition.strings = fields.valueMatch("values", not: "notValues", StringPattern.principal, &problems)
        }
        if !fields.has("values") && !fields.has("notValues") {
            problems.report(
                .missingField, at: fields.position, found: "a condition without values",
                expected: "values or notValues",
                remedy: "add values or notValues")
        }
        return condition
    }
}

extension ConditionKey {
    private static let plainKeys: [(String, ConditionKey)] = [
        ("source.ip", .sourceIP), ("source.namespace", .sourceNamespace), ("source.principal", .sourcePrincipal),
        ("destination.ip", .destinationIP), ("destination.port", .destinationPort), ("connection.sni", .connectionSNI),
    ]

    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> ConditionKey? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        if let key = plainKeys.first(where: { $0.0 == text }) { return key.1 }
        let headers = "request.headers["
        if text.hasPrefix(headers), text.hasSuffix("]") {
            let name = String(text.dropFirst(headers.count).dropLast())
            if name.isToken { return .requestHeader(name.lowercased()) }
            problems.report(
                .invalidValue, node, expected: "the name of a header between the brackets",
                remedy: "write it as \"request.headers[x-name]\"")
            return nil
        }
        if text.hasPrefix("request.auth.") {
            problems.reportUnavailable(
                Diagnostic.quoted(text), at: node.position,
                remedy: "ask for something else: no tokens are verified that could hold it")
            return nil
        }
        let names = plainKeys.map(\.0) + ["request.headers[x-name]"]
        let near = NearestName(to: text, among: names)
        problems.report(
            .invalidValue, node, expected: "one of \(names.joined(separator: ", "))",
            remedy: near?.remedy ?? "use one of these keys")
        return nil
    }
}
