import CommonValues
import Diagnostics
import Manifests

/// Services with an endpoint that is a listener of the mesh which leads to them again: a call there comes back without end.
/// What can be seen of it in manifests; what cannot (a rewriting on the way, a name in an address, a proxy between) is counted at
/// run time. One look at everything that listens, and one at every endpoint.
struct ServiceLoops {
    /// Something that listens, and where calls to it go.
    private struct Way {
        let description: String
        let position: SourcePosition
        let leads: Destination
    }

    private enum Destination {
        /// By the host that was called, which stays what it is.
        case named
        case service(ResourceName)
        /// By its routes.
        case gateway(Door)
    }

    /// A listener of a gateway: where the two stand in the snapshot.
    private struct Door: Hashable {
        let gateway: Int
        let listener: Int
    }

    private let snapshot: MeshSnapshot
    private var ways: [SocketAddress: [Way]] = [:]
    /// Those at every address of their node.
    private var waysEverywhere: [UInt16: [Way]] = [:]
    private let nodeHosts: Set<SocketAddress.Host>
    /// To whom gateways' listeners send calls that look as they came; found when an endpoint leads there, which is rare.
    private var servicesBehind: [Door: Set<ResourceName>] = [:]

    init(_ snapshot: MeshSnapshot) {
        self.snapshot = snapshot
        nodeHosts = Set(
            snapshot.nodes.values.compactMap {
                if case .tcp(let host, _) = $0.address.value { host } else { nil }
            })
        for workload in snapshot.workloads {
            let name = Diagnostic.quoted(workload.metadata.name.name)
            if let listen = workload.outboundListen {
                add(listen, "outbound.listen of Workload \(name)", .named)
            }
            if let plain = workload.inboundPlain, let service = workload.serviceName {
                add(plain, "inbound.plain of Workload \(name)", .service(service))
            }
            for outbound in workload.outboundTCP {
                add(outbound.listen, "outbound.tcp of Workload \(name)", .service(outbound.service.value))
            }
        }
        for (number, gateway) in snapshot.gateways.enumerated() {
            for (index, listener) in gateway.listeners.enumerated() {
                let name = "listener \(Diagnostic.quoted(listener.name.value))"
                add(
                    Located(listener.place, at: listener.port.position),
                    "\(name) of Gateway \(Diagnostic.quoted(gateway.metadata.name.name))",
                    .gateway(Door(gateway: number, listener: index)))
            }
        }
    }

    private mutating func add(_ listen: Located<SocketAddress>, _ description: String, _ leads: Destination) {
        let way = Way(description: description, position: listen.position, leads: leads)
        switch listen.value {
        case .tcp(.ip(.anyIPv4), let port), .tcp(.ip(.unspecified), let port):
            waysEverywhere[port, default: []].append(way)
        default: ways[listen.value, default: []].append(way)
        }
    }

    private mutating func services(behind door: Door) -> Set<ResourceName> {
        if let known = servicesBehind[door] { return known }
        let gateway = snapshot.gateways[door.gateway]
        let found = services(behind: gateway.listeners[door.listener], of: gateway.metadata.name)
        servicesBehind[door] = found
        return found
    }

    private func services(behind listener: GatewayListener, of gateway: ResourceName) -> Set<ResourceName> {
        var services: Set<ResourceName> = []
        switch listener.protocol {
        case .http:
            for rule in snapshot.routes(forGateway: gateway, listener: listener).lazy.flatMap(\.rules) {
                guard !rule.filters.rewritesURL else { continue }
                services.formUnion(rule.backendRefs.lazy.filter { !$0.filters.rewritesURL }.map(\.service.value))
            }
        // An endpoint is spoken to in plain.
        case .https: break
        case .tcp:
            let rule = snapshot.tcpRoute(forGateway: gateway, listener: listener)?.rule
            services.formUnion(rule?.backendRefs.map(\.service.value) ?? [])
        case .tls:
            for route in snapshot.tlsRoutes(forGateway: gateway, listener: listener) {
                services.formUnion(route.rule.backendRefs.map(\.service.value))
            }
        }
        return services
    }

    /// - Returns: An error for each endpoint that leads back to its Service.
    mutating func check() -> [Diagnostic] {
        var found: [Diagnostic] = []
        for service in snapshot.services {
            for endpoint in service.endpoints { check(endpoint, of: service.metadata.name, service, &found) }
        }
        for workload in snapshot.workloads {
            guard let address = workload.address, let service = workload.service else { continue }
            // What is at a loopback address of its node is another listener's place, and told as such.
            if case .tcp(let host, _) = address.value, Self.isLoopback(host) { continue }
            if case .unix = address.value { continue }
            let name = ResourceName(namespace: workload.metadata.name.namespace, name: service.value)
            guard let service = snapshot.services[name] else { continue }
            check(address, of: name, service, &found)
        }
        return found.sorted { $0.position < $1.position }
    }

    private mutating func check(
        _ endpoint: Located<SocketAddress>, of name: ResourceName, _ service: Service, _ found: inout [Diagnostic]
    ) {
        var candidates = ways[endpoint.value] ?? []
        if case .tcp(let host, let port) = endpoint.value, Self.isLoopback(host) || nodeHosts.contains(host) {
            candidates += waysEverywhere[port] ?? []
        }
        let way = candidates.first { way in
            switch way.leads {
            case .named: service.protocol != .tcp
            case .service(let only): only == name
            case .gateway(let door): services(behind: door).contains(name)
            }
        }
        guard let way else { return }
        found.append(
            Diagnostic(
                .endpointLoop, at: endpoint.position,
                found: "\(Diagnostic.quoted(endpoint.value.description)), which is \(way.description)",
                expected:
                    "the address of what serves Service \(Diagnostic.quoted(name.name)): this one leads back to it",
                remedy: "name the address that its own process listens at, not the one at \(way.position)"))
    }

    private static func isLoopback(_ host: SocketAddress.Host) -> Bool {
        switch host {
        case .ip(let address): address.isLoopback
        case .name(let name): name == "localhost"
        }
    }
}

extension [HTTPRouteFilter] {
    /// What goes on is another call, and may end elsewhere.
    fileprivate var rewritesURL: Bool { contains { if case .urlRewrite = $0 { true } else { false } } }
}
