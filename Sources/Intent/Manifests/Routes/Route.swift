/// What routes of every kind have in common: whom they are for, and where what they take goes.
package protocol Route: Resource {
    /// Of listeners that it attaches to.
    static var listenerProtocols: [ListenerProtocol] { get }
    var parentRefs: [ParentRef] { get }
    /// Empty: every one that its parents have.
    var hostnames: [Located<HostnamePattern>] { get }
    /// The Services of all backendRefs.
    var backends: [Located<ResourceName>] { get }
}

extension Route {
    /// What comes to the listener is this route's to take: a parentRef names its gateway, and its section and port where it
    /// names any, and their hostnames have one in common.
    package func attaches(to listener: GatewayListener, of gateway: ResourceName) -> Bool {
        Self.listenerProtocols.contains(listener.protocol)
            && parentRefs.contains { $0.selects(listener, of: gateway) }
            && (hostnames.isEmpty || hostnames.contains { $0.value.intersects(listener.hostname?.value) })
    }
}

extension Column where Value: Route {
    static var parents: Column {
        Column("PARENTS") { route in
            route.parentRefs.map { parent in
                "\(parent.kind.rawValue) \(parent.name.value)" + (parent.sectionName.map { "/\($0.value)" } ?? "")
            }.joined(separator: ",")
        }
    }

    static var hostnames: Column {
        Column("HOSTNAMES") { route in route.hostnames.map { "\($0.value)" }.joined(separator: ",") }
    }

    /// Each once.
    static var backends: Column {
        Column("BACKENDS") { route in
            var names: [String] = []
            for service in route.backends where !names.contains("\(service.value)") { names.append("\(service.value)") }
            return names.joined(separator: ",")
        }
    }
}
