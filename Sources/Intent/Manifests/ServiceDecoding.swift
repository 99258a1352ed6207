import YAMLSyntax

extension Service {
    /// - Returns: `nil` if `spec` is no mapping; other mistakes leave defaults behind, so that what refers to the service
    ///   is not reported too.
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Service", &problems) else { return nil }
        let `protocol` = fields.optional(
            "protocol", Scalar.choice(of: ServiceProtocol.self), default: .http, &problems)
        self.init(
            metadata: metadata, protocol: `protocol`, hostnames: fields.list("hostnames", located(Scalar.hostname), &problems),
            escapedSlashes: fields.optional(
                "escapedSlashes", Scalar.choice(of: EscapedSlashes.self), default: .reject, &problems),
            endpoints: fields.list("endpoints", Self.endpoint, &problems))
        fields.reportUnknownFields(&problems)
    }

    private static func endpoint(_ node: YAMLNode, _ problems: inout Problems) -> Located<SocketAddress>? {
        guard var fields = node.fields(of: "an endpoint", &problems) else { return nil }
        let address = fields.required("address", located(Scalar.socketAddress), &problems)
        fields.reportUnknownFields(&problems)
        return address
    }
}
