import Diagnostics
import Manifests

extension GRPCRoute {
    var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        var spec = JSONMembers()
        spec.add("parentRefs", .array(parentRefs.map { $0.json(in: namespace) }))
        spec.add("hostnames", hostnames.map { "\($0.value)" })
        spec.add("rules", .array(rules.map { $0.json(in: namespace) }))
        return spec.json
    }
}

extension GRPCRouteRule {
    fileprivate func json(in namespace: String) -> JSONValue {
        var rule = JSONMembers()
        rule.add("name", name)
        rule.add("matches", .array(matches.map(\.json)))
        rule.add("filters", .array(filters.map { $0.json(in: namespace) }))
        rule.add("backendRefs", .array(backendRefs.map { $0.json(in: namespace) }))
        rule.add("timeouts", timeouts.json)
        return rule.json
    }
}

extension GRPCRouteMatch {
    fileprivate var json: JSONValue {
        var match = JSONMembers()
        match.add("method", method?.json)
        match.add("headers", .array(headers.map(\.json)))
        return match.json
    }
}

extension GRPCMethodMatch {
    var json: JSONValue {
        var match = JSONMembers()
        match.add("type", isRegularExpression ? "RegularExpression" : "Exact")
        match.add("service", service?.text)
        match.add("method", method?.text)
        return match.json
    }

    private var isRegularExpression: Bool {
        switch service ?? method {
        case .regularExpression: true
        case .exact, nil: false
        }
    }
}
