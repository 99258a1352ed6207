import Diagnostics
import SPIFFE
import YAMLSyntax

extension Mesh {
    /// - Returns: `nil` if `spec` is no mapping; other mistakes leave defaults behind.
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Mesh", &problems) else { return nil }
        self.init(metadata: metadata)
        trustDomain = fields.optional("trustDomain", Self.trustDomain, default: trustDomain, &problems)
        defaultAction = fields.optional("authorization", Self.authorization, default: defaultAction, &problems)
        identity = fields.optional("identity", IdentitySettings.decode, default: identity, &problems)
        proxy = fields.optional("proxy", ProxySettings.decode, default: proxy, &problems)
        workloadSocket = fields.optional("workloadSocket", Self.workloadSocket, default: workloadSocket, &problems)
        telemetryListen = fields.optional("telemetry", Self.telemetry, &problems)
        fields.reportUnknownFields(&problems)
    }

    /// A mesh of which nothing is written: the default of every field.
    package init(metadata: Metadata) {
        guard let trustDomain = TrustDomain("mesh.local") else { preconditionFailure("mesh.local is a trust domain") }
        self.init(
            metadata: metadata, trustDomain: trustDomain, defaultAction: .deny,
            identity: IdentitySettings(svidTTL: .seconds(3600), authority: .builtIn, requiresSelectors: false),
            proxy: ProxySettings(),
            telemetryListen: nil, workloadSocket: Located(Self.defaultWorkloadSocket, at: metadata.position))
    }

    private static func trustDomain(_ node: YAMLNode, _ problems: inout Problems) -> TrustDomain? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        if let domain = TrustDomain(text) { return domain }
        problems.report(
            .invalidValue, node, expected: "a SPIFFE trust domain: \(TrustDomain.rule)",
            remedy: TrustDomain.meant(by: text).map { "change it to \"\($0)\"" }
                ?? "choose a name like \"mesh.example.org\"")
        return nil
    }

    private static func authorization(_ node: YAMLNode, _ problems: inout Problems) -> DefaultAction? {
        guard var fields = node.fields(of: "authorization", &problems) else { return nil }
        let action = fields.optional("defaultAction", Scalar.choice(of: DefaultAction.self), default: .deny, &problems)
        fields.reportUnknownFields(&problems)
        return action
    }

    private static func workloadSocket(_ node: YAMLNode, _ problems: inout Problems) -> Located<String>? {
        guard var fields = node.fields(of: "workloadSocket", &problems) else { return nil }
        let path = fields.required("path", located(Scalar.socketPath), &problems)
        fields.reportUnknownFields(&problems)
        return path
    }

    private static func telemetry(_ node: YAMLNode, _ problems: inout Problems) -> Located<SocketAddress>? {
        guard var fields = node.fields(of: "telemetry", &problems) else { return nil }
        let listen = fields.required("listen", located(Scalar.loopbackHostAndPort), &problems)
        fields.reportUnknownFields(&problems)
        return listen
    }
}

extension IdentitySettings {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> IdentitySettings? {
        guard var fields = node.fields(of: "identity", &problems) else { return nil }
        let range = Duration.seconds(30)...Duration.seconds(24 * 3600)
        let settings = IdentitySettings(
            svidTTL: fields.optional("svidTTL", Scalar.duration(in: range), default: .seconds(3600), &problems),
            authority: fields.optional("authority", AuthoritySource.decode, default: .builtIn, &problems),
            requiresSelectors: fields.optional("requireSelectors", Scalar.boolean, default: false, &problems))
        fields.reportUnknownFields(&problems)
        return settings
    }
}

extension AuthoritySource {
    private enum Kind: String, CaseIterable {
        case builtIn = "BuiltIn"
        case files = "Files"
    }

    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> AuthoritySource? {
        guard var fields = node.fields(of: "authority", &problems) else { return nil }
        defer { fields.reportUnknownFields(&problems) }
        let isTyped = fields.has("type")
        switch fields.optional("type", Scalar.choice(of: Kind.self), &problems) ?? (isTyped ? nil : .builtIn) {
        case .builtIn:
            for name in ["certificateFile", "keyFile"] {
                fields.refused(
                    name, expected: "no files with type \"BuiltIn\"", remedy: "remove it, or set type to \"Files\"",
                    &problems)
            }
            return .builtIn
        case .files:
            let certificate = fields.required("certificateFile", located(Scalar.text), &problems)
            let key = fields.required("keyFile", located(Scalar.text), &problems)
            guard let certificate, let key else { return nil }
            return .files(certificateFile: certificate, keyFile: key)
        case nil:
            _ = fields.optional("certificateFile", Scalar.text, &problems)
            _ = fields.optional("keyFile", Scalar.text, &problems)
            return nil
        }
    }
}

extension ProxySettings {
    /// The default of every field.
    fileprivate init() {
        self.init(workers: nil, limits: ProxyLimits(), timeouts: ProxyTimeouts(), accessLog: .failures)
    }

    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> ProxySettings? {
        guard var fields = node.fields(of: "proxy", &problems) else { return nil }
        let settings = ProxySettings(
            workers: fields.optional("workers", Scalar.integer(in: 1...256, "threads"), &problems),
            limits: fields.optional("limits", ProxyLimits.decode, default: ProxyLimits(), &problems),
            timeouts: fields.optional("timeouts", ProxyTimeouts.decode, default: ProxyTimeouts(), &problems),
            accessLog: fields.optional("accessLog", Scalar.choice(of: AccessLog.self), default: .failures, &problems),
            nameRefresh: fields.optional(
                "nameRefresh", Scalar.duration(in: .seconds(1)...Duration.seconds(24 * 3600)), default: .seconds(30),
                &problems))
        fields.reportUnknownFields(&problems)
        return settings
    }
}

extension ProxyLimits {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> ProxyLimits? {
        guard var fields = node.fields(of: "limits", &problems) else { return nil }
        var limits = ProxyLimits()
        func read(_ name: String, _ value: inout Int, _ range: ClosedRange<Int>, _ unit: String) {
            value = fields.optional(name, Scalar.integer(in: range, unit), default: value, &problems)
        }
        read("headerBytes", &limits.headerBytes, 1024...1 << 20, "bytes")
        read("headerCount", &limits.headerCount, 1...1_000, "fields")
        read("targetBytes", &limits.targetBytes, 256...64 * 1024, "bytes")
        read("connections", &limits.connections, 1...1_000_000, "connections")
        read("requestsPerConnection", &limits.requestsPerConnection, 1...1_000_000_000, "requests")
        read("idleUpstreamConnections", &limits.idleUpstreamConnections, 0...10_000, "connections")
        limits.http2 = fields.optional("http2", HTTP2ConnectionLimits.decode, default: limits.http2, &problems)
        fields.reportUnknownFields(&problems)
        return limits
    }
}

extension HTTP2ConnectionLimits {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> HTTP2ConnectionLimits? {
        guard var fields = node.fields(of: "http2", &problems) else { return nil }
        var limits = HTTP2ConnectionLimits()
        func read(_ name: String, _ value: inout Int, _ range: ClosedRange<Int>, _ unit: String) {
            value = fields.optional(name, Scalar.integer(in: range, unit), default: value, &problems)
        }
        read("concurrentStreams", &limits.concurrentStreams, 1...10_000, "streams")
        read("resets", &limits.resets, 1...1_000_000, "streams")
        read("settings", &limits.settings, 1...1_000_000, "frames")
        read("pings", &limits.pings, 1...1_000_000, "frames")
        read("emptyData", &limits.emptyData, 1...1_000_000, "frames")
        read("queuedAcknowledgements", &limits.queuedAcknowledgements, 1...10_000, "frames")
        read("streamWindow", &limits.streamWindow, 65_535...4 << 20, "bytes")
        read("connectionWindow", &limits.connectionWindow, 65_535...8 << 20, "bytes")
        fields.reportUnknownFields(&problems)
        return limits
    }
}

extension ProxyTimeouts {
    /// Bounds of every timeout.
    private static let range = Duration.milliseconds(1)...Duration.seconds(24 * 3600)

    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> ProxyTimeouts? {
        guard var fields = node.fields(of: "timeouts", &problems) else { return nil }
        var timeouts = ProxyTimeouts()
        func read(_ name: String, _ value: inout Duration) {
            value = fields.optional(name, Scalar.duration(in: range), default: value, &problems)
        }
        read("requestHead", &timeouts.requestHead)
        read("requestBody", &timeouts.requestBody)
        read("idle", &timeouts.idle)
        read("connect", &timeouts.connect)
        read("response", &timeouts.response)
        read("stream", &timeouts.stream)
        read("handshake", &timeouts.handshake)
        read("upstreamIdle", &timeouts.upstreamIdle)
        read("keepalive", &timeouts.keepalive)
        read("tunnelIdle", &timeouts.tunnelIdle)
        read("drain", &timeouts.drain)
        fields.reportUnknownFields(&problems)
        return timeouts
    }
}
