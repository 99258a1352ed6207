import Diagnostics
import Manifests

extension TCPRoute {
    var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        var spec = JSONMembers()
        spec.add("parentRefs", .array(parentRefs.map { $0.json(in: namespace) }))
        spec.add("rules", .array([rule.json(in: namespace)]))
        return spec.json
    }
}

extension TLSRoute {
    var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        var spec = JSONMembers()
        spec.add("parentRefs", .array(parentRefs.map { $0.json(in: namespace) }))
        spec.add("hostnames", hostnames.map { "\($0.value)" })
        spec.add("rules", .array([rule.json(in: namespace)]))
        return spec.json
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
