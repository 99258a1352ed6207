import EventLoops

/// One worker's connections to endpoints, which outlive generations: a pool for each place and what is expected there.
final class UpstreamPools: EndpointPools {
    private struct Key: Hashable {
        let address: NetworkAddress
        let target: UpstreamTarget
    }

    private let bench: Workbench
    /// Who has the pools: to be set at once, by its own `init`.
    unowned var rooms: (any RoomKeeper)!
    private var pools: [Key: UpstreamPool] = [:]

    init(bench: Workbench) { self.bench = bench }

    var all: some Collection<UpstreamPool> { pools.values }

    func pool(address: NetworkAddress, target: UpstreamTarget) -> any EndpointPool {
        let key = Key(address: address, target: target)
        if let pool = pools[key] { return pool }
        let pool = UpstreamPool(address: address, target: target, bench: bench, rooms: rooms)
        pools[key] = pool
        return pool
    }

    func certificatesChanged() {
        for pool in pools.values { pool.certificatesChanged() }
    }

    /// - Parameter served: Where endpoints are.
    func dropUnused(servedAt served: Set<NetworkAddress>) {
        for (key, pool) in pools {
            if !served.contains(key.address) { pool.closeIdle() }
            // One whose identity nobody bears any more is never asked for again.
            if pool.connectionCount == 0 { pools[key] = nil }
        }
    }
}
