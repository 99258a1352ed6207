import Diagnostics

extension ConnectionRule {
    func json(in namespace: String) -> JSONValue {
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
