import CommonValues
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
        /// The address, for people.
        let place: String
        var hostname: Located<HostnamePattern>?
        /// For listeners of gateways, which may share a port.
        var gatewayProtocol: ListenerProtocol?
        /// For `::`.
        var isIPv6Only = false
    }

    /// Two that would take the same calls.
    private struct Overlap {
        let binding: Binding
        let other: Binding
        /// What of it is not to be seen by the address.
        let detail: String
        let isOfHostname: Bool

        var reversed: Overlap {
            Overlap(binding: other, other: binding, detail: detail, isOfHostname: isOfHostname)
        }

        var diagnostic: Diagnostic {
            Diagnostic(
                .overlappingListeners, at: (isOfHostname ? binding.hostname?.position : nil) ?? binding.position,
                found: "\(binding.description) at \(binding.place)\(detail)",
                expected: "an address and port that nothing else of its node has",
                remedy: "choose another: \(other.description) at \(other.position) overlaps")
        }
    }

    /// One port of one node, or of every node.
    fileprivate struct Port {
        var byAddress: [SocketAddress.Host: Binding] = [:]
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
    private var found: [Overlap] = []

    init(nodes: [String]) {
        hasNodes = !nodes.isEmpty
    }

    /// - Parameters:
    ///   - known: Addresses of workloads of which it is told already what is wrong.
    ///   - isNew: Whether a place is part of what a person is about to add: that is at fault, not what was there.
    /// - Returns: An error for each listener that another one, named in its remedy, stands in the way of.
    mutating func overlaps(
        mesh: Mesh, nodes: [String: Node], workloads: [Workload], gateways: [Gateway],
        except known: Set<SourcePosition> = [], isNew: (SourcePosition) -> Bool = { _ in false }
    ) -> [Diagnostic] {
        // What is on every node comes first, so that what is on one has it to look at.
        if let listen = mesh.telemetryListen {
            add(
                listen.value,
                Binding(
                    position: listen.position, description: "telemetry of the Mesh", place: listen.value.description),
                node: nil)
        }
        for gateway in gateways where gateway.node == nil { add(gateway) }
        for gateway in gateways where gateway.node != nil { add(gateway) }
        checkNodeAddresses(nodes)
        for workload in workloads {
            let name = Diagnostic.quoted(workload.metadata.name.name)
            if let listen = workload.outboundListen {
                let binding = Binding(
                    position: listen.position, description: "outbound.listen of Workload \(name)",
                    place: listen.value.description)
                add(listen.value, binding, node: workload.node?.value)
            }
            if let plain = workload.inboundPlain {
                let binding = Binding(
                    position: plain.position, description: "inbound.plain of Workload \(name)",
                    place: plain.value.description)
                add(plain.value, binding, node: workload.node?.value)
            }
            for (service, listen) in workload.outboundTCP.map({ ($0.service.value, $0.listen) }) {
                let description = "outbound.tcp of Workload \(name) for Service \(Diagnostic.quoted(service.name))"
                let binding = Binding(
                    position: listen.position, description: description, place: listen.value.description)
                add(listen.value, binding, node: workload.node?.value)
            }
        }
        for workload in workloads where workload.address.map({ !known.contains($0.position) }) ?? false {
            checkOwnAddress(of: workload, nodes)
        }
        return found.map { overlap in
            let isOfOther = isNew(overlap.other.position) && !isNew(overlap.binding.position)
            return (isOfOther ? overlap.reversed : overlap).diagnostic
        }
    }

    private mutating func add(_ gateway: Gateway) {
        for listener in gateway.listeners {
            let name = Diagnostic.quoted(listener.name.value)
            let binding = Binding(
                position: listener.port.position,
                description: "listener \(name) of Gateway \(Diagnostic.quoted(gateway.metadata.name.name))",
                place: listener.place.description,
                hostname: listener.hostname, gatewayProtocol: listener.protocol, isIPv6Only: listener.isIPv6Only)
            add(listener.place, binding, node: gateway.node?.value)
        }
    }

    private mutating func checkNodeAddresses(_ nodes: [String: Node]) {
        var taken: [SocketAddress: Node] = [:]
        for (name, node) in nodes.sorted(by: { $0.value.metadata.position < $1.value.metadata.position }) {
            let binding = Self.binding(of: node)
            if let other = taken.updateValue(node, forKey: node.address.value) {
                report(binding, overlaps: Self.binding(of: other))
            }
            add(node.address.value, binding, node: name)
            guard let listen = node.outboundListen else { continue }
            add(
                listen.value,
                Binding(
                    position: listen.position,
                    description: "outbound.listen of Node \(Diagnostic.quoted(node.metadata.name.name))",
                    place: listen.value.description),
                node: name)
        }
    }

    private static func binding(of node: Node) -> Binding {
        Binding(
            position: node.address.position,
            description: "the address of Node \(Diagnostic.quoted(node.metadata.name.name))",
            place: node.address.value.description)
    }

    /// A process and the mesh cannot both listen at one address of a node.
    private mutating func checkOwnAddress(of workload: Workload, _ all: [String: Node]) {
        guard let address = workload.address else { return }
        let name = Diagnostic.quoted(workload.metadata.name.name)
        let binding = Binding(
            position: address.position, description: "the address of Workload \(name)",
            place: address.value.description)
        let places = nodes(workload.node?.value)
        let other: Binding?
        switch address.value {
        case .tcp(let host, let port):
            guard let ip = host.ip else { return }
            // Other addresses may be a container's: what listens at every address of its host does not listen there.
            let isOfHost = ip.isLoopback || workload.node.flatMap { all[$0.value] }?.isAt(host) ?? false
            other =
                places.compactMap { self.ports[PortKey(node: $0, number: port)] }.compactMap {
                    isOfHost ? $0.obstacle(to: host) : $0.byAddress[host]
                }.first
        case .unix(let path):
            other = places.compactMap { self.paths[PathKey(node: $0, path: path)] }.first
        }
        if let other { report(binding, overlaps: other) }
    }

    /// Where to look for what may be in the way of something on a node: there, and among what is on every node.
    private func nodes(_ node: String?) -> [String] {
        guard hasNodes, let node else { return [""] }
        return ["", node]
    }

    private mutating func add(_ address: SocketAddress, _ binding: Binding, node: String?) {
        switch address {
        case .tcp(let host, let port): add(address: host, port: port, binding, node: node)
        case .unix(let path):
            for name in nodes(node) {
                if let other = paths[PathKey(node: name, path: path)] {
                    report(binding, overlaps: other)
                    return
                }
            }
            paths[PathKey(node: nodes(node).last ?? "", path: path)] = binding
        }
    }

    private mutating func add(
        address: SocketAddress.Host, port: UInt16, _ binding: Binding, node: String?
    ) {
        let hostnameKey = "\(address) \(binding.hostname?.value.description ?? "")"
        for name in nodes(node) {
            guard let taken = ports[PortKey(node: name, number: port)] else { continue }
            if let other = taken.sharing(address, binding) {
                if let one = other.gatewayProtocol, let two = binding.gatewayProtocol, one != two {
                    let protocols = [one.rawValue, two.rawValue].sorted()
                    report(binding, overlaps: other, ", one with \(protocols[0]) and one with \(protocols[1])")
                    return
                }
                if other.isIPv6Only != binding.isIPv6Only {
                    report(binding, overlaps: other, ", one with ipv6Only and one without")
                    return
                }
                if binding.gatewayProtocol == .tcp {
                    report(binding, overlaps: other)
                    return
                }
                if let same = taken.byHostname[hostnameKey] {
                    let host =
                        binding.hostname.map { "hostname \(Diagnostic.quoted($0.value.description))" } ?? "no hostname"
                    report(binding, overlaps: same, " with \(host)", isOfHostname: true)
                    return
                }
            } else if let other = taken.obstacle(to: address, isIPv6Only: binding.isIPv6Only) {
                report(binding, overlaps: other)
                return
            }
        }
        let key = PortKey(node: nodes(node).last ?? "", number: port)
        ports[key, default: Port()].add(binding, at: address, hostnameKey: hostnameKey)
    }

    private mutating func report(
        _ binding: Binding, overlaps other: Binding, _ detail: String = "", isOfHostname: Bool = false
    ) {
        found.append(Overlap(binding: binding, other: other, detail: detail, isOfHostname: isOfHostname))
    }
}

extension Node {
    fileprivate func isAt(_ host: SocketAddress.Host) -> Bool {
        if case .tcp(host, _) = address.value { true } else { false }
    }
}

extension ListenerBindings.Port {
    private static let anyIPv4 = SocketAddress.Host.ip(.anyIPv4)
    /// Takes calls of IPv4 too, unless it is for IPv6 only; but where there is a listener on all of IPv4, those are its own.
    private static let anyIPv6 = SocketAddress.Host.ip(.unspecified)

    /// The gateway's listener whose socket a gateway's listener at the same address shares.
    fileprivate func sharing(
        _ address: SocketAddress.Host, _ binding: ListenerBindings.Binding
    ) -> ListenerBindings.Binding? {
        guard binding.gatewayProtocol != nil, let other = byAddress[address] else { return nil }
        return other.gatewayProtocol == nil ? nil : other
    }

    /// What takes calls that come to an address.
    /// - Parameter isIPv6Only: Of `::`.
    fileprivate func obstacle(to address: SocketAddress.Host, isIPv6Only: Bool = false) -> ListenerBindings.Binding? {
        if let same = byAddress[address] { return same }
        switch address {
        case Self.anyIPv4: return firstIPv4
        case Self.anyIPv6: return firstIPv6 ?? (isIPv6Only ? nil : firstIPv4)
        default:
            let all = byAddress[Self.anyIPv6]
            if address.isIPv6 { return all }
            if let all = byAddress[Self.anyIPv4] { return all }
            return all.flatMap { $0.isIPv6Only ? nil : $0 }
        }
    }

    fileprivate mutating func add(
        _ binding: ListenerBindings.Binding, at address: SocketAddress.Host, hostnameKey: String
    ) {
        if byAddress[address] == nil { byAddress[address] = binding }
        byHostname[hostnameKey] = binding
        guard address != Self.anyIPv4, address != Self.anyIPv6 else { return }
        if address.isIPv6 {
            if firstIPv6 == nil { firstIPv6 = binding }
        } else if firstIPv4 == nil {
            firstIPv4 = binding
        }
    }
}
