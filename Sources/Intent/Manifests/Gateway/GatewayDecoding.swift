import CommonValues
import Diagnostics
import YAMLSyntax

extension Gateway {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Gateway", &problems) else { return nil }
        var names: [String: Int] = [:]
        let listeners = fields.requiredList("listeners", GatewayListener.decode, &problems)
        for listener in listeners {
            if let line = names.updateValue(listener.name.position.line, forKey: listener.name.value) {
                problems.report(
                    .duplicateItem, at: listener.name.position,
                    found: "a second listener named \(Diagnostic.quoted(listener.name.value))",
                    expected: "each name once in a gateway", remedy: "rename it, or the one on line \(line)")
            }
        }
        let ownAccount = Located(metadata.name.name, at: metadata.position)
        self.init(
            metadata: metadata, listeners: listeners, node: fields.optional("node", located(Scalar.label), &problems),
            serviceAccount: fields.optional("serviceAccount", located(Scalar.label), default: ownAccount, &problems),
            trustedProxies: fields.list("trustedProxies", Scalar.addressBlock, &problems))
        fields.reportUnknownFields(&problems)
    }
}

extension GatewayListener {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> GatewayListener? {
        guard var fields = node.fields(of: "a listener", &problems) else { return nil }
        let name = fields.required("name", located(Scalar.label), &problems)
        let address = fields.optional(
            "address", located(Scalar.ipAddress), default: Located(.anyIPv4, at: node.position), &problems)
        var isIPv6Only = false
        if address.value == .unspecified {
            isIPv6Only = fields.optional("ipv6Only", Scalar.boolean, default: false, &problems)
        } else {
            fields.refused(
                "ipv6Only", expected: "none but with address \"::\", which takes calls of IPv4, too",
                remedy: "remove ipv6Only, or change address to \"::\"", &problems)
        }
        let port = fields.required("port", located(Scalar.port), &problems)
        let `protocol` = fields.required(
            "protocol", Scalar.choice(of: ListenerProtocol.self, unavailable: ["UDP": "remove this listener"]),
            &problems)
        var hostname: Located<HostnamePattern>?
        if `protocol` == .tcp {
            fields.refused(
                "hostname", expected: "none with protocol \"TCP\": a connection names no host",
                remedy: "change protocol to \"TLS\", where SNI names one, or remove hostname", &problems)
        } else {
            hostname = fields.optional("hostname", located(Scalar.answeredPattern), &problems)
        }
        var tls: ListenerTLS?
        switch `protocol` {
        case .https: tls = fields.required("tls", ListenerTLS.decode, &problems)
        case .tls: _ = fields.required("tls", ListenerTLS.checkPassthrough, &problems)
        case .http:
            fields.refused(
                "tls", expected: "no tls with protocol \"HTTP\"", remedy: "change protocol to \"HTTPS\"",
                &problems)
        case .tcp:
            fields.refused(
                "tls", expected: "no tls with protocol \"TCP\"", remedy: "change protocol to \"TLS\"",
                &problems)
        case nil: _ = fields.entry("tls", &problems)
        }
        fields.reportUnknownFields(&problems)
        guard let name, let port, let `protocol` else { return nil }
        return GatewayListener(
            name: name, address: address, isIPv6Only: isIPv6Only, port: port, protocol: `protocol`,
            hostname: hostname, tls: tls)
    }
}

extension ListenerTLS {
    private enum Mode: String, CaseIterable {
        case terminate = "Terminate"
        case passthrough = "Passthrough"
    }

    /// Of a listener of protocol HTTPS.
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> ListenerTLS? {
        guard var fields = node.fields(of: "tls", &problems) else { return nil }
        let mode = fields.optional("mode", located(Scalar.choice(of: Mode.self)), &problems)
        if let mode, mode.value == .passthrough {
            problems.report(
                .conflictingFields, at: mode.position, found: "mode \"Passthrough\" with protocol \"HTTPS\"",
                expected: "\"Terminate\": what is passed through is not read as HTTP",
                remedy: "remove mode, or change protocol to \"TLS\"")
            return nil
        }
        let certificate = fields.required("certificateFile", located(Scalar.text), &problems)
        let key = fields.required("keyFile", located(Scalar.text), &problems)
        fields.reportUnknownFields(&problems)
        guard let certificate, let key else { return nil }
        return ListenerTLS(certificateFile: certificate, keyFile: key)
    }

    /// Of a listener of protocol TLS, where there is nothing to choose.
    fileprivate static func checkPassthrough(_ node: YAMLNode, _ problems: inout Problems) -> Bool? {
        guard var fields = node.fields(of: "tls", &problems) else { return nil }
        guard let mode = fields.required("mode", located(Scalar.choice(of: Mode.self)), &problems) else { return nil }
        if mode.value == .terminate {
            problems.reportUnavailable(
                "mode \"Terminate\" with protocol \"TLS\"", at: mode.position,
                remedy: "change it to \"Passthrough\", or protocol to \"HTTPS\"")
            return nil
        }
        for field in ["certificateFile", "keyFile"] {
            fields.refused(
                field, expected: "none with mode \"Passthrough\": the backend ends TLS, with its own certificate",
                remedy: "remove \(field)", &problems)
        }
        fields.reportUnknownFields(&problems)
        return true
    }
}
