import YAMLSyntax

extension Node {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Node", &problems) else { return nil }
        let address = fields.required("address", located(Scalar.hostAndPort), &problems)
        let outbound = fields.optional("outbound", Self.outbound, &problems)
        let guarding = fields.optional("guard", Self.guarding, &problems)
        fields.reportUnknownFields(&problems)
        guard let address else { return nil }
        self.init(metadata: metadata, address: address, outboundListen: outbound, guarding: guarding)
    }

    private static func guarding(_ node: YAMLNode, _ problems: inout Problems) -> NodeGuard? {
        guard var fields = node.fields(of: "guard", isOfPolicy: true, &problems) else { return nil }
        let users = fields.list("users", emptyMeans: "Heddle's own user alone", UserReference.decode, &problems)
        let onExit = fields.optional("onExit", Scalar.choice(of: NodeGuard.OnExit.self), default: .keep, &problems)
        fields.reportUnknownFields(&problems)
        return NodeGuard(position: node.position, users: users, onExit: onExit)
    }

    private static func outbound(_ node: YAMLNode, _ problems: inout Problems) -> Located<SocketAddress>? {
        guard var fields = node.fields(of: "outbound", &problems) else { return nil }
        // The kernel says who calls of this host's processes alone.
        let listen = fields.required("listen", located(Scalar.loopbackAddress), &problems)
        fields.reportUnknownFields(&problems)
        return listen
    }
}
