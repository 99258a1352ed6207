import Diagnostics
import YAMLSyntax

extension Workload {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Workload", &problems) else { return nil }
        let service = fields.optional("service", located(Scalar.label), &problems)
        let node = fields.optional("node", located(Scalar.label), &problems)
        let address = fields.optional("address", located(Scalar.socketAddress), &problems)
        let account = fields.optional("serviceAccount", located(Scalar.label), &problems)
        let outbound = fields.optional("outbound", Self.outbound, &problems)
        fields.unavailable("selectors", &problems)
        fields.reportUnknownFields(&problems)

        if fields.has("address") && !fields.has("service") {
            problems.report(
                .conflictingFields, at: fields.keyPosition("address"), found: "an address without a service",
                expected: "the service that is reached there", remedy: "add service, or remove address")
        }
        if !fields.has("service") && !fields.has("serviceAccount") {
            problems.report(
                .missingField, at: fields.position, found: "Workload without \"service\" and \"serviceAccount\"",
                expected: "the service it implements, or the account it calls others with",
                remedy: "add service or serviceAccount")
        }
        guard let account = account ?? service else { return nil }
        self.init(
            metadata: metadata, service: service, node: node, address: address, serviceAccount: account,
            outboundListen: outbound)
    }

    /// Whoever reaches the outbound listener calls with the workload's identity: it must be of this host alone.
    private static func outbound(_ node: YAMLNode, _ problems: inout Problems) -> Located<SocketAddress>? {
        guard var fields = node.fields(of: "outbound", &problems) else { return nil }
        let listen = fields.required("listen", located(Scalar.loopbackAddress), &problems)
        fields.reportUnknownFields(&problems)
        return listen
    }
}
