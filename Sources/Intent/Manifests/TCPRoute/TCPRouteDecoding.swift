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
