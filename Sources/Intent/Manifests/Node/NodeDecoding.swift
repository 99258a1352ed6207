import YAMLSyntax

extension Node {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Node", &problems) else { return nil }
        let address = fields.required("address", located(Scalar.hostAndPort), &problems)
        let outbound = fields.optional("outbound", Self.outbound, &problems)
        fields.reportUnknownFields(&problems)
        guard let address else { return nil }
        self.init(metadata: metadata, address: address, outboundListen: outbound)
    }

    private static func outbound(_ node: YAMLNode, _ problems: inout Problems) -> Located<SocketAddress>? {
        guard var fields = node.fields(of: "outbound", &problems) else { return nil }
        // The kernel says who calls of this host's processes alone.
        let listen = fields.required("listen", located(Scalar.loopbackAddress), &problems)
        fields.reportUnknownFields(&problems)
        return listen
    }
}
