package import Authorization
package import Manifests
package import Telemetry

/// A service as calls to it are planned: its routes, and its rules.
package final class ServiceTable {
    package let name: ResourceName
    package let label: Label
    /// Where it stands in its `CallTables.services`.
    package let index: Int
    /// What TLS's SNI names it by: `orders.shop.mesh`.
    package let serverName: String
    package let keepsEscapedSlashes: Bool
    package let isGRPC: Bool
    package let isTCP: Bool
    /// Heddle itself answers for it; `nil`: others do.
    package let inner: InnerService?
    private let isPermissive: Bool
    package let program: AuthorizationProgram
    /// Its own routes; `nil`: it takes every call itself.
    private var routes: BoundRoutes?
    /// Those that other namespaces have for their calls to it.
    private var consumerRoutes: [String: BoundRoutes] = [:]

    init(_ rules: ServiceRules, index: Int, label: Label, program: AuthorizationProgram) {
        name = rules.name
        self.label = label
        self.index = index
        serverName = rules.serverName
        keepsEscapedSlashes = rules.service.escapedSlashes == .keep
        isGRPC = rules.service.protocol == .grpc
        isTCP = rules.service.protocol == .tcp
        isPermissive = rules.isPermissive
        inner = rules.inner
        self.program = program
    }

    /// Routes name other services, which name others: they are joined once all services are there.
    func join(_ routes: BoundRoutes?, consumers: [String: BoundRoutes]) {
        self.routes = routes
        consumerRoutes = consumers
    }

    /// Before its rules are asked: without an identity it is called where it is PERMISSIVE alone, by whatever way the call has come.
    package func takesCalls(withIdentity hasIdentity: Bool) -> Bool { hasIdentity || isPermissive }

    /// What a call from a namespace takes; `nil`: straight to the service.
    package func routes(from namespace: String) -> BoundRoutes? {
        guard !consumerRoutes.isEmpty, let routes = consumerRoutes[namespace] else { return routes }
        return routes
    }
}
