import Diagnostics
import YAMLSyntax

extension ConnectionRule {
    /// The one rule of `rules`; one without backends where there is none that can be read, which is reported.
    static func only(
        in fields: inout FieldReader, of metadata: Metadata, _ problems: inout Problems
    ) -> ConnectionRule {
        var count = 0
        let rules = fields.requiredList(
            "rules",
            { node, problems in
                count += 1
                if count == 2 {
                    problems.report(
                        .duplicateItem, at: node.position, found: "a second rule",
                        expected: "one rule: nothing of a connection tells two apart",
                        remedy: "move its backendRefs to the first rule")
                }
                return decode(node, namespace: metadata.name.namespace, &problems)
            }, &problems)
        return rules.first ?? ConnectionRule(name: nil, backendRefs: [], position: Located(0, at: metadata.position))
    }

    private static func decode(
        _ node: YAMLNode, namespace: String, _ problems: inout Problems
    ) -> ConnectionRule? {
        guard var fields = node.fields(of: "a rule", &problems) else { return nil }
        let name = fields.optional("name", Scalar.text, &problems)
        let backends = fields.requiredList(
            "backendRefs", { BackendRef.decode($0, namespace: namespace, &$1) }, &problems)
        fields.reportUnknownFields(&problems)
        return ConnectionRule(name: name, backendRefs: backends, position: Located(0, at: node.position))
    }
}

extension BackendRef {
    fileprivate static func decode(
        _ node: YAMLNode, namespace: String, _ problems: inout Problems
    ) -> BackendRef? {
        guard var fields = node.fields(of: "a backendRef", &problems) else { return nil }
        let service = ObjectReference.backend(in: &fields, namespace: namespace, &problems)
        let weight = fields.optional("weight", Scalar.integer(in: 0...1_000_000, ""), default: 1, &problems)
        fields.reportUnknownFields(&problems)
        return service.map { BackendRef(service: $0, weight: weight) }
    }
}
