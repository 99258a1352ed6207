import Diagnostics
import Manifests

extension TCPRoute {
    var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        return .route(in: namespace, parentRefs, [], rules: [rule.json(in: namespace)])
    }
}

extension TLSRoute {
    var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        return .route(in: namespace, parentRefs, hostnames, rules: [rule.json(in: namespace)])
    }
}

extension ConnectionRule {
    fileprivate func json(in namespace: String) -> JSONValue {
        var rule = JSONMembers()
        rule.add("name", name)
        rule.add(
            "backendRefs",
            .array(
                backendRefs.map { backend in
                    var reference = JSONMembers()
                    reference.add(reference: backend.service.value, in: namespace)
                    reference.add("weight", .integer(backend.weight))
                    return reference.json
                }))
        return rule.json
    }
}
