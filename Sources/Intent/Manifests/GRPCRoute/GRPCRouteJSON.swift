package import Diagnostics

extension GRPCRoute {
    package var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        let rules = rules.map { $0.json(in: namespace, matches: $0.matches.map(\.json)) }
        return .route(in: namespace, parentRefs, hostnames, rules: rules)
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
