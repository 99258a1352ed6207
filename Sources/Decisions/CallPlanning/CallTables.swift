import HTTPSemantics
package import Manifests

/// What the calls of one generation are planned by. Each worker has its own, so that no reference count is shared between cores.
package final class CallTables {
    package let services: [ServiceTable]
    /// From 1; each tables' own among those that one compiler has made.
    package let number: UInt64
    /// `orders.shop`, `orders.shop.mesh` and hostnames of services' own.
    private let hosts: ByteTable
    /// By the name in SNI.
    private let serverNames: [String: Int]
    private let names: [ResourceName: Int]

    init(number: UInt64, services: [ServiceTable], hosts: ByteTable) {
        self.number = number
        self.services = services
        self.hosts = hosts
        // What Heddle answers for itself is no other node's to ask for.
        serverNames = Dictionary(
            services.filter { $0.inner == nil }.map { ($0.serverName, $0.index) },
            uniquingKeysWith: { first, _ in first })
        names = Dictionary(services.map { ($0.name, $0.index) }, uniquingKeysWith: { first, _ in first })
    }

    /// Those of no generation.
    package static var empty: CallTables { CallTables(number: 0, services: [], hosts: ByteTable([])) }

    /// - Parameter host: In canonical form.
    func service(host: Span<UInt8>, from listener: OutboundTable) -> ServiceTable? {
        if let index = listener.shortHosts?.find(host) ?? hosts.find(host) { return services[index] }
        return nil
    }

    func index(serverName: String) -> Int? { serverNames[serverName] }
    /// Where a service stands in `services`.
    package func index(of name: ResourceName) -> Int? { names[name] }
}
