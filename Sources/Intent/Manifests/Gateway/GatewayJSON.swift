import CommonValues
package import Diagnostics

extension Gateway {
    package var specJSON: JSONValue {
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
        listener.add("address", "\(address.value)")
        if address.value == .unspecified { listener.add("ipv6Only", .bool(isIPv6Only)) }
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
