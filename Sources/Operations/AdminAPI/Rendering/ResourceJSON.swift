import CommonValues
import Diagnostics
import Manifests

extension AnyResource {
    /// The resource as a manifest has it: `apiVersion`, `kind`, `metadata`, `spec`, every default written out. Names in a
    /// namespace other than the resource's own say so.
    package var manifestJSON: JSONValue {
        var metadata = JSONMembers()
        metadata.add("name", .string(self.metadata.name.name))
        metadata.add("namespace", .string(self.metadata.name.namespace))
        if !self.metadata.labels.isEmpty {
            metadata.add(
                "labels", .object(self.metadata.labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        return [
            "apiVersion": .string(ManifestDecoder.apiVersion), "kind": .string(kind.rawValue),
            "metadata": metadata.json,
            "spec": specJSON,
        ]
    }

    /// The same, with `source`: where the resource stands.
    package var json: JSONValue {
        guard case .object(let members) = manifestJSON else { return .null }
        return .object(members + [(key: "source", value: metadata.position.json)])
    }

    /// The resource as a manifest that says the same, after a comment that says where it stands.
    package var yamlText: String { "# \(metadata.position)\n" + YAMLText.rendered(manifestJSON) }

    private var specJSON: JSONValue {
        switch self {
        case .mesh(let resource): resource.specJSON
        case .node(let resource): ["address": .string("\(resource.address.value)")]
        case .service(let resource): resource.specJSON
        case .workload(let resource): resource.specJSON
        case .gateway(let resource): resource.specJSON
        case .httpRoute(let resource): resource.specJSON
        case .grpcRoute(let resource): resource.specJSON
        case .tcpRoute(let resource): resource.specJSON
        case .tlsRoute(let resource): resource.specJSON
        case .authorizationPolicy(let resource): resource.specJSON
        }
    }
}

extension JSONMembers {
    mutating func add(_ name: String, _ duration: Duration?) { add(name, duration?.manifestText) }
}

extension Mesh {
    fileprivate var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("trustDomain", trustDomain.name)
        spec.add("authorization", ["defaultAction": .string(defaultAction.rawValue)])
        spec.add("identity", identity.json)
        spec.add("proxy", proxy.json)
        if let telemetryListen { spec.add("telemetry", ["listen": .string("\(telemetryListen.value)")]) }
        return spec.json
    }
}

extension IdentitySettings {
    fileprivate var json: JSONValue {
        ["svidTTL": .string(svidTTL.manifestText), "authority": authority.json]
    }
}

extension AuthoritySource {
    fileprivate var json: JSONValue {
        switch self {
        case .builtIn: ["type": "BuiltIn"]
        case .files(let certificate, let key):
            ["type": "Files", "certificateFile": .string(certificate.value), "keyFile": .string(key.value)]
        }
    }
}

extension ProxySettings {
    fileprivate var json: JSONValue {
        var settings = JSONMembers()
        settings.add("workers", workers.map(JSONValue.integer))
        settings.add(
            "limits",
            [
                "headerBytes": .integer(limits.headerBytes), "headerCount": .integer(limits.headerCount),
                "targetBytes": .integer(limits.targetBytes), "connections": .integer(limits.connections),
                "requestsPerConnection": .integer(limits.requestsPerConnection),
                "idleUpstreamConnections": .integer(limits.idleUpstreamConnections),
                "http2": [
                    "concurrentStreams": .integer(limits.http2.concurrentStreams),
                    "resets": .integer(limits.http2.resets), "settings": .integer(limits.http2.settings),
                    "pings": .integer(limits.http2.pings), "emptyData": .integer(limits.http2.emptyData),
                    "queuedAcknowledgements": .integer(limits.http2.queuedAcknowledgements),
                    "streamWindow": .integer(limits.http2.streamWindow),
                    "connectionWindow": .integer(limits.http2.connectionWindow),
                ],
            ])
        var times = JSONMembers()
        times.add("requestHead", timeouts.requestHead)
        times.add("requestBody", timeouts.requestBody)
        times.add("idle", timeouts.idle)
        times.add("connect", timeouts.connect)
        times.add("response", timeouts.response)
        times.add("stream", timeouts.stream)
        times.add("handshake", timeouts.handshake)
        times.add("upstreamIdle", timeouts.upstreamIdle)
        times.add("keepalive", timeouts.keepalive)
        times.add("tunnelIdle", timeouts.tunnelIdle)
        times.add("drain", timeouts.drain)
        settings.add("timeouts", times.json)
        settings.add("accessLog", accessLog.rawValue)
        settings.add("nameRefresh", nameRefresh)
        return settings.json
    }
}

extension Service {
    fileprivate var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("protocol", `protocol`.rawValue)
        spec.add("hostnames", hostnames.map(\.value))
        if `protocol` != .tcp { spec.add("escapedSlashes", escapedSlashes.rawValue) }
        spec.add("endpoints", .array(endpoints.map { ["address": .string("\($0.value)")] }))
        return spec.json
    }
}

extension Workload {
    fileprivate var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("service", service?.value)
        spec.add("node", node?.value)
        spec.add("address", address.map { "\($0.value)" })
        spec.add("serviceAccount", serviceAccount.value)
        var outbound = JSONMembers()
        outbound.add("listen", outboundListen.map { "\($0.value)" })
        outbound.add(
            "tcp",
            .array(
                outboundTCP.map { outbound in
                    let service = outbound.service.value
                    let isOwn = service.namespace == metadata.name.namespace
                    return [
                        "service": .string(isOwn ? service.name : "\(service.name).\(service.namespace)"),
                        "listen": .string("\(outbound.listen.value)"),
                    ]
                }))
        spec.add("outbound", outbound.json)
        return spec.json
    }
}

extension Gateway {
    fileprivate var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("node", node?.value)
        spec.add("serviceAccount", serviceAccount.value)
        spec.add("trustedProxies", trustedProxies.map(\.text))
        spec.add("listeners", .array(listeners.map(\.json)))
        return spec.json
    }
}

extension GatewayListener {
    fileprivate var json: JSONValue {
        var listener = JSONMembers()
        listener.add("name", name.value)
        listener.add("address", address.value)
        if address.value == "::" { listener.add("ipv6Only", .bool(isIPv6Only)) }
        listener.add("port", .integer(Int(port.value)))
        listener.add("protocol", `protocol`.rawValue)
        listener.add("hostname", hostname.map { "\($0.value)" })
        if `protocol` == .tls { listener.add("tls", ["mode": "Passthrough"]) }
        if let tls {
            listener.add(
                "tls",
                [
                    "certificateFile": .string(tls.certificateFile.value), "keyFile": .string(tls.keyFile.value),
                ])
        }
        return listener.json
    }
}

extension AddressBlock {
    /// As a manifest writes it: `192.0.2.0/24`, `2001:db8::/32`; a single address without a length.
    var text: String {
        if high == 0, low >> 32 == 0xFFFF, prefixLength >= 96 {
            let bytes = [24, 16, 8, 0].map { String(low >> UInt64($0) & 255) }.joined(separator: ".")
            return prefixLength == 128 ? bytes : "\(bytes)/\(prefixLength - 96)"
        }
        let address = IPAddress(high: high, low: low)
        return prefixLength == 128 ? "\(address)" : "\(address)/\(prefixLength)"
    }
}
