/// A resource of any kind, as a file holds them one after the other.
package enum AnyResource: Sendable, Hashable {
    case mesh(Mesh)
    case node(Node)
    case service(Service)
    case workload(Workload)
    case gateway(Gateway)
    case httpRoute(HTTPRoute)
    case grpcRoute(GRPCRoute)
    case tcpRoute(TCPRoute)
    case tlsRoute(TLSRoute)
    case authorizationPolicy(AuthorizationPolicy)

    package var kind: ResourceKind {
        switch self {
        case .mesh: .mesh
        case .node: .node
        case .service: .service
        case .workload: .workload
        case .gateway: .gateway
        case .httpRoute: .httpRoute
        case .grpcRoute: .grpcRoute
        case .tcpRoute: .tcpRoute
        case .tlsRoute: .tlsRoute
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
        case .grpcRoute(let resource): resource.metadata
        case .tcpRoute(let resource): resource.metadata
        case .tlsRoute(let resource): resource.metadata
        case .authorizationPolicy(let resource): resource.metadata
        }
    }
}
