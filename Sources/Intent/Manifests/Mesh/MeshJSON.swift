package import Diagnostics
import SPIFFE

extension Mesh {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("trustDomain", trustDomain.name)
        spec.add("authorization", ["defaultAction": .string(defaultAction.rawValue)])
        spec.add("identity", identity.json)
        spec.add("proxy", proxy.json)
        spec.add("workloadSocket", ["path": .string(workloadSocket.value)])
        if let telemetryListen { spec.add("telemetry", ["listen": .string("\(telemetryListen.value)")]) }
        return spec.json
    }
}

extension IdentitySettings {
    fileprivate var json: JSONValue {
        [
            "svidTTL": .string(svidTTL.manifestText), "authority": authority.json,
            "requireSelectors": .bool(requiresSelectors),
        ]
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
