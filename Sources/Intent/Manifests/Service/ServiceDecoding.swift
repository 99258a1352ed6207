import Diagnostics
import YAMLSyntax

extension Service {
    /// - Returns: `nil` if `spec` is no mapping; other mistakes leave defaults behind, so that what refers to the service
    ///   is not reported too.
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Service", &problems) else { return nil }
        let `protocol` = fields.optional(
            "protocol", Scalar.choice(of: ServiceProtocol.self), default: .http, &problems)
        if `protocol` == .tcp {
            fields.refused(
                "hostnames", expected: "none with protocol \"TCP\": a connection names no host",
                remedy: "remove hostnames: a workload names the service in its outbound.tcp", &problems)
            fields.refused(
                "escapedSlashes", expected: "none with protocol \"TCP\": a connection has no path",
                remedy: "remove escapedSlashes", &problems)
        }
        let isTCP = `protocol` == .tcp
        self.init(
            metadata: metadata, protocol: `protocol`,
            hostnames: isTCP ? [] : fields.list("hostnames", located(Scalar.answeredHostname), &problems),
            escapedSlashes: isTCP
                ? .reject
                : fields.optional(
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
