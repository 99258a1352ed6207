import Authorization
import EventLoops
import Manifests
import MeshSnapshot
import Routing
import SPIFFE
import Telemetry

/// Compiles a plan into views. What did not change since the last one is not compiled again.
struct ViewCompiler {
    let labels: LabelRegistry
    private var programs:
        [ResourceName: (policies: [AuthorizationPolicy], action: DefaultAction, program: AuthorizationProgram)] = [:]
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
        case gateway(NetworkAddress)
    }

    init(labels: LabelRegistry) { self.labels = labels }

    mutating func compile(_ plan: ServingPlan) -> WorkerView {
        let services = plan.services.map { compile($0, defaultAction: plan.defaultAction) }
        let indices = Dictionary(uniqueKeysWithValues: plan.services.indices.map { (plan.services[$0].name, $0) })
        for (view, service) in zip(services, plan.services) {
            var byNamespace: [String: RouteTableView] = [:]
            for (namespace, routes) in service.consumerRoutes {
                byNamespace[namespace] = self.routes(
                    routes, of: service.name, from: namespace, plan.snapshot, services, indices)
            }
            let own =
                service.routes.isEmpty
                ? nil
                : routes(
                    service.routes, of: service.name, from: service.name.namespace, plan.snapshot, services, indices)
            view.join(own, consumers: byNamespace)
        }
        var listeners: [NetworkAddress: ListenerView] = [:]
        let shortHosts = shortHosts(plan.services)
        for (address, listener) in plan.listeners {
            let role: ListenerView.Role =
                switch listener.plan {
                case .inbound: .inbound
                case .outbound(let id, let namespace):
                    .outbound(OutboundView(caller: Caller(id), namespace: namespace, shortHosts: shortHosts[namespace]))
                case .gateway(let gateways): compile(gateways, at: address, plan.snapshot, services, indices)
                case .tcp(let id, let namespace, let service):
                    .tcp(
                        tcp(
                            TCPRouteTable(service: service, calledFrom: namespace, in: plan.snapshot), caller: id,
                            services,
                            indices))
                }
            listeners[address] = ListenerView(role: role, address: address, label: listener.owner)
        }
        return WorkerView(
            generation: plan.generation, settings: plan.settings, services: services, listeners: listeners,
            hosts: hosts(plan.services))
    }

    private mutating func compile(_ plan: ServingPlan.ServicePlan, defaultAction: DefaultAction) -> ServiceView {
        let program: AuthorizationProgram
        let callProtocol: CallProtocol = plan.service.protocol == .tcp ? .tcp : .http
        if let known = programs[plan.name], known.action == defaultAction, known.policies == plan.policies,
            known.program.callProtocol == callProtocol
        {
            program = known.program
        } else {
            program = AuthorizationProgram(
                service: plan.name, policies: plan.policies, defaultAction: defaultAction, callProtocol: callProtocol)
            programs[plan.name] = (plan.policies, defaultAction, program)
        }
        return ServiceView(
            name: plan.name, label: labels.label("\(plan.name)"), serverName: plan.serverName,
            keepsEscapedSlashes: plan.service.escapedSlashes == .keep, isGRPC: plan.service.protocol == .grpc,
            isTCP: plan.service.protocol == .tcp, program: program,
            policyLabels: program.policies.map { labels.label("\($0.name)") } + [labels.label("default action")],
            endpoints: plan.endpoints.map {
                EndpointView(
                    address: $0.address,
                    reach: $0.isMesh ? .node : .plain(UpstreamProtocol(plan.service.protocol)),
                    isWorkload: $0.isWorkload)
            },
            accounts: plan.accounts)
    }

    private func tcp(
        _ table: TCPRouteTable?, caller: SPIFFEID, _ services: [ServiceView], _ indices: [ResourceName: Int]
    ) -> TCPListenerView {
        TCPListenerView(
            routes: .one(table.map { ruleView($0.rule) }), callers: [Caller(caller)],
            services: table?.services.map { services[indices[$0]!] } ?? [])
    }

    private mutating func compile(
        _ gateways: [ServingPlan.GatewayPlan], at address: NetworkAddress, _ snapshot: MeshSnapshot,
        _ services: [ServiceView],
        _ indices: [ResourceName: Int]
    ) -> ListenerView.Role {
        let listeners = gateways.map { (gateway: $0.name, listener: $0.listener) }
        switch gateways[0].listener.protocol {
        case .http, .https: return .gateway(http(gateways, at: address, snapshot, services, indices))
        case .tcp:
            let table = TCPRouteTable(gateway: gateways[0].name, listener: gateways[0].listener, in: snapshot)
            return .tcp(tcp(table, caller: gateways[0].account, services, indices))
        case .tls:
            let table = TLSRouteTable(listeners: listeners, in: snapshot)
            return .tcp(
                TCPListenerView(
                    routes: .byServerName(table, rules: table.rules.map(ruleView)),
                    callers: gateways.map { Caller($0.account) },
                    services: table.services.map { services[indices[$0]!] }))
        }
    }

    private mutating func http(
        _ gateways: [ServingPlan.GatewayPlan], at address: NetworkAddress, _ snapshot: MeshSnapshot,
        _ services: [ServiceView],
        _ indices: [ResourceName: Int]
    ) -> GatewayView {
        let table = table(.gateway(address), gateways.map(\.routes), gateways.map(\.listener), gateways.map(\.name)) {
            RouteTable(listeners: gateways.map { (gateway: $0.name, listener: $0.listener) }, in: snapshot)
        }
        return GatewayView(
            isSecure: gateways[0].listener.protocol == .https,
            listeners: gateways.map {
                GatewayListenerView(
                    caller: Caller($0.account), trustedProxies: $0.trustedProxies,
                    label: labels.label("\($0.name)/\($0.listener.name)"))
            },
            routes: join(table, services, indices))
    }

    private mutating func routes(
        _ routes: [HTTPRoute], of service: ResourceName, from namespace: String, _ snapshot: MeshSnapshot,
        _ services: [ServiceView], _ indices: [ResourceName: Int]
    ) -> RouteTableView {
        let table = table(.service(service, calledFrom: namespace), [routes], []) {
            RouteTable(service: service, calledFrom: namespace, in: snapshot)
        }
        return join(table, services, indices)
    }

    private mutating func table(
        _ key: TableKey, _ routes: [[HTTPRoute]], _ listeners: [GatewayListener], _ gateways: [ResourceName] = [],
        _ make: () -> RouteTable
    ) -> RouteTable {
        if let known = tables[key], known.routes == routes, known.listeners == listeners, known.gateways == gateways {
            return known.table
        }
        let table = make()
        tables[key] = KnownTable(routes: routes, listeners: listeners, gateways: gateways, table: table)
        return table
    }

    private func join(_ table: RouteTable, _ services: [ServiceView], _ indices: [ResourceName: Int]) -> RouteTableView
    {
        RouteTableView(
            table: table,
            rules: table.rules.map(ruleView),
            services: table.services.map { services[indices[$0]!] })
    }

    private func ruleView(_ rule: RouteRule) -> RuleView {
        RuleView(
            rule: rule,
            label: rule.label.map { labels.label(String(decoding: $0, as: UTF8.self)) } ?? LabelRegistry.none)
    }

    private func hosts(_ services: [ServingPlan.ServicePlan]) -> ByteTable {
        ByteTable(
            services.indices.flatMap { index in
                let name = services[index].name
                return ["\(name.name).\(name.namespace)", services[index].serverName].map { (name: $0, value: index) }
                    + services[index].service.hostnames.map { (name: $0.value, value: index) }
            })
    }

    private func shortHosts(_ services: [ServingPlan.ServicePlan]) -> [String: ByteTable] {
        Dictionary(grouping: services.indices, by: { services[$0].name.namespace })
            .mapValues { ByteTable($0.map { (name: services[$0].name.name, value: $0) }) }
    }
}
