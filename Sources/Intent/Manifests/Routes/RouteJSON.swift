import Diagnostics

// What the JSON of routes has in common.

extension JSONValue {
    /// The spec of a route of any kind.
    static func route(
        in namespace: String, _ parentRefs: [ParentRef], _ hostnames: [Located<HostnamePattern>], rules: [JSONValue]
    ) -> JSONValue {
        var spec = JSONMembers()
        spec.add("parentRefs", .array(parentRefs.map { $0.json(in: namespace) }))
        spec.add("hostnames", hostnames.map { "\($0.value)" })
        spec.add("rules", .array(rules))
        return spec.json
    }
}

extension CallRouteRule {
    func json(in namespace: String, matches: [JSONValue]) -> JSONValue {
        var rule = JSONMembers()
        rule.add("name", name)
        rule.add("matches", .array(matches))
        rule.add("filters", .array(filters.map { $0.json(in: namespace) }))
        rule.add("backendRefs", .array(backendRefs.map { $0.json(in: namespace) }))
        rule.add("timeouts", timeouts.json)
        return rule.json
    }
}

extension JSONMembers {
    mutating func add(reference: ResourceName, in namespace: String) {
        add("name", reference.name)
        if reference.namespace != namespace { add("namespace", reference.namespace) }
    }
}

extension ParentRef {
    func json(in namespace: String) -> JSONValue {
        var reference = JSONMembers()
        reference.add("kind", kind.rawValue)
        reference.add(reference: name.value, in: namespace)
        reference.add("sectionName", sectionName?.value)
        reference.add("port", port.map { .integer(Int($0.value)) })
        return reference.json
    }
}

extension HTTPRouteTimeouts {
    var json: JSONValue {
        var timeouts = JSONMembers()
        timeouts.add("request", request)
        timeouts.add("backendRequest", backendRequest)
        return timeouts.json
    }
}

extension HTTPBackendRef {
    func json(in namespace: String) -> JSONValue {
        var reference = JSONMembers()
        reference.add(reference: service.value, in: namespace)
        reference.add("weight", .integer(weight))
        reference.add("filters", .array(filters.map { $0.json(in: namespace) }))
        return reference.json
    }
}
