import YAMLSyntax

extension Node {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Node", &problems) else { return nil }
        let address = fields.required("address", located(Scalar.hostAndPort), &problems)
        fields.reportUnknownFields(&problems)
        guard let address else { return nil }
        self.init(metadata: metadata, address: address)
    }
}
