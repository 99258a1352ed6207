import Diagnostics
import Manifests

extension HTTPRoute {
    var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        var spec = JSONMembers()
        spec.add("parentRefs", .array(parentRefs.map { $0.json(in: namespace) }))
        spec.add("hostnames", hostnames.map { "\($0.value)" })
        spec.add("rules", .array(rules.map { $0.json(in: namespace) }))
        return spec.json
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

extension HTTPRouteRule {
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

extension HTTPRouteTimeouts {
    var json: JSONValue {
        var timeouts = JSONMembers()
        timeouts.add("request", request)
        timeouts.add("backendRequest", backendRequest)
        return timeouts.json
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

extension NameValue {
    var json: JSONValue { ["name": .string(name), "value": .string(value)] }
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

extension HTTPRouteFilter {
    func json(in namespace: String) -> JSONValue {
        switch self {
        case .requestHeaderModifier(let modifier):
            ["type": "RequestHeaderModifier", "requestHeaderModifier": modifier.json]
        case .responseHeaderModifier(let modifier):
            ["type": "ResponseHeaderModifier", "responseHeaderModifier": modifier.json]
        case .requestRedirect(let redirect): ["type": "RequestRedirect", "requestRedirect": redirect.json]
        case .urlRewrite(let rewrite): ["type": "URLRewrite", "urlRewrite": rewrite.json]
        case .requestMirror(let mirror): ["type": "RequestMirror", "requestMirror": mirror.json(in: namespace)]
        }
    }
}

extension HeaderModifier {
    fileprivate var json: JSONValue {
        var modifier = JSONMembers()
        modifier.add("set", .array(set.map(\.json)))
        modifier.add("add", .array(add.map(\.json)))
        modifier.add("remove", remove)
        return modifier.json
    }
}

extension PathModifier {
    fileprivate var json: JSONValue {
        switch self {
        case .replaceFullPath(let path): ["type": "ReplaceFullPath", "replaceFullPath": .string(path)]
        case .replacePrefixMatch(let path): ["type": "ReplacePrefixMatch", "replacePrefixMatch": .string(path)]
        }
    }
}

extension RequestRedirect {
    fileprivate var json: JSONValue {
        var redirect = JSONMembers()
        redirect.add("scheme", scheme?.rawValue)
        redirect.add("hostname", hostname)
        redirect.add("path", path?.json)
        redirect.add("port", port.map { .integer(Int($0)) })
        redirect.add("statusCode", .integer(statusCode))
        return redirect.json
    }
}

extension URLRewrite {
    fileprivate var json: JSONValue {
        var rewrite = JSONMembers()
        rewrite.add("hostname", hostname)
        rewrite.add("path", path?.json)
        return rewrite.json
    }
}

extension RequestMirror {
    fileprivate func json(in namespace: String) -> JSONValue {
        var reference = JSONMembers()
        reference.add(reference: backend.value, in: namespace)
        return [
            "backendRef": reference.json,
            "fraction": ["numerator": .integer(numerator), "denominator": .integer(denominator)],
        ]
    }
}
