import Diagnostics
import Manifests

/// What every node listens on, to find two that would take the same calls. One pass over everything that listens, with a
/// table for each port: no pairs are compared.
struct ListenerBindings {
    /// Something that listens.
    fileprivate struct Binding {
        let position: SourcePosition
        /// As an error names it: `listener "web" of Gateway "edge"`.
        let description: String
        /// For listeners of gateways, which may share a port.
        var gatewayProtocol: ListenerProtocol?
        /// For `::`.
        var isIPv6Only = false
    }

    /// One port of one node, or of every node.
    fileprivate struct Port {
        var byAddress: [String: Binding] = [:]
        /// The first one on a particular address, of IPv4 and of IPv6: not on all of them.
        var firstIPv4: Binding?
        var firstIPv6: Binding?
        /// By `address hostname`: what shares the port.
        var byHostname: [String: Binding] = [:]
    }

    private struct PortKey: Hashable {
        /// Empty: every node.
        let node: String
        let number: UInt16
    }

    private struct PathKey: Hashable {
        let node: String
        let path: String
    }

    private var ports: [PortKey: Port] = [:]
    private var paths: [PathKey: Binding] = [:]
    private let hasNodes: Bool
    private var diagnostics: [Diagnostic] = []

    init(nodes: [String]) {
        hasNodes = !nodes.isEmpty
    }

    /// - Returns: An error for each listener that another one, named in its remedy, stands in the way of.
    mutating func overlaps(
        mesh: Mesh, nodes: [String: Node], workloads: [Workload], gateways: [Gateway]
    ) -> [Diagnostic] {
        // What is on every node comes first, so that what is on one has it to look at.
        if let listen = mesh.telemetryListen {
            add(listen.value, Binding(position: listen.position, description: "telemetry of the Mesh"), node: nil)
        }
        for gateway in gateways where gateway.node == nil { add(gateway) }
        for gateway in gateways where gateway.node != nil { add(gateway) }
        checkNodeAddresses(nodes)
        for workload in workloads {
            let name = Diagnostic.quoted(workload.metadata.name.name)
            if let listen = workload.outboundListen {
                let binding = Binding(position: listen.position, description: "outbound.listen of Workload \(name)")
                add(listen.value, binding, node: workload.node?.value)
            }
            for (service, listen) in workload.outboundTCP.map({ ($0.service.value, $0.listen) }) {
                let description = "outbound.tcp of Workload \(name) for Service \(Diagnostic.quoted(service.name))"
                add(
                    listen.value, Binding(position: listen.position, description: description),
                    node: workload.node?.value)
            }
        }
        for workload in workloads { checkOwnAddress(of: workload) }
        return diagnostics
    }

    private mutating func add(_ gateway: Gateway) {
        for listener in gateway.listeners {
            let name = Diagnostic.quoted(listener.name.value)
            let binding = Binding(
                position: listener.port.position,
                description: "listener \(name) of Gateway \(Diagnostic.quoted(gateway.metadata.name.name))",
                gatewayProtocol: listener.protocol, isIPv6Only: listener.isIPv6Only)
            add(
                address: listener.address.value, port: listener.port.value, binding, hostname: listener.hostname,
                node: gateway.node?.value)
        }
    }

    private mutating func checkNodeAddresses(_ nodes: [String: Node]) {
        var taken: [SocketAddress: Node] = [:]
        for (name, node) in nodes.sorted(by: { $0.value.metadata.position < $1.value.metadata.position }) {
            let description = "the address of Node \(Diagnostic.quoted(name))"
            let binding = Binding(position: node.address.position, description: description)
            if let other = taken.updateValue(node, forKey: node.address.value) {
                let otherName = Diagnostic.quoted(other.metadata.name.name)
                report(
                    binding,
                    overlaps: Binding(
                        position: other.address.position, description: "the address of Node \(otherName)"),
                    at: node.address.value.description)
            }
            add(node.address.value, binding, node: name)
        }
    }

    /// A process and the mesh cannot both listen at one address of a node.
    private mutating func checkOwnAddress(of workload: Workload) {
        guard let address = workload.address else { return }
        let name = Diagnostic.quoted(workload.metadata.name.name)
        let binding = Binding(position: address.position, description: "the address of Workload \(name)")
        let places = nodes(workload.node?.value)
        let other: Binding?
        switch address.value {
        case .tcp(let host, let port):
            // Other addresses may be a container's or another host's.
            guard host.hasPrefix("127.") || host == "::1" else { return }
            other = places.compactMap { self.ports[PortKey(node: $0, number: port)]?.obstacle(to: host) }.first
        case .unix(let path):
            other = places.compactMap { self.paths[PathKey(node: $0, path: path)] }.first
        }
        if let other { report(binding, overlaps: other, at: address.value.description) }
    }

    /// Where to look for what may be in the way of something on a node: there, and among what is on every node.
    private func nodes(_ node: String?) -> [String] {
        guard hasNodes, let node else { return [""] }
        return ["", node]
    }

    private mutating func add(_ address: SocketAddress, _ binding: Binding, node: String?) {
        switch address {
        case .tcp(let host, let port): add(address: host, port: port, binding, hostname: nil, node: node)
        case .unix(let path):
            for name in nodes(node) {
                if let other = paths[PathKey(node: name, path: path)] {
                    report(binding, overlaps: other, at: address.description)
                    return
                }
            }
            paths[PathKey(node: nodes(node).last ?? "", path: path)] = binding
        }
    }

    private mutating func add(
        address: String, port: UInt16, _ binding: Binding, hostname: Located<HostnamePattern>?, node: String?
    ) {
        let place = SocketAddress.tcp(host: address, port: port).description
        let hostnameKey = "\(address) \(hostname?.value.description ?? "")"
        for name in nodes(node) {
            guard let taken = ports[PortKey(node: name, number: port)] else { continue }
            if let other = taken.sharing(address, binding) {
                if let one = other.gatewayProtocol, let two = binding.gatewayProtocol, one != two {
                    let protocols = [one.rawValue, two.rawValue].sorted()
                    report(
                        binding, overlaps: other, at: "\(place), one with \(protocols[0]) and one with \(protocols[1])")
                    return
                }
                if other.isIPv6Only != binding.isIPv6Only {
                    report(binding, overlaps: other, at: "\(place), one with ipv6Only and one without")
                    return
                }
                if binding.gatewayProtocol == .tcp {
                    report(binding, overlaps: other, at: place)
                    return
                }
                if let same = taken.byHostname[hostnameKey] {
                    let host = hostname.map { "hostname \(Diagnostic.quoted($0.value.description))" } ?? "no hostname"
                    report(binding, overlaps: same, at: "\(place) with \(host)", hostname?.position)
                    return
                }
            } else if let other = taken.obstacle(to: address, isIPv6Only: binding.isIPv6Only) {
                report(binding, overlaps: other, at: place)
                return
            }
        }
        let key = PortKey(node: nodes(node).last ?? "", number: port)
        ports[key, default: Port()].add(binding, at: address, hostnameKey: hostnameKey)
    }

    private mutating func report(
        _ binding: Binding, overlaps other: Binding, at place: String, _ position: SourcePosition? = nil
    ) {
        diagnostics.append(
            Diagnostic(
                .overlappingListeners, at: position ?? binding.position, found: "\(binding.description) at \(place)",
                expected: "an address and port that nothing else of its node has",
                remedy: "choose another: \(other.description) at \(other.position) overlaps"))
    }
}

extension ListenerBindings.Port {
    private static let anyIPv4 = "0.0.0.0"
    /// Takes calls of IPv4 too, unless it is for IPv6 only; but where there is a listener on all of IPv4, those are its own.
    private static let anyIPv6 = "::"

    /// The gateway's listener whose socket a gateway's listener at the same address shares.
    fileprivate func sharing(
        _ address: String, _ binding: ListenerBindings.Binding
    ) -> ListenerBindings.Binding? {
        guard binding.gatewayProtocol != nil, let other = byAddress[address] else { return nil }
        return other.gatewayProtocol == nil ? nil : other
    }

    /// What takes calls that come to an address.
    /// - Parameter isIPv6Only: Of `::`.
    fileprivate func obstacle(to address: String, isIPv6Only: Bool = false) -> ListenerBindings.Binding? {
        if let same = byAddress[address] { return same }
        switch address {
        case Self.anyIPv4: return firstIPv4
        case Self.anyIPv6: return firstIPv6 ?? (isIPv6Only ? nil : firstIPv4)
        default:
            let all = byAddress[Self.anyIPv6]
            if address.contains(":") { return all }
            if let all = byAddress[Self.anyIPv4] { return all }
            return all.flatMap { $0.isIPv6Only ? nil : $0 }
        }
    }

    fileprivate mutating func add(_ binding: ListenerBindings.Binding, at address: String, hostnameKey: String) {
        if byAddress[address] == nil { byAddress[address] = binding }
        byHostname[hostnameKey] = binding
        guard address != Self.anyIPv4, address != Self.anyIPv6 else { return }
        if address.contains(":") {
            if firstIPv6 == nil { firstIPv6 = binding }
        } else if firstIPv4 == nil {
            firstIPv4 = binding
        }
    }
}
