package import Manifests
package import MeshSnapshot
package import SPIFFE

/// All that a snapshot says of calls to one service.
package struct ServiceRules: Sendable {
    package let service: Service
    /// The service's own.
    let routes: [HTTPRoute]
    /// By the namespace whose calls take them.
    let consumerRoutes: [String: [HTTPRoute]]
    let policies: [AuthorizationPolicy]
    let policyScope: PolicyScope
    /// Who has no identity may call it, too, where a port is named for that.
    let isPermissive: Bool
    /// `nil`: workloads or endpoints answer for it.
    let inner: InnerService?

    package var name: ResourceName { service.metadata.name }
    package var serverName: String { "\(name.name).\(name.namespace).mesh" }

    package init(_ service: Service, in snapshot: MeshSnapshot) {
        let name = service.metadata.name
        self.service = service
        routes = snapshot.routes(forService: name, calledFrom: name.namespace)
        consumerRoutes = Dictionary(
            uniqueKeysWithValues: snapshot.consumerNamespaces(of: name).map {
                ($0, snapshot.routes(forService: name, calledFrom: $0))
            })
        policies = snapshot.policies(for: name)
        policyScope = snapshot.policyScope(of: name)
        isPermissive = snapshot.peerModes.isPermissive(name)
        inner = nil
    }

    /// Of what Heddle answers for itself a snapshot says nothing here.
    init(_ inner: InnerService, in snapshot: MeshSnapshot) {
        self.inner = inner
        service = inner.service
        routes = []
        consumerRoutes = [:]
        policies = [inner.policy]
        policyScope = snapshot.policyScope(of: inner.name)
        isPermissive = false
    }
}

/// All that a snapshot says of calls that come by one listener of a gateway.
package struct GatewayRules: Sendable {
    package let name: ResourceName
    package let account: SPIFFEID
    package let listener: GatewayListener
    let routes: [HTTPRoute]
    let trustedProxies: [AddressBlock]

    package init(_ gateway: Gateway, _ listener: GatewayListener, account: SPIFFEID, in snapshot: MeshSnapshot) {
        name = gateway.metadata.name
        self.account = account
        self.listener = listener
        routes = snapshot.routes(forGateway: gateway.metadata.name, listener: listener)
        trustedProxies = gateway.trustedProxies
    }
}
