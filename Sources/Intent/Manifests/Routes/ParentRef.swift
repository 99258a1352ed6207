package struct ParentRef: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case service = "Service"
        case gateway = "Gateway"
    }

    /// Default: `.gateway`, as in Gateway API.
    package var kind: Kind
    /// Its namespace defaults to the route's.
    package var name: Located<ResourceName>
    /// A Gateway's listener.
    package var sectionName: Located<String>?
    /// A Gateway's listener port.
    package var port: Located<UInt16>?
}

extension ParentRef {
    /// The listener is one of those that this parentRef attaches a route to, if the route is of a kind that it takes.
    package func selects(_ listener: GatewayListener, of gateway: ResourceName) -> Bool {
        guard kind == .gateway, name.value == gateway else { return false }
        if let sectionName, sectionName.value != listener.name.value { return false }
        if let port, port.value != listener.port.value { return false }
        return true
    }
}
