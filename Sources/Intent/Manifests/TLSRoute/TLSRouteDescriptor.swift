extension TLSRoute: Route {
    package static let listenerProtocols: [ListenerProtocol] = [.tls]
    package var backends: [Located<ResourceName>] { rule.backendRefs.map(\.service) }
    package var references: [Reference] {
        parentRefs.map { $0.reference(canBeService: false) } + rule.references
    }

    static let descriptor = KindDescriptor(
        TLSRoute.self, decode: TLSRoute.init, columns: [.parents, .hostnames, .backends])
}
