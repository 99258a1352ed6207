package import Diagnostics

extension Node {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("address", "\(address.value)")
        spec.add("outbound", outboundListen.map { ["listen": .string("\($0.value)")] })
        spec.add(
            "guard",
            guarding.map { ["users": .array($0.users.map(\.json)), "onExit": .string($0.onExit.rawValue)] })
        return spec.json
    }
}
