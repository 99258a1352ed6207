/// A resource of any kind, as a file holds them one after the other.
package enum AnyResource: Sendable, Hashable {
    case mesh(Mesh)
    case node(Node)
    case service(Service)
    case workload(Workload)
    case gateway(Gateway)
    case httpRoute(HTTPRoute)
    case authorizationPolicy(AuthorizationPolicy)

    package var kind: ResourceKind {
        switch self {
        case .mesh: .mesh
        case .node: .node
        case .service: .service
        case .workload: .workload
        case .gateway: .gateway
        case .httpRoute: .httpRoute
        case .authorizationPolicy: .authorizationPolicy
        }
    }

    package var metadata: Metadata {
        switch self {
        case .mesh(let resource): resource.metadata
        case .node(let resource): resource.metadata
        case .service(let resource): resource.metadata
        case .workload(let resource): resource.metadata
        case .gateway(let resource): resource.metadata
        case .httpRoute(let resource): resource.metadata
        case .authorizationPolicy(let resource): resource.metadata
        }
    }
}
