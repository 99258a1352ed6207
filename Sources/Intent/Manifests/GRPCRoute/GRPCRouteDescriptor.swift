extension GRPCRoute: Route {
    package static let listenerProtocols: [ListenerProtocol] = [.http, .https]
    package var backends: [Located<ResourceName>] { rules.flatMap(\.backendRefs).map(\.service) }
    package var references: [Reference] { parentRefs.map { $0.reference() } + rules.flatMap(\.references) }

    static let descriptor = KindDescriptor(
        GRPCRoute.self, decode: GRPCRoute.init,
        columns: [.parents, .hostnames, Column("RULES") { String($0.rules.count) }, .backends])
}
