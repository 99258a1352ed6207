package import Attestation
import Authorization
import CallPlanning
import CommonValues
package import Diagnostics
package import EventLoops
package import Manifests
package import MeshSnapshot
package import SPIFFE

/// What this node serves of a snapshot: addresses resolved, what is local told from what is not. One value for all workers,
/// from which each compiles a view of its own.
package struct ServingPlan: Sendable {
    struct ServicePlan: Sendable {
        let rules: ServiceRules
        fileprivate(set) var endpoints: [EndpointPlan]
        let accounts: Set<SPIFFEID>
    }

    struct EndpointPlan: Sendable, Hashable {
        let address: NetworkAddress
        let isMesh: Bool
        let isWorkload: Bool
    }

    enum ListenerPlan: Sendable {
        case outbound(TableCompiler.LocalWorkload)
        /// The node's, for all its workloads.
        case hostOutbound([TableCompiler.LocalWorkload])
        case inbound
        /// A workload's, for plain calls to its service.
        case plain(ResourceName)
        case gateway([GatewayRules])
        /// A workload's own, for one TCP service.
        case tcp(TableCompiler.LocalWorkload, service: ResourceName)
    }

    struct PlacedListener: Sendable {
        let plan: ListenerPlan
        /// For messages and the access log: `Workload shop/web-1`, `Gateway edge/http`.
        let owner: String
        let position: SourcePosition
        /// Of the address alone, where the port stands by itself.
        var addressPosition: SourcePosition?
        /// For `::`.
        var isIPv6Only = false
    }

    package let snapshot: MeshSnapshot
    let generation: UInt64
    let settings: ProxySettings
    let defaultAction: DefaultAction
    private let node: String?
    /// Of users and groups that selectors, and the guard, name.
    package private(set) var accounts: HostAccounts
    /// Those of this node's workloads, by `accounts`.
    private var selectors: [ResourceName: SelectorProgram] = [:]
    private(set) var services: [ServicePlan]
    private(set) var listeners: [NetworkAddress: PlacedListener] = [:]
    /// Service accounts of this node's workloads and gateways: each needs a certificate.
    package private(set) var identities: Set<SPIFFEID> = []
    /// The workloads of this node that Heddle calls as itself: files of theirs have changed, and somebody is to hear of it.
    private(set) var ownCallers: [ResourceName: SPIFFEID] = [:]
    /// What each service's certificate is, by server name: what callers from other nodes ask for.
    package private(set) var servedNames: [String: SPIFFEID] = [:]
    /// Whether calls leave this node or come in from others.
    package private(set) var hasMesh = false

    /// - Parameters:
    ///   - resolve: What is known of a DNS name; called for names only.
    ///   - problems: Those that are errors mean that a listener has no place to be.
    package init(
        _ snapshot: MeshSnapshot, node: String?, generation: UInt64, accounts: HostAccounts = HostAccounts(),
        resolve: (String) -> ResolvedName, problems: inout [Diagnostic]
    ) {
        let trustDomain = snapshot.mesh.trustDomain
        self.snapshot = snapshot
        self.generation = generation
        settings = snapshot.mesh.proxy
        defaultAction = snapshot.mesh.defaultAction
        self.node = node
        self.accounts = accounts
        var nameProblems: Set<Diagnostic> = []
        services = snapshot.services.map { service in
            let name = service.metadata.name
            return ServicePlan(
                rules: ServiceRules(service, in: snapshot),
                endpoints: Self.endpoints(of: service, in: snapshot, node, resolve, &nameProblems),
                accounts: Set(snapshot.workloads(of: name).map { Self.identity(of: $0, in: trustDomain) }))
        }
        problems += nameProblems.sorted { $0.position < $1.position }
        hasMesh = services.contains { $0.endpoints.contains(where: \.isMesh) }
        placeWorkloads(snapshot, node, resolve, &problems)
        placeGateways(snapshot, node, &problems)
        placeInbound(snapshot, node, resolve, &problems)
        let callers = Set(
            snapshot.resources[Config.self].flatMap(\.projections).filter { $0.onChange?.isCall == true }
                .map(\.workload.value))
        for workload in ownWorkloads where callers.contains(workload.metadata.name) {
            ownCallers[workload.metadata.name] = Self.identity(of: workload, in: trustDomain)
        }
    }

    /// The same generation with the endpoints that names stand for now. Its listeners stay where they are; one that had no
    /// place, for its name had no address, gets one.
    /// - Parameter problems: What there is to say of names now.
    /// - Returns: `nil` if nothing is another.
    package func renewed(
        accounts: HostAccounts = HostAccounts(), resolve: (String) -> ResolvedName, problems: inout [Diagnostic]
    ) -> ServingPlan? {
        var next = self
        var nameProblems: Set<Diagnostic> = []
        var hasChanged = false
        if accounts != self.accounts {
            next.accounts = accounts
            next.selectors = [:]
            hasChanged = true
        }
        for (index, service) in services.enumerated() {
            let endpoints = Self.endpoints(of: service.rules.service, in: snapshot, node, resolve, &nameProblems)
            guard endpoints != service.endpoints else { continue }
            next.services[index].endpoints = endpoints
            hasChanged = true
        }
        problems += nameProblems.sorted { $0.position < $1.position }
        next.placeWorkloads(snapshot, node, resolve, &problems)
        next.placeInbound(snapshot, node, resolve, &problems)
        return hasChanged || next.listeners.count != listeners.count ? next : nil
    }

    /// Whether it is the other, where `renewed` made one of the two.
    package func isSame(as other: ServingPlan) -> Bool {
        services.map(\.endpoints) == other.services.map(\.endpoints) && listeners.count == other.listeners.count
            && accounts == other.accounts
    }

    /// - Parameter problems: A node stands in the way of each of its workloads, and is named once.
    private static func endpoints(
        of service: Service, in snapshot: MeshSnapshot, _ node: String?, _ resolve: (String) -> ResolvedName,
        _ problems: inout Set<Diagnostic>
    ) -> [EndpointPlan] {
        func plans(_ address: Located<SocketAddress>, isMesh: Bool, isWorkload: Bool) -> [EndpointPlan] {
            let found = addresses(of: address.value, resolve)
            if found.addresses.isEmpty {
                problems.insert(.unresolvedEndpoint(address))
            } else if found.isStale {
                problems.insert(.staleEndpoint(address))
            }
            return found.addresses.map { EndpointPlan(address: $0, isMesh: isMesh, isWorkload: isWorkload) }
        }
        let inside = snapshot.workloads(of: service.metadata.name).flatMap { workload -> [EndpointPlan] in
            guard let address = workload.address else { return [] }
            if workload.runs(on: node) { return plans(address, isMesh: false, isWorkload: true) }
            guard let home = workload.node.flatMap({ snapshot.nodes[$0.value] }) else { return [] }
            return plans(home.address, isMesh: true, isWorkload: true)
        }
        return inside + service.endpoints.flatMap { plans($0, isMesh: false, isWorkload: false) }
    }

    /// The listeners that answer with a certificate of the operator's, in the manifests' order.
    package var secureListeners: [SecureListener] {
        listeners.flatMap { address, placed -> [SecureListener] in
            guard case .gateway(let gateways) = placed.plan else { return [] }
            return gateways.compactMap { SecureListener($0, at: address) }
        }.sorted { $0.tls.certificateFile.position < $1.tls.certificateFile.position }
    }

    /// Services with a port of this node for plain calls, by name.
    package var plainServices: [ResourceName] {
        Set(listeners.values.compactMap { if case .plain(let service) = $0.plan { service } else { nil } }).sorted()
    }

    /// Where this node is to listen, and for whom, in order.
    package var listenerDescriptions: [(owner: String, address: NetworkAddress)] {
        listeners.map { (owner: $0.value.owner, address: $0.key) }
            .sorted { ($0.owner, $0.address.description) < ($1.owner, $1.address.description) }
    }

    /// The node that this is, if the mesh has nodes.
    package var ownNode: Node? { node.flatMap { snapshot.nodes[$0] } }

    /// The workloads that run here.
    package var ownWorkloads: some Sequence<Workload> {
        snapshot.workloads.lazy.filter { [node] in $0.runs(on: node) }
    }

    /// Where they are called.
    package var ownEndpoints: Set<NetworkAddress> {
        Set(services.lazy.flatMap(\.endpoints).filter { $0.isWorkload && !$0.isMesh }.map(\.address))
    }

    /// The names of those of a port's listeners that would answer with a certificate of the operator's, and have none.
    package func listeners(at address: NetworkAddress, hasCertificate: (SecureListener) -> Bool) -> [String] {
        guard case .gateway(let gateways)? = listeners[address]?.plan else { return [] }
        return gateways.filter { SecureListener($0, at: address).map { !hasCertificate($0) } ?? false }
            .map(\.listener.name.value)
    }

    /// Where a listener's socket is to be.
    func place(of address: NetworkAddress) -> ListeningPlace {
        ListeningPlace(address, isIPv6Only: listeners[address]?.isIPv6Only ?? false)
    }

    /// Whether a listener has what it proves itself with. Without, it could not even refuse a call.
    func canAnswer(at address: NetworkAddress, with tls: TLSMaterial) -> Bool {
        switch listeners[address]?.plan {
        case .inbound: tls.meshServer != nil
        case .gateway(let gateways) where gateways[0].listener.protocol == .https: tls.gateways[address] != nil
        case .gateway, .outbound, .hostOutbound, .tcp, .plain: true
        case nil: false
        }
    }

    private mutating func placeWorkloads(
        _ snapshot: MeshSnapshot, _ node: String?, _ resolve: (String) -> ResolvedName, _ problems: inout [Diagnostic]
    ) {
        var locals: [TableCompiler.LocalWorkload] = []
        for workload in ownWorkloads {
            let id = Self.identity(of: workload, in: snapshot.mesh.trustDomain)
            identities.insert(id)
            if let service = workload.service {
                servedNames["\(service.value).\(workload.metadata.name.namespace).mesh"] = id
            }
            let owner = "Workload \(workload.metadata.name)"
            problems += accounts.warnings(of: workload)
            let local = TableCompiler.LocalWorkload(
                name: workload.metadata.name, id: id, selectors: selectors(of: workload))
            locals.append(local)
            if let listen = workload.outboundListen {
                place(.outbound(local), at: listen, owner, resolve, &problems)
            }
            if let plain = workload.inboundPlain, let service = workload.serviceName,
                snapshot.peerModes.isPermissive(service)
            {
                place(.plain(service), at: plain, "\(owner) in plain", resolve, &problems)
            }
            for tcp in workload.outboundTCP {
                place(
                    .tcp(local, service: tcp.service.value), at: tcp.listen,
                    "\(owner) to \(tcp.service.value)", resolve, &problems)
            }
        }
        problems += ownNode.map { accounts.warnings(of: $0) } ?? []
        if let node, let listen = snapshot.nodes[node]?.outboundListen {
            place(.hostOutbound(locals), at: listen, "Node \(node)", resolve, &problems)
        }
    }

    /// - Returns: `nil`: it has none, and is whoever reaches it.
    private mutating func selectors(of workload: Workload) -> SelectorProgram? {
        guard !workload.selectors.isEmpty else { return nil }
        let name = workload.metadata.name
        if let known = selectors[name] { return known }
        let program = SelectorProgram(workload.selectors, of: name, accounts)
        selectors[name] = program
        return program
    }

    private mutating func place(
        _ plan: ListenerPlan, at listen: Located<SocketAddress>, _ owner: String, _ resolve: (String) -> ResolvedName,
        _ problems: inout [Diagnostic]
    ) {
        guard let address = Self.addresses(of: listen.value, resolve).addresses.first else {
            return problems.append(.unresolvable(listen))
        }
        listeners[address] = PlacedListener(plan: plan, owner: owner, position: listen.position)
    }

    private mutating func placeGateways(_ snapshot: MeshSnapshot, _ node: String?, _ problems: inout [Diagnostic]) {
        var ports: [NetworkAddress: [GatewayRules]] = [:]
        for gateway in snapshot.gateways where gateway.node == nil || gateway.node?.value == node {
            let name = gateway.metadata.name
            let account = SPIFFEID(
                trustDomain: snapshot.mesh.trustDomain, namespace: name.namespace,
                serviceAccount: gateway.serviceAccount.value)
            identities.insert(account)
            for listener in gateway.listeners {
                ports[.ip(listener.address.value, port: listener.port.value), default: []].append(
                    GatewayRules(gateway, listener, account: account, in: snapshot))
            }
        }
        for (address, plans) in ports {
            listeners[address] = PlacedListener(
                plan: .gateway(plans), owner: Self.owner(of: plans),
                position: plans[0].listener.port.position,
                addressPosition: plans[0].listener.address.position,
                isIPv6Only: plans[0].listener.isIPv6Only)
        }
    }

    /// `Gateway shop/edge/https`; where several listeners share a port, all of them: `Gateway shop/edge/a,b, pay/edge/c`.
    private static func owner(of plans: [GatewayRules]) -> String {
        var names: [(gateway: ResourceName, listeners: String)] = []
        for plan in plans {
            let listener = plan.listener.name.value
            if names.last?.gateway == plan.name {
                names[names.count - 1].listeners += ",\(listener)"
            } else {
                names.append((plan.name, listener))
            }
        }
        return "Gateway " + names.map { "\($0.gateway)/\($0.listeners)" }.joined(separator: ", ")
    }

    private mutating func placeInbound(
        _ snapshot: MeshSnapshot, _ node: String?, _ resolve: (String) -> ResolvedName, _ problems: inout [Diagnostic]
    ) {
        guard let node, let home = snapshot.nodes[node] else { return }
        let isPlaced = listeners.values.contains { if case .inbound = $0.plan { true } else { false } }
        guard !isPlaced else { return }
        hasMesh = true
        guard let address = Self.addresses(of: home.address.value, resolve).addresses.first else {
            problems.append(.unresolvable(home.address))
            return
        }
        listeners[address] = PlacedListener(plan: .inbound, owner: "Node \(node)", position: home.address.position)
    }

    private static func identity(of workload: Workload, in trustDomain: TrustDomain) -> SPIFFEID {
        SPIFFEID(
            trustDomain: trustDomain, namespace: workload.metadata.name.namespace,
            serviceAccount: workload.serviceAccount.value)
    }

    /// Whose each address is now.
    package func nodes(resolve: (String) -> ResolvedName) -> [NetworkAddress: Node] {
        var nodes: [NetworkAddress: Node] = [:]
        for node in snapshot.nodes.values {
            for address in Self.addresses(of: node.address.value, resolve).addresses { nodes[address] = node }
        }
        return nodes
    }

    private static func addresses(
        of address: SocketAddress, _ resolve: (String) -> ResolvedName
    ) -> (addresses: [NetworkAddress], isStale: Bool) {
        switch address {
        case .unix(let path): return ([.unix(path: path)], false)
        case .tcp(.ip(let ip), let port): return ([.ip(ip, port: port)], false)
        case .tcp(.name(let host), let port):
            let name = resolve(host)
            return (name.values.map { .ip($0, port: port) }, name.isStale)
        }
    }
}

extension HostAccounts {
    /// What a workload says of accounts that is not so on this host.
    package func warnings(of workload: Workload) -> [Diagnostic] {
        let missing = missing(from: workload.selectors)
        let contradictions = contradictions(in: workload.selectors)
        return (missing.users + unknownUsers(among: workload.startedBy)).map { .unknownAccount($0, "user") }
            + missing.groups.map { .unknownAccount($0, "group") }
            + contradictions.users.map { .contradiction($0, "user", "uid") }
            + contradictions.groups.map { .contradiction($0, "group", "gid") }
    }

    /// What a node's guard does.
    package func warnings(of node: Node) -> [Diagnostic] {
        unknownUsers(among: node.guarding?.names ?? []).map { .unknownAccount($0, "user") }
    }
}

extension Diagnostic {
    static func unresolvedEndpoint(_ address: Located<SocketAddress>) -> Diagnostic {
        Diagnostic(
            .unresolvedEndpoint, .warning, at: address.position, found: "\"\(address.value)\"",
            expected: "a name that has an address: until it has one no call goes there",
            remedy: "write an IP address, or make the name resolve on this host")
    }

    static func staleEndpoint(_ address: Located<SocketAddress>) -> Diagnostic {
        Diagnostic(
            .staleEndpoint, .warning, at: address.position, found: "\"\(address.value)\"",
            expected: "a name that still has an address: calls go to the last ones it had",
            remedy: "make the name resolve on this host again, or write an IP address")
    }

    fileprivate static func unknownAccount(_ name: Located<String>, _ kind: String) -> Diagnostic {
        Diagnostic(
            .unknownAccount, .warning, at: name.position,
            found: "the \(kind) \(quoted(name.value)), whom this host does not have",
            expected: "a \(kind) of this host: until there is one this stands for nobody",
            remedy: "correct the name, or add the \(kind) to this host")
    }

    fileprivate static func contradiction(
        _ contradiction: HostAccounts.Contradiction, _ kind: String, _ number: String
    ) -> Diagnostic {
        let name = contradiction.name
        return Diagnostic(
            .contradictingAccount, .warning, at: name.position,
            found:
                "the \(kind) \(quoted(name.value)), who has \(number) \(contradiction.known) on this host, beside \(number) "
                + "\(contradiction.written)",
            expected: "one \(kind): as it stands no process matches",
            remedy: "change \(number) to \(contradiction.known), or remove one of the two")
    }

    static func unresolvable(_ address: Located<SocketAddress>) -> Diagnostic {
        Diagnostic(
            .unresolvableName, at: address.position, found: "\"\(address.value)\"",
            expected: "a name that resolves to an address: until it does, this node takes no calls from others",
            remedy: "write an IP address, or make the name resolve on this host")
    }
}
