import Diagnostics
import YAMLSyntax

extension TCPRoute {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "TCPRoute", &problems) else { return nil }
        let parents = ParentRef.list(in: &fields, namespace: metadata.name.namespace, &problems)
        let rule = ConnectionRule.only(in: &fields, of: metadata, &problems)
        fields.refused(
            "hostnames", expected: "none: a connection names no host",
            remedy: "remove hostnames, or use a TLSRoute, which matches the name in SNI", &problems)
        fields.unavailable("useDefaultGateways", &problems)
        fields.reportUnknownFields(&problems)
        self.init(metadata: metadata, parentRefs: parents, rule: rule)
    }
}

extension TLSRoute {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "TLSRoute", &problems) else { return nil }
        let parents = ParentRef.list(in: &fields, namespace: metadata.name.namespace, &problems)
        for parent in parents where parent.kind == .service {
            problems.report(
                .invalidValue, at: parent.name.position, found: "Service \(Diagnostic.quoted(parent.name.value.name))",
                expected: "a Gateway: between services there is no TLS of their own to pass through",
                remedy: "name a Gateway with a listener of protocol TLS, or use a TCPRoute")
        }
        let hostnames = fields.list("hostnames", located(Scalar.hostnamePattern), &problems)
        let rule = ConnectionRule.only(in: &fields, of: metadata, &problems)
        fields.unavailable("useDefaultGateways", &problems)
        fields.reportUnknownFields(&problems)
        self.init(
            metadata: metadata, parentRefs: parents.filter { $0.kind == .gateway }, hostnames: hostnames, rule: rule)
    }
}

extension ConnectionRule {
    /// The one rule of `rules`; one without backends where there is none that can be read, which is reported.
    fileprivate static func only(
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
