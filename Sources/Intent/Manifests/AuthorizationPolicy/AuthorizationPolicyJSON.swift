package import Diagnostics

extension AuthorizationPolicy {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("targetRefs", .array(targets.json))
        spec.add("action", action.rawValue)
        if action != .audit { spec.add("mode", mode.rawValue) }
        spec.add("rules", .array(rules.map(\.json)))
        return spec.json
    }

    /// Wherever the two are written.
    package func saysSame(as other: AuthorizationPolicy) -> Bool {
        self == other || specJSON.rendered() == other.specJSON.rendered()
    }
}

extension PolicyTargets {
    fileprivate var json: [JSONValue] {
        func reference(_ kind: ResourceKind) -> (Located<String>) -> JSONValue {
            { ["kind": .string(kind.rawValue), "name": .string($0.value)] }
        }
        return switch self {
        case .namespace: []
        case .services(let names): names.map(reference(.service))
        case .resources(let kind, let names): names.map(reference(kind))
        }
    }
}

extension PolicyRule {
    fileprivate var json: JSONValue {
        var rule = JSONMembers()
        rule.add("from", .array(from.map { ["source": $0.json] }))
        rule.add("to", .array(to.map { ["operation": $0.json] }))
        rule.add("when", .array(when.map(\.json)))
        return rule.json
    }
}

extension JSONMembers {
    fileprivate mutating func add<Pattern>(
        _ name: String, not: String, _ match: ValueMatch<Pattern>, _ value: (Pattern) -> JSONValue
    ) {
        add(name, .array(match.values.map { value($0.value) }))
        add(not, .array(match.notValues.map { value($0.value) }))
    }
}

extension PolicySource {
    fileprivate var json: JSONValue {
        var source = JSONMembers()
        source.add("principals", not: "notPrincipals", principals) { .string($0.text) }
        source.add("serviceAccounts", not: "notServiceAccounts", serviceAccounts) { .string("\($0)") }
        source.add("namespaces", not: "notNamespaces", namespaces) { .string($0.text) }
        source.add("trustDomains", not: "notTrustDomains", trustDomains) { .string($0.text) }
        source.add("requestPrincipals", not: "notRequestPrincipals", requestPrincipals) { .string($0.text) }
        source.add("ipBlocks", not: "notIpBlocks", ipBlocks) { .string($0.text) }
        source.add("remoteIpBlocks", not: "notRemoteIpBlocks", remoteIpBlocks) { .string($0.text) }
        return source.json
    }
}

extension PolicyOperation {
    fileprivate var json: JSONValue {
        var operation = JSONMembers()
        operation.add("hosts", not: "notHosts", hosts) { .string($0.text) }
        operation.add("ports", not: "notPorts", ports) { .integer(Int($0)) }
        operation.add("methods", not: "notMethods", methods) { .string($0.text) }
        operation.add("paths", not: "notPaths", paths) { .string($0.text) }
        return operation.json
    }
}

extension PolicyCondition {
    fileprivate var json: JSONValue {
        var condition = JSONMembers()
        condition.add("key", key.text)
        condition.add("values", not: "notValues", strings) { .string($0.text) }
        condition.add("values", not: "notValues", blocks) { .string($0.text) }
        condition.add("values", not: "notValues", ports) { .integer(Int($0)) }
        return condition.json
    }
}

extension ConditionKey {
    /// As a manifest writes it.
    fileprivate var text: String {
        switch self {
        case .requestHeader(let name): "request.headers[\(name)]"
        case .sourceIP: "source.ip"
        case .sourceNamespace: "source.namespace"
        case .sourcePrincipal: "source.principal"
        case .destinationIP: "destination.ip"
        case .destinationPort: "destination.port"
        case .connectionSNI: "connection.sni"
        }
    }
}

extension StringPattern {
    /// As a manifest writes it.
    fileprivate var text: String {
        switch self {
        case .exact(let text): text
        case .prefix(let text): "\(text)*"
        case .suffix(let text): "*\(text)"
        case .present: "*"
        }
    }
}

extension PathPattern {
    fileprivate var text: String {
        switch self {
        case .string(let pattern): pattern.text
        case .template(let segments, let matchesRest):
            segments.map { segment in
                switch segment {
                case .literal(let text): "/\(text)"
                case .any: "/{*}"
                }
            }.joined() + (matchesRest ? "/{**}" : "")
        }
    }
}
