package import Diagnostics

extension Node {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("address", "\(address.value)")
        spec.add("outbound", outboundListen.map { ["listen": .string("\($0.value)")] })
        return spec.json
    }
}
