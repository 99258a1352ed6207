import Authorization
import CallPlanning
import CommonValues
import EventLoops
import Manifests
import SPIFFE
import ServiceContracts
import Telemetry
import WireProtocols

/// One generation as one worker serves it. Each worker has its own, so that no reference count is shared between
/// cores; nothing in it changes but the pools that its endpoints have found.
final class WorkerView {
    let generation: UInt64
    let tables: CallTables
    /// As they stand in the tables.
    let services: [ServiceView]
    let listeners: [NetworkAddress: ListenerView]
    /// Where Heddle itself calls as a workload, by its name: no place that anybody else could connect to.
    let ownListeners: [ResourceName: ListenerView]
    let settings: ConnectionSettings
    let accessLog: AccessLog

    init(
        generation: UInt64, settings: ProxySettings, tables: CallTables, services: [ServiceView],
        listeners: [NetworkAddress: ListenerView], ownListeners: [ResourceName: ListenerView] = [:]
    ) {
        self.generation = generation
        self.tables = tables
        self.services = services
        self.listeners = listeners
        self.ownListeners = ownListeners
        self.settings = ConnectionSettings(settings)
        accessLog = settings.accessLog
    }

    /// Serves nothing: what a worker has before its first generation.
    static var empty: WorkerView {
        WorkerView(generation: 0, settings: ProxySettings(), tables: .empty, services: [], listeners: [:])
    }

    /// `nil`: what is planned is another generation's.
    func service(_ planned: ServiceTable) -> ServiceView? {
        guard planned.index < services.count else { return nil }
        let service = services[planned.index]
        return service.table === planned ? service : nil
    }

    func service(named name: ResourceName) -> ServiceView? { tables.index(of: name).map { services[$0] } }
}

/// A service as calls are carried out: where it is.
final class ServiceView {
    let table: ServiceTable
    /// A label a policy of the program, in its order; the last one is the default action's.
    let policyLabels: [Label]
    /// The program's: here, too, so that where no policy is only looked at nothing is looked for.
    let lastObserved: UInt64
    let endpoints: [EndpointView]
    /// Those on this node.
    let localEndpoints: [EndpointView]
    /// Whose certificates are good for it.
    let accounts: Set<SPIFFEID>
    /// Who answers on this node itself; `nil`: endpoints do.
    let host: ServiceHost?

    init(
        _ table: ServiceTable, policyLabels: [Label], endpoints: [EndpointView], accounts: Set<SPIFFEID>,
        host: ServiceHost? = nil
    ) {
        self.table = table
        self.host = host
        self.policyLabels = policyLabels
        lastObserved = table.program.lastObserved
        self.endpoints = endpoints
        self.localEndpoints = endpoints.filter { $0.isWorkload && !$0.isMesh }
        self.accounts = accounts
    }

    var name: ResourceName { table.name }

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
}

/// The connections to an endpoint, as calls know them.
protocol EndpointPool: AnyObject {
    /// Sends a call's head on a connection that is up, or is being made.
    /// - Parameter fresh: Not on one that has idled: too many of those turned out dead.
    func open(_ call: any Call, fresh: Bool)
    /// `nil`: it was connected to when that was last tried, or never.
    var outage: Outage? { get }
}

/// One worker's pools.
protocol EndpointPools: AnyObject {
    func pool(address: NetworkAddress, target: UpstreamTarget) -> any EndpointPool
}

/// A place where a service is.
final class EndpointView {
    let address: NetworkAddress
    /// How it is reached; only one of the two is ever in plain.
    let reach: Reach
    /// An instance in the mesh, not a service outside of it.
    let isWorkload: Bool
    /// Found on first use; a plain endpoint has one pool, one of the mesh has one for each identity that calls it.
    private var plainPool: (any EndpointPool)?
    private var meshPools: [(caller: Caller, pool: any EndpointPool)] = []

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
    func pool(for caller: Caller?, accounts: Set<SPIFFEID>, table: ServiceTable, of pools: any EndpointPools)
        -> (any EndpointPool)?
    {
        switch reach {
        case .plain(let speaks):
            if let plainPool { return plainPool }
            let pool = pools.pool(address: address, target: .plain(speaks))
            plainPool = pool
            return pool
        case .node: return caller.map { nodePool(for: $0, accounts, table, pools) }
        }
    }

    /// The one that calls of this caller have taken so far.
    func knownPool(for caller: Caller?) -> (any EndpointPool)? {
        isMesh ? meshPools.first { $0.caller === caller }?.pool : plainPool
    }

    private func nodePool(
        for caller: Caller, _ accounts: Set<SPIFFEID>, _ table: ServiceTable, _ pools: any EndpointPools
    ) -> any EndpointPool {
        for known in meshPools where known.caller === caller { return known.pool }
        let target = UpstreamTarget.mesh(
            source: caller.id, service: table.name, serverName: table.serverName, acceptable: accounts)
        let pool = pools.pool(address: address, target: target)
        meshPools.append((caller, pool))
        return pool
    }
}
