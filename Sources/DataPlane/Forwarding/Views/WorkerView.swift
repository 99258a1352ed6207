import Authorization
import EventLoops
import HTTPSemantics
import Manifests
import Routing
import SPIFFE
import Telemetry
import WireProtocols

/// One generation as one worker serves it. Each worker has its own, so that no reference count is shared between
/// cores; nothing in it changes but the pools that its endpoints have found.
final class WorkerView {
    let generation: UInt64
    let services: [ServiceView]
    let listeners: [NetworkAddress: ListenerView]
    let timeouts: MillisecondTimeouts
    let limits: HTTP1Limits
    let http2Limits: HTTP2Limits
    let requestsPerConnection: Int
    let idleUpstreamConnections: Int
    let accessLog: AccessLog

    /// `orders.shop`, `orders.shop.mesh` and hostnames of services' own.
    private let hosts: ByteTable
    private let byServerName: [String: ServiceView]
    private let byName: [ResourceName: ServiceView]

    init(
        generation: UInt64, settings: ProxySettings, services: [ServiceView], listeners: [NetworkAddress: ListenerView],
        hosts: ByteTable
    ) {
        self.generation = generation
        self.services = services
        self.listeners = listeners
        self.hosts = hosts
        timeouts = MillisecondTimeouts(settings.timeouts)
        limits = HTTP1Limits(settings.limits)
        http2Limits = HTTP2Limits(settings.limits)
        requestsPerConnection = settings.limits.requestsPerConnection
        idleUpstreamConnections = settings.limits.idleUpstreamConnections
        accessLog = settings.accessLog
        byServerName = Dictionary(services.map { ($0.serverName, $0) }, uniquingKeysWith: { first, _ in first })
        byName = Dictionary(services.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Serves nothing: what a worker has before its first generation.
    static var empty: WorkerView {
        WorkerView(
            generation: 0, settings: ProxySettings(), services: [], listeners: [:], hosts: ByteTable([]))
    }

    /// - Parameter host: In canonical form.
    func service(host: Span<UInt8>, from listener: OutboundView) -> ServiceView? {
        if let index = listener.shortHosts?.find(host) ?? hosts.find(host) { return services[index] }
        return nil
    }

    func service(serverName: String) -> ServiceView? { byServerName[serverName] }
    func service(named name: ResourceName) -> ServiceView? { byName[name] }
}

/// A service as calls see it: its routes, its rules, its endpoints.
final class ServiceView {
    let name: ResourceName
    let label: Label
    /// What TLS's SNI names it by: `orders.shop.mesh`.
    let serverName: String
    let keepsEscapedSlashes: Bool
    let isGRPC: Bool
    let isTCP: Bool
    let program: AuthorizationProgram
    /// A label a policy of the program, in its order; the last one is the default action's.
    let policyLabels: [Label]
    /// Its own routes; `nil`: it takes every call itself.
    private var routes: RouteTableView?
    /// Those that other namespaces have for their calls to it.
    private var consumerRoutes: [String: RouteTableView] = [:]
    let endpoints: [EndpointView]
    /// Those on this node.
    let localEndpoints: [EndpointView]
    /// Whose certificates are good for it.
    let accounts: Set<SPIFFEID>

    init(
        name: ResourceName, label: Label, serverName: String, keepsEscapedSlashes: Bool, isGRPC: Bool, isTCP: Bool,
        program: AuthorizationProgram, policyLabels: [Label], endpoints: [EndpointView], accounts: Set<SPIFFEID>
    ) {
        self.name = name
        self.label = label
        self.serverName = serverName
        self.keepsEscapedSlashes = keepsEscapedSlashes
        self.isGRPC = isGRPC
        self.isTCP = isTCP
        self.program = program
        self.policyLabels = policyLabels
        self.endpoints = endpoints
        self.localEndpoints = endpoints.filter { $0.isWorkload && !$0.isMesh }
        self.accounts = accounts
    }

    /// Routes name other services, which name others: they are joined once all services are there.
    func join(_ routes: RouteTableView?, consumers: [String: RouteTableView]) {
        self.routes = routes
        consumerRoutes = consumers
    }

    /// A random endpoint that was not tried yet.
    /// - Parameters:
    ///   - isLocal: Of those on this node.
    ///   - tried: One bit an endpoint, the first 64 of them; set for the one that is returned.
    func endpoint(isLocal: Bool, tried: inout UInt64, using random: inout FastRandom) -> EndpointView? {
        let count = isLocal ? localEndpoints.count : endpoints.count
        guard count > 0 else { return nil }
        let start = count == 1 ? 0 : Int(truncatingIfNeeded: random.next() % UInt64(count))
        for step in 0..<count {
            let index = start + step < count ? start + step : start + step - count
            let bit: UInt64 = 1 << UInt64(index & 63)
            guard tried & bit == 0 else { continue }
            tried |= bit
            return isLocal ? localEndpoints[index] : endpoints[index]
        }
        return nil
    }

    /// Whether there is one that was not tried yet.
    func hasEndpoint(isLocal: Bool, notIn tried: UInt64) -> Bool {
        let count = isLocal ? localEndpoints.count : endpoints.count
        for index in 0..<min(count, 64) where tried & (1 << UInt64(index)) == 0 { return true }
        return false
    }

    /// The endpoint that another generation's is now.
    /// - Returns: With its bit in `tried`; `nil` if there is none at its address, or none of its kind.
    func endpoint(like other: EndpointView, isLocal: Bool) -> (endpoint: EndpointView, bit: UInt64)? {
        let all = isLocal ? localEndpoints : endpoints
        let index = all.firstIndex {
            $0.address == other.address && $0.reach == other.reach && $0.isWorkload == other.isWorkload
        }
        return index.map { (all[$0], 1 << UInt64($0 & 63)) }
    }

    /// What a call from a namespace takes; `nil`: straight to the service.
    func routes(from namespace: String) -> RouteTableView? {
        guard !consumerRoutes.isEmpty, let routes = consumerRoutes[namespace] else { return routes }
        return routes
    }
}

/// A place where a service is.
final class EndpointView {
    let address: NetworkAddress
    /// How it is reached; only one of the two is ever in plain.
    let reach: Reach
    /// An instance in the mesh, not a service outside of it.
    let isWorkload: Bool
    /// Found on first use; a plain endpoint has one pool, one of the mesh has one for each identity that calls it.
    private var plainPool: UpstreamPool?
    private var meshPools: [(caller: Caller, pool: UpstreamPool)] = []

    enum Reach: Equatable {
        /// From here, in what it speaks.
        case plain(UpstreamProtocol)
        /// On another node, by mutual TLS and nothing else.
        case node
    }

    init(address: NetworkAddress, reach: Reach, isWorkload: Bool) {
        self.address = address
        self.reach = reach
        self.isWorkload = isWorkload
    }

    var isMesh: Bool { reach == .node }

    /// - Returns: `nil` if the endpoint is on another node and it is nobody's call: there is no certificate to make it with,
    ///   and no other way.
    func pool(for caller: Caller?, service: ServiceView, worker: Worker) -> UpstreamPool? {
        switch reach {
        case .plain(let speaks):
            if let plainPool { return plainPool }
            let pool = worker.pool(address: address, target: .plain(speaks))
            plainPool = pool
            return pool
        case .node: return caller.map { nodePool(for: $0, service, worker) }
        }
    }

    private func nodePool(for caller: Caller, _ service: ServiceView, _ worker: Worker) -> UpstreamPool {
        for known in meshPools where known.caller === caller { return known.pool }
        let target = UpstreamTarget.mesh(
            source: caller.id, service: service.name, serverName: service.serverName, acceptable: service.accounts)
        let pool = worker.pool(address: address, target: target)
        meshPools.append((caller, pool))
        return pool
    }
}

/// Routes compiled for one parent, with what their rules lead to in this view.
final class RouteTableView {
    let table: RouteTable
    /// By `RouteRule.id`.
    let rules: [RuleView]
    /// By a backend's `cluster`.
    let services: [ServiceView]

    init(table: RouteTable, rules: [RuleView], services: [ServiceView]) {
        self.table = table
        self.rules = rules
        self.services = services
    }
}

final class RuleView {
    let rule: RouteRule
    let label: Label
    /// `nil`: no timeout of its own.
    let requestMilliseconds: UInt64?
    let backendMilliseconds: UInt64?
    /// A timeout of zero: none at all, the mesh's own included (Gateway API, GEP-1742).
    let isUnlimited: Bool

    init(rule: RouteRule, label: Label) {
        self.rule = rule
        self.label = label
        isUnlimited = rule.requestTimeout == .zero || rule.backendRequestTimeout == .zero
        requestMilliseconds = rule.requestTimeout.flatMap { $0 == .zero ? nil : $0.milliseconds }
        backendMilliseconds = rule.backendRequestTimeout.flatMap { $0 == .zero ? nil : $0.milliseconds }
    }
}
