package import Diagnostics

extension PeerAuthentication {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("targetRefs", .array(targets.map(\.json)))
        spec.add("mtls", ["mode": .string(mode.value.rawValue)])
        return spec.json
    }
}

extension PeerAuthentication.Target {
    fileprivate var json: JSONValue {
        switch self {
        case .service(let name): ["kind": "Service", "name": .string(name.value)]
        case .mesh(let name): ["kind": "Mesh", "name": .string(name.value)]
        }
    }
}
