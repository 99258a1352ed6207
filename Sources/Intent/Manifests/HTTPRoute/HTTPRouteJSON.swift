package import Diagnostics

extension HTTPRoute {
    package var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        let rules = rules.map { $0.json(in: namespace, matches: $0.matches.map(\.json)) }
        return .route(in: namespace, parentRefs, hostnames, rules: rules)
    }
}

extension HTTPRouteMatch {
    fileprivate var json: JSONValue {
        var match = JSONMembers()
        switch path {
        case .exact(let value): match.add("path", ["type": "Exact", "value": .string(value)])
        case .prefix(let value): match.add("path", ["type": "PathPrefix", "value": .string(value)])
        case .grpcMethod(let method): match.add("method", method.json)
        }
        match.add("headers", .array(headers.map(\.json)))
        match.add("queryParams", .array(queryParams.map(\.json)))
        match.add("method", method)
        return match.json
    }
}
