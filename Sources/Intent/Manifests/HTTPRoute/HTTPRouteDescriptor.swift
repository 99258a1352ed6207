extension HTTPRoute: Route {
    package static let listenerProtocols: [ListenerProtocol] = [.http, .https]
    package var backends: [Located<ResourceName>] { rules.flatMap(\.backendRefs).map(\.service) }
    package var references: [Reference] { parentRefs.map { $0.reference() } + rules.flatMap(\.references) }

    static let descriptor = KindDescriptor(
        HTTPRoute.self, short: ["route", "routes"], decode: HTTPRoute.init,
        columns: [.parents, .hostnames, Column("RULES") { String($0.rules.count) }, .backends])
}
