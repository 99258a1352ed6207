package import Attestation
import Authorization
import CommonValues
package import Manifests
package import MeshSnapshot
import Routing
package import SPIFFE
package import Telemetry

/// Compiles a snapshot into tables. What did not change since the last one is not compiled again.
package struct TableCompiler {
    private let labels: LabelRegistry
    /// Of the tables made last.
    private var number: UInt64 = 0
    private var programs = ProgramCompiler()
    private var innerPrograms = InnerPrograms()
    private var tables: [TableKey: KnownTable] = [:]

    /// A table, and all that it is made of.
    private struct KnownTable {
        let routes: [[HTTPRoute]]
        let listeners: [GatewayListener]
        let gateways: [ResourceName]
        let table: RouteTable
    }

    private enum TableKey: Hashable {
        case service(ResourceName, calledFrom: String)
        /// The listeners of one address.
        case gateway(String)
    }

    package init(labels: LabelRegistry) { self.labels = labels }

    // MARK: Services

    /// - Parameter inner: What Heddle answers for itself. They come after all others.
    package mutating func compile(
        _ outer: [ServiceRules], inner: [InnerService] = [], in snapshot: MeshSnapshot
    ) -> CallTables {
        number += 1
        let rules = outer + inner.map { ServiceRules($0, in: snapshot) }
        let programs =
            programs.compile(outer, in: snapshot, number: number) + inner.map { innerPrograms.program(of: $0) }
        let services = rules.indices.map {
            ServiceTable(
                rules[$0], index: $0, label: labels.label("\(rules[$0].name)"), program: programs[$0])
        }
        let tables = CallTables(number: number, services: services, hosts: Self.hosts(rules))
        for (service, rules) in zip(services, rules) {
            var consumers: [String: BoundRoutes] = [:]
            for (namespace, routes) in rules.consumerRoutes {
                consumers[namespace] = self.routes(routes, of: rules.name, from: namespace, snapshot, tables)
            }
            let own =
                rules.routes.isEmpty
                ? nil : routes(rules.routes, of: rules.name, from: rules.name.namespace, snapshot, tables)
            service.join(own, consumers: consumers)
        }
        return tables
    }

    private mutating func routes(
        _ routes: [HTTPRoute], of service: ResourceName, from namespace: String, _ snapshot: MeshSnapshot,
        _ tables: CallTables
    ) -> BoundRoutes {
        let table = table(.service(service, calledFrom: namespace), [routes]) {
            RouteTable(service: service, calledFrom: namespace, in: snapshot)
        }
        return bind(table, to: tables)
    }

    private static func hosts(_ rules: [ServiceRules]) -> ByteTable {
        // First what no other may be called, whatever the manifests say.
        ByteTable(
            rules.indices.compactMap { index in rules[index].inner.map { (name: $0.host, value: index) } }
                + rules.indices.filter { rules[$0].inner == nil }.flatMap { index in
                    let name = rules[index].name
                    return ["\(name.name).\(name.namespace)", rules[index].serverName].map {
                        (name: $0, value: index)
                    } + rules[index].service.hostnames.map { (name: $0.value, value: index) }
                })
    }

    // MARK: Listeners

    /// A workload, as a listener has it that its calls come to.
    package struct LocalWorkload: Sendable {
        let name: ResourceName
        let id: SPIFFEID
        /// What a process must be to be it; `nil`: whoever reaches the listener is.
        let selectors: SelectorProgram?

        package init(name: ResourceName, id: SPIFFEID, selectors: SelectorProgram?) {
            self.name = name
            self.id = id
            self.selectors = selectors
        }
    }

    /// A workload's own listener.
    /// - Parameter shortHosts: Of `shortHosts(_:)`.
    package func outbound(_ workload: LocalWorkload, shortHosts: [String: ByteTable]) -> ListenerRole {
        let hosts = Self.hosts(of: workload, shortHosts)
        return .outbound(hosts, for: Self.candidate(workload, hosts).map { Admission([$0]) })
    }

    /// One listener for several workloads. Of one without selectors no process is.
    package func outbound(_ workloads: [LocalWorkload], shortHosts: [String: ByteTable]) -> ListenerRole {
        .outbound(for: Admission(workloads.compactMap { Self.candidate($0, Self.hosts(of: $0, shortHosts)) }))
    }

    private static func hosts(of workload: LocalWorkload, _ shortHosts: [String: ByteTable]) -> OutboundTable {
        let namespace = workload.name.namespace
        return OutboundTable(caller: Caller(workload.id), namespace: namespace, shortHosts: shortHosts[namespace])
    }

    private static func candidate(_ workload: LocalWorkload, _ hosts: OutboundTable) -> Admission.Candidate? {
        workload.selectors.map { Admission.Candidate(workload: workload.name, hosts: hosts, selectors: $0) }
    }

    /// What calls of an account are, whatever process makes them.
    package func outbound(_ caller: SPIFFEID, namespace: String, shortHosts: ByteTable?) -> ListenerRole {
        .outbound(OutboundTable(caller: Caller(caller), namespace: namespace, shortHosts: shortHosts))
    }

    /// By namespace, what its services are called there.
    package static func shortHosts(_ tables: CallTables) -> [String: ByteTable] {
        Dictionary(grouping: tables.services.filter { $0.inner == nil }, by: \.name.namespace)
            .mapValues { ByteTable($0.map { (name: $0.name.name, value: $0.index) }) }
    }

    /// A workload's own listener for one TCP service.
    package func tcp(
        _ workload: LocalWorkload, service: ResourceName, in snapshot: MeshSnapshot, _ tables: CallTables
    ) -> ListenerRole {
        let table = TCPRouteTable(service: service, calledFrom: workload.name.namespace, in: snapshot)
        // No host is looked for there.
        let candidate = Self.candidate(workload, Self.hosts(of: workload, [:]))
        return .tcp(tcp(table, caller: workload.id, tables), for: candidate.map { Admission([$0]) })
    }

    /// What connections of an account to a TCP service are, whatever process makes them.
    package func tcp(
        _ caller: SPIFFEID, namespace: String?, service: ResourceName, in snapshot: MeshSnapshot, _ tables: CallTables
    ) -> ListenerRole {
        let table = TCPRouteTable(service: service, calledFrom: namespace, in: snapshot)
        return .tcp(tcp(table, caller: caller, tables))
    }

    /// A workload's port for plain calls to its service. A snapshot has it.
    package func plain(_ service: ResourceName, _ tables: CallTables) -> ListenerRole {
        .plain(tables.services[tables.index(of: service)!])
    }

    /// The listeners of gateways that share an address.
    package mutating func gateway(
        _ gateways: [GatewayRules], at address: String, in snapshot: MeshSnapshot, _ tables: CallTables
    ) -> ListenerRole {
        let listeners = gateways.map { (gateway: $0.name, listener: $0.listener) }
        switch gateways[0].listener.protocol {
        case .http, .https:
            let table = table(.gateway(address), gateways.map(\.routes), gateways.map(\.listener), gateways.map(\.name))
            {
                RouteTable(listeners: listeners, in: snapshot)
            }
            return .gateway(
                GatewayTable(
                    isSecure: gateways[0].listener.protocol == .https,
                    listeners: gateways.map {
                        GatewayListenerTable(
                            caller: Caller($0.account), trustedProxies: $0.trustedProxies,
                            label: labels.label("\($0.name)/\($0.listener.name)"))
                    },
                    routes: bind(table, to: tables)))
        case .tcp:
            let table = TCPRouteTable(gateway: gateways[0].name, listener: gateways[0].listener, in: snapshot)
            return .tcp(tcp(table, caller: gateways[0].account, tables))
        case .tls:
            let table = TLSRouteTable(listeners: listeners, in: snapshot)
            return .tcp(
                TCPListenerTable(
                    routes: .byServerName(table, rules: bind(table.rules, to: table.services, in: tables)),
                    callers: gateways.map { Caller($0.account) }))
        }
    }

    private func tcp(_ table: TCPRouteTable?, caller: SPIFFEID, _ tables: CallTables) -> TCPListenerTable {
        TCPListenerTable(
            routes: .one(table.map { bind([$0.rule], to: $0.services, in: tables)[0] }), callers: [Caller(caller)])
    }

    // MARK: Routes

    private mutating func table(
        _ key: TableKey, _ routes: [[HTTPRoute]], _ listeners: [GatewayListener] = [], _ gateways: [ResourceName] = [],
        _ make: () -> RouteTable
    ) -> RouteTable {
        if let known = tables[key], known.routes == routes, known.listeners == listeners, known.gateways == gateways {
            return known.table
        }
        let table = make()
        tables[key] = KnownTable(routes: routes, listeners: listeners, gateways: gateways, table: table)
        return table
    }

    private func bind(_ table: RouteTable, to tables: CallTables) -> BoundRoutes {
        BoundRoutes(table: table, rules: bind(table.rules, to: table.services, in: tables))
    }

    /// - Parameter services: That the rules name. A snapshot has every one of them.
    private func bind(_ rules: [RouteRule], to services: [ResourceName], in tables: CallTables) -> [BoundRule] {
        let services = services.map { tables.services[tables.index(of: $0)!] }
        return rules.map { rule in
            BoundRule(
                rule: rule,
                label: rule.label.map { labels.label(String(decoding: $0, as: UTF8.self)) } ?? LabelRegistry.none,
                services: services)
        }
    }
}
