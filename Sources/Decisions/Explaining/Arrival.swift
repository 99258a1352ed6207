import Authorization
import CallOutcomes
import CallPlanning
import CommonValues
import Diagnostics
import HTTPSemantics
import Manifests
import MeshSnapshot
import SPIFFE
import Telemetry

/// A mesh as `explain` asks it: the tables that serve, made of the same snapshot.
struct ExplainedMesh {
    let snapshot: MeshSnapshot
    let tables: CallTables
    /// Where endpoints stand in manifests whose name has no address now.
    let unresolved: Set<SourcePosition>
    private var compiler = TableCompiler(labels: LabelRegistry())

    init(_ snapshot: MeshSnapshot, unresolved: Set<SourcePosition> = [], inner: [InnerService] = []) {
        self.snapshot = snapshot
        self.unresolved = unresolved
        let rules = snapshot.services.map { ServiceRules($0, in: snapshot) }
        tables = compiler.compile(rules, inner: inner, in: snapshot)
    }

    func table(of service: ResourceName) -> ServiceTable { tables.services[tables.index(of: service)!] }

    /// The places where a call or connection like this may come to; at the first that has a route for it, it does.
    mutating func arrivals(of question: CallQuestion, _ resolved: ResolvedQuestion) -> [Arrival] {
        guard resolved.caller != nil else { return [plainArrival(resolved)] }
        let account = resolved.caller?.serviceAccount
        var arrivals: [Arrival] = []
        if resolved.isWorkload, question.port == nil {
            arrivals.append(
                Arrival(
                    outbound(account?.namespace, resolved), .http, on: nodes(of: account), from: resolved.clientAddress)
            )
        }
        for gateway in resolved.gateways { arrivals += self.arrivals(at: gateway, of: question, resolved) }
        // It is about the service alone then, as if it had been found.
        if resolved.lacksHost(question) {
            arrivals.append(
                Arrival(
                    .inbound(), .http, on: own(among: []), from: resolved.clientAddress,
                    serverName: Array(table(of: resolved.service).serverName.utf8),
                    verified: resolved.caller.map(Caller.init)))
        }
        return arrivals
    }

    /// Whoever has no identity comes by a port for plain calls to the service itself. Where there is none, the service says so.
    private func plainArrival(_ resolved: ResolvedQuestion) -> Arrival {
        let nodes = Set(snapshot.plainWorkloads(of: resolved.service).compactMap { $0.node?.value })
        return Arrival(.plain(table(of: resolved.service)), .http, on: own(among: nodes), from: resolved.clientAddress)
    }

    /// Where workloads of an account call from: here, if one does.
    private func nodes(of account: (namespace: String, name: String)?) -> Set<String> {
        let workloads = snapshot.workloads.filter {
            $0.metadata.name.namespace == account?.namespace && $0.serviceAccount.value == account?.name
        }
        return own(among: Set(workloads.compactMap { $0.node?.value }))
    }

    /// The node that is asked, if it is one of some; where there are none, it is.
    private func own(among nodes: Set<String>) -> Set<String> {
        guard let own = snapshot.node, nodes.isEmpty || nodes.contains(own) else { return nodes }
        return [own]
    }

    private mutating func arrivals(
        at gateway: Gateway, of question: CallQuestion, _ resolved: ResolvedQuestion
    ) -> [Arrival] {
        let isTCP = resolved.serviceProtocol == .tcp
        var arrivals: [Arrival] = []
        for listeners in gateway.listenersByPort(where: { $0.takesCalls != isTCP }) {
            guard question.host != nil || listeners[0].protocol == .tcp,
                question.port == nil || question.port == listeners[0].port.value
            else { continue }
            let rules = listeners.map { GatewayRules(gateway, $0, account: resolved.caller!, in: snapshot) }
            let address = "\(listeners[0].address):\(listeners[0].port.value)"
            let role = compiler.gateway(rules, at: address, in: snapshot, tables)
            let name = isTCP || role.isSecure ? Array((question.host ?? "").lowercased().utf8) : []
            arrivals.append(
                Arrival(
                    role, role.scheme, on: own(among: gateway.node.map { [$0.value] } ?? []),
                    from: resolved.clientAddress, serverName: name, port: listeners[0].port.value,
                    gateway: gateway.metadata.name))
        }
        return arrivals
    }

    private func outbound(_ namespace: String?, _ resolved: ResolvedQuestion) -> ListenerRole {
        guard let caller = resolved.caller else { return .plain(table(of: resolved.service)) }
        guard resolved.serviceProtocol != .tcp else {
            return compiler.tcp(caller, namespace: namespace, service: resolved.service, in: snapshot, tables)
        }
        return compiler.outbound(
            caller, namespace: namespace ?? resolved.service.namespace,
            shortHosts: TableCompiler.shortHosts(tables)[namespace ?? "default"])
    }
}

/// A listener that a call may come to.
struct Arrival {
    let role: ListenerRole
    let scheme: Scheme
    let source: CallSource
    /// Whose listener it is; `nil`: a workload's, or none's.
    let gateway: ResourceName?
    /// On which nodes it is; empty: on any.
    let nodes: Set<String>

    init(
        _ role: ListenerRole, _ scheme: Scheme, on nodes: Set<String>, from peer: IPAddress, serverName: [UInt8] = [],
        verified: Caller? = nil, port: UInt16 = 0, gateway: ResourceName? = nil
    ) {
        self.gateway = gateway
        self.nodes = nodes
        self.role = role
        self.scheme = scheme
        source = CallSource(peer: peer, serverName: serverName, verified: verified, listenerPort: port)
    }
}

extension CallPlan.Step {
    /// Something of the listener takes it.
    var isRouted: Bool {
        if case .refuse(.noRoute, _) = self { false } else { true }
    }
}

extension Gateway {
    /// The listeners of some protocols, those that share a port together.
    func listenersByPort(where isMeant: (ListenerProtocol) -> Bool) -> [[GatewayListener]] {
        var ports: [[GatewayListener]] = []
        for listener in listeners where isMeant(listener.protocol) {
            let index = ports.firstIndex {
                $0[0].address == listener.address && $0[0].port.value == listener.port.value
            }
            if let index { ports[index].append(listener) } else { ports.append([listener]) }
        }
        return ports
    }
}
