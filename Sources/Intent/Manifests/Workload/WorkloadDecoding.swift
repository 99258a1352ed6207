import Diagnostics
import YAMLSyntax

extension Workload {
    private struct Outbound {
        var listen: Located<SocketAddress>?
        var tcp: [TCPOutbound] = []
    }

    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Workload", &problems) else { return nil }
        let namespace = metadata.name.namespace
        let service = fields.optional("service", located(Scalar.label), &problems)
        let node = fields.optional("node", located(Scalar.label), &problems)
        let address = fields.optional("address", located(Scalar.socketAddress), &problems)
        let plain = fields.optional("inbound", Self.inbound, &problems)
        let account = fields.optional("serviceAccount", located(Scalar.label), &problems)
        let outbound = fields.optional(
            "outbound", { Self.outbound($0, namespace: namespace, &$1) }, default: Outbound(), &problems)
        var index = 0
        let selectors = fields.list(
            "selectors", emptyMeans: "a workload that any process of the host is",
            { node, problems in
                defer { index += 1 }
                return WorkloadSelector.decode(node, index: index, &problems)
            }, &problems)
        let execUsers = fields.optional("exec", Self.execUsers, &problems)
        fields.reportUnknownFields(&problems)

        if fields.has("exec"), !selectors.contains(where: \.isStarted) {
            problems.report(
                .conflictingFields, at: fields.keyPosition("exec"),
                found: "exec without a selector that a process which was started so matches",
                expected: "a selector with exec: {}", remedy: "add {exec: {}} to selectors, or remove exec")
        }
        if fields.has("address") && !fields.has("service") {
            problems.report(
                .conflictingFields, at: fields.keyPosition("address"), found: "an address without a service",
                expected: "the service that is reached there", remedy: "add service, or remove address")
        }
        if let plain, !fields.has("service") || !fields.has("address") {
            let lacks = fields.has("service") ? "address" : "service"
            problems.report(
                .conflictingFields, at: plain.position, found: "inbound.plain without \(lacks)",
                expected: "the service that is called there, and the address where its process listens",
                remedy: "add \(lacks), or remove inbound")
        }
        if !fields.has("service") && !fields.has("serviceAccount") {
            problems.report(
                .missingField, at: fields.position, found: "Workload without \"service\" and \"serviceAccount\"",
                expected: "the service it implements, or the account it calls others with",
                remedy: "add service or serviceAccount")
        }
        guard let account = account ?? service else { return nil }
        self.init(
            metadata: metadata, service: service, node: node, address: address, inboundPlain: plain,
            serviceAccount: account, selectors: selectors,
            selectorsPosition: selectors.isEmpty ? nil : fields.keyPosition("selectors"), execUsers: execUsers,
            outboundListen: outbound.listen, outboundTCP: outbound.tcp)
    }

    /// `inbound: {plain: "192.0.2.10:8080"}`.
    private static func inbound(_ node: YAMLNode, _ problems: inout Problems) -> Located<SocketAddress>? {
        guard var fields = node.fields(of: "inbound", isOfPolicy: true, &problems) else { return nil }
        let plain = fields.required("plain", located(Scalar.listenAddress), &problems)
        fields.reportUnknownFields(&problems)
        return plain
    }

    /// `exec: {users: [web, 1001]}`.
    private static func execUsers(_ node: YAMLNode, _ problems: inout Problems) -> [UserReference]? {
        guard var fields = node.fields(of: "exec", isOfPolicy: true, &problems) else { return nil }
        let users = fields.requiredList("users", UserReference.decode, &problems)
        fields.reportUnknownFields(&problems)
        return users
    }

    private static func outbound(_ node: YAMLNode, namespace: String, _ problems: inout Problems) -> Outbound? {
        guard var fields = node.fields(of: "outbound", &problems) else { return nil }
        // Whoever reaches these calls with the workload's identity: they must be of this host alone.
        let listen = fields.optional("listen", located(Scalar.loopbackAddress), &problems)
        let tcp = fields.list(
            "tcp", emptyMeans: "a workload that reaches no service so",
            { Self.tcpOutbound($0, namespace: namespace, &$1) }, &problems)
        fields.reportUnknownFields(&problems)
        if !fields.has("listen"), !fields.has("tcp") {
            problems.report(
                .missingField, at: node.position, found: "outbound without \"listen\" and \"tcp\"",
                expected: "an address that the workload sends its calls to",
                remedy: "add listen for HTTP, tcp for services of protocol TCP, or both")
        }
        return Outbound(listen: listen, tcp: tcp)
    }

    private static func tcpOutbound(
        _ node: YAMLNode, namespace: String, _ problems: inout Problems
    ) -> TCPOutbound? {
        guard var fields = node.fields(of: "an item of tcp", &problems) else { return nil }
        let service = fields.required(
            "service", located { Scalar.serviceName($0, namespace: namespace, &$1) }, &problems)
        let listen = fields.required("listen", located(Scalar.loopbackAddress), &problems)
        fields.reportUnknownFields(&problems)
        guard let service, let listen else { return nil }
        return TCPOutbound(service: service, listen: listen)
    }
}
