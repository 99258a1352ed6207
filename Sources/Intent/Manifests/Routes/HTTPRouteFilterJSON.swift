import Diagnostics

extension NameValue {
    var json: JSONValue { ["name": .string(name), "value": .string(value)] }
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
