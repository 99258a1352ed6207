extension TCPRoute: Route {
    package static let listenerProtocols: [ListenerProtocol] = [.tcp]
    /// A connection names no host.
    package var hostnames: [Located<HostnamePattern>] { [] }
    package var backends: [Located<ResourceName>] { rule.backendRefs.map(\.service) }
    package var references: [Reference] { parentRefs.map { $0.reference() } + rule.references }

    static let descriptor = KindDescriptor(TCPRoute.self, decode: TCPRoute.init, columns: [.parents, .backends])
}
