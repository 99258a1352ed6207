import CommonValues
import Diagnostics
import Manifests

/// Services with an endpoint that is a listener of the mesh which leads to them again, at once or by way of others: a call there comes
/// back without end. What can be seen of it in manifests; what cannot (a rewriting on the way, a name in an address, a proxy between)
/// is counted at run time, but for connections, which have nothing to count in. One look at everything that listens, and one at
/// every endpoint.
struct ServiceLoops {
    /// Something that listens, and where calls to it go.
    private struct Way {
        let description: String
        let position: SourcePosition
        let place: SocketAddress
        let isIPv6Only: Bool
        /// `nil`: on every node.
        let node: String?
        let leads: Destination

        /// Of one at every address of its node.
        func takes(_ host: SocketAddress.Host) -> Bool {
            switch host {
            case .name: true
            case .ip: place.isAnyIPv4 ? !host.isIPv6 : host.isIPv6 || !isIPv6Only
            }
        }
    }

    private enum Destination {
        /// By the host that was called, which stays what it is.
        case named
        case service(ResourceName)
        /// By its route, if callers of this namespace have one.
        case connection(ResourceName, from: String)
        /// By its routes.
        case gateway(Door)
    }

    /// What listens at a port at every address.
    private struct Port {
        var ways: [Way] = []
        /// The same; `nil`: on every node.
        var byNode: [String?: [Way]] = [:]

        func ways(on node: String?) -> [Way] {
            let onAll = byNode[nil] ?? []
            return node.map { onAll + (byNode[$0] ?? []) } ?? onAll
        }
    }

    /// A listener of a gateway: where the two stand in the snapshot.
    private struct Door: Hashable {
        let gateway: Int
        let listener: Int
    }

    private let snapshot: MeshSnapshot
    private var ways: [SocketAddress: [Way]] = [:]
    /// Those at every address of their node.
    private var waysEverywhere: [UInt16: Port] = [:]
    /// The nodes with such an address.
    private let nodesByHost: [SocketAddress.Host: Set<String>]
    /// The addresses at which a circle was found.
    private(set) var places: Set<SourcePosition> = []
    /// To whom gateways' listeners send calls that look as they came; found when an endpoint leads there, which is rare.
    private var servicesBehind: [Door: Set<ResourceName>] = [:]

    init(_ snapshot: MeshSnapshot) {
        self.snapshot = snapshot
        nodesByHost = snapshot.nodes.reduce(into: [:]) {
            if case .tcp(let host, _) = $1.value.address.value { $0[host, default: []].insert($1.key) }
        }
        for (name, node) in snapshot.nodes {
            guard let listen = node.outboundListen else { continue }
            add(listen, "outbound.listen of Node \(Diagnostic.quoted(name))", on: name, .named)
        }
        for workload in snapshot.workloads {
            let (name, node) = (Diagnostic.quoted(workload.metadata.name.name), workload.node?.value)
            if let listen = workload.outboundListen {
                add(listen, "outbound.listen of Workload \(name)", on: node, .named)
            }
            if let plain = workload.inboundPlain, let service = workload.serviceName {
                add(plain, "inbound.plain of Workload \(name)", on: node, .service(service))
            }
            for outbound in workload.outboundTCP {
                add(
                    outbound.listen, "outbound.tcp of Workload \(name)", on: node,
                    .connection(outbound.service.value, from: workload.metadata.name.namespace))
            }
        }
        for (number, gateway) in snapshot.gateways.enumerated() {
            for (index, listener) in gateway.listeners.enumerated() {
                let name = "listener \(Diagnostic.quoted(listener.name.value))"
                add(
                    Located(listener.place, at: listener.port.position),
                    "\(name) of Gateway \(Diagnostic.quoted(gateway.metadata.name.name))", on: gateway.node?.value,
                    isIPv6Only: listener.isIPv6Only, .gateway(Door(gateway: number, listener: index)))
            }
        }
    }

    private mutating func add(
        _ listen: Located<SocketAddress>, _ description: String, on node: String?, isIPv6Only: Bool = false,
        _ leads: Destination
    ) {
        let way = Way(
            description: description, position: listen.position, place: listen.value, isIPv6Only: isIPv6Only,
            node: snapshot.nodes.isEmpty ? nil : node, leads: leads)
        if case .tcp(let host, let port) = listen.value, host == .ip(.anyIPv4) || host == .ip(.unspecified) {
            waysEverywhere[port, default: Port()].ways.append(way)
            waysEverywhere[port]?.byNode[way.node, default: []].append(way)
        } else {
            ways[listen.value, default: []].append(way)
        }
    }

    private mutating func services(behind door: Door) -> Set<ResourceName> {
        if let known = servicesBehind[door] { return known }
        let gateway = snapshot.gateways[door.gateway]
        let found = services(behind: gateway.listeners[door.listener], of: gateway.metadata.name)
        servicesBehind[door] = found
        return found
    }

    private func services(behind first: ResourceName, from namespace: String) -> [ResourceName] {
        let route = snapshot.tcpRoute(forService: first, calledFrom: namespace)
        return route?.rule.backendRefs.map(\.service.value) ?? [first]
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

    /// - Returns: An error for each endpoint that leads back to its Service, and for each circle of several.
    mutating func check() -> [Diagnostic] {
        var found: [Diagnostic] = []
        var steps: [ServiceCircles.Step] = []
        for service in snapshot.services {
            for endpoint in service.endpoints { check(endpoint, of: service, nil, &found, &steps) }
        }
        for workload in snapshot.workloads {
            guard let address = workload.address, let service = workload.service else { continue }
            // What is at a loopback address of its node is another listener's place, and told as such.
            if case .tcp(let host, _) = address.value, Self.isLoopback(host) { continue }
            if case .unix = address.value { continue }
            let name = ResourceName(namespace: workload.metadata.name.namespace, name: service.value)
            guard let service = snapshot.services[name] else { continue }
            check(address, of: service, workload, &found, &steps)
        }
        let circles = ServiceCircles(steps)
        for step in circles.found.joined() { places.insert(step.endpoint.position) }
        return (found + circles.diagnostics).sorted { $0.position < $1.position }
    }

    /// - Parameter workload: Whose address it is; `nil`: every node calls it, and it is outside the mesh.
    private mutating func check(
        _ endpoint: Located<SocketAddress>, of service: Service, _ workload: Workload?, _ found: inout [Diagnostic],
        _ steps: inout [ServiceCircles.Step]
    ) {
        let name = service.metadata.name
        let candidates = candidates(endpoint.value, of: service, workload)
        let back = candidates.first { way in
            switch way.leads {
            case .named: service.protocol != .tcp
            case .service(let only): only == name
            case .connection(let first, let namespace): services(behind: first, from: namespace).contains(name)
            case .gateway(let door): services(behind: door).contains(name)
            }
        }
        guard let back else {
            for way in candidates {
                for next in servicesBehindConnection(way) {
                    steps.append(.init(from: name, to: next, endpoint: endpoint, way: way.description))
                }
            }
            return
        }
        places.insert(endpoint.position)
        let isEverywhere = back.place != endpoint.value
        found.append(
            Diagnostic(
                .endpointLoop, at: endpoint.position,
                found: "\(Diagnostic.quoted(endpoint.value.description)), which is \(back.description)"
                    + (isEverywhere ? " at \(back.place.description)" : ""),
                expected:
                    "the address of what serves Service \(Diagnostic.quoted(name.name)): this one leads back to it",
                remedy: "name the address that its own process listens at, not the one at \(back.position)"
                    + (isEverywhere
                        ? "; if it has an address of its own, as in a container, name there the one address of the host that is meant"
                        : "")))
    }

    /// What listens at an endpoint, as far as that can be seen.
    private func candidates(_ endpoint: SocketAddress, of service: Service, _ workload: Workload?) -> [Way] {
        let exact = ways[endpoint] ?? []
        guard case .tcp(let host, let port) = endpoint, let everywhere = waysEverywhere[port] else { return exact }
        let here: [Way]
        if Self.isLoopback(host) {
            here = everywhere.ways
        } else if let nodes = nodesByHost[host] {
            here = nodes.sorted().flatMap { everywhere.ways(on: $0) }
        } else if service.protocol == .tcp, let workload {
            // Another address of the node, or a container's: nobody says. A call is let try, for it is counted.
            here = everywhere.ways(on: workload.node?.value)
        } else {
            return exact
        }
        return exact + here.filter { $0.takes(host) }
    }

    /// Those that all which comes goes on to, or may, whatever it says: nothing of a call decides there, and nothing counts it.
    private mutating func servicesBehindConnection(_ way: Way) -> [ResourceName] {
        switch way.leads {
        case .named: return []
        case .service(let only): return [only]
        case .connection(let first, let namespace): return services(behind: first, from: namespace)
        case .gateway(let door):
            let `protocol` = snapshot.gateways[door.gateway].listeners[door.listener].protocol
            return `protocol` == .tcp || `protocol` == .tls ? services(behind: door).sorted() : []
        }
    }

    private static func isLoopback(_ host: SocketAddress.Host) -> Bool {
        switch host {
        case .ip(let address): address.isLoopback
        case .name(let name): name == "localhost"
        }
    }
}

extension SocketAddress {
    fileprivate var isAnyIPv4: Bool { if case .tcp(.ip(.anyIPv4), _) = self { true } else { false } }
}

extension [HTTPRouteFilter] {
    /// What goes on is another call, and may end elsewhere.
    fileprivate var rewritesURL: Bool { contains { if case .urlRewrite = $0 { true } else { false } } }
}
