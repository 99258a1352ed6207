import Diagnostics
import Manifests

/// Services that calls come to, and that nothing implements.
extension SnapshotResolver {
    /// To be called once routes are in `index`.
    mutating func checkEndpoints() {
        let empty = services.filter { service in
            service.endpoints.isEmpty
                && !index.workloadsByService[service.metadata.name, default: []].contains {
                    workloads[$0].address != nil
                }
        }
        guard !empty.isEmpty else { return }
        let backends = RouteBackends(calls: callRoutes, tcp: tcpRoutes, tls: tlsRoutes)
        for service in empty {
            let name = service.metadata.name
            guard backends.contains(name) || !hasRouteForEveryCaller(name) else { continue }
            report(
                .serviceWithoutEndpoint, .warning, at: service.metadata.position,
                found: "Service \(Diagnostic.quoted(name.name)) without an endpoint",
                expected: "a Workload with an address, or endpoints: "
                    + (service.protocol == .tcp
                        ? "connections to it are closed" : "calls to it are answered with 503"),
                remedy: "add a Workload with service: \(name.name) in namespace \(Diagnostic.quoted(name.namespace))")
        }
    }

    /// A route of the service's own namespace takes the calls of whoever has none of their own: the service itself
    /// receives only what routes send to it.
    private func hasRouteForEveryCaller(_ service: ResourceName) -> Bool {
        index.routesByService[service, default: []].contains {
            callRoutes[$0].metadata.name.namespace == service.namespace
        }
            || index.tcpRoutesByService[service, default: []].contains {
                tcpRoutes[$0].metadata.name.namespace == service.namespace
            }
    }
}
