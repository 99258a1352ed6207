import Authorization
import CallPlanning
import EventLoops
import Manifests
import MeshSnapshot
import SPIFFE
import ServiceContracts
import Telemetry

/// Compiles a plan into views. What did not change since the last one is not compiled again.
struct ViewCompiler {
    let labels: LabelRegistry
    private let inner: [InnerService: ServiceHost]
    private var compiler: TableCompiler

    /// - Parameter inner: What Heddle answers for itself.
    init(labels: LabelRegistry, inner: [InnerService: ServiceHost] = [:]) {
        self.labels = labels
        self.inner = inner
        compiler = TableCompiler(labels: labels)
    }

    mutating func compile(_ plan: ServingPlan) -> WorkerView {
        let tables = compiler.compile(
            plan.services.map(\.rules), inner: InnerService.allCases.filter { inner[$0] != nil }, in: plan.snapshot)
        let shortHosts = TableCompiler.shortHosts(tables)
        var listeners: [NetworkAddress: ListenerView] = [:]
        for (address, listener) in plan.listeners {
            let role: ListenerRole =
                switch listener.plan {
                case .inbound: .inbound()
                case .plain(let service): compiler.plain(service, tables)
                case .outbound(let workload): compiler.outbound(workload, shortHosts: shortHosts)
                case .hostOutbound(let workloads): compiler.outbound(workloads, shortHosts: shortHosts)
                case .gateway(let gateways): compiler.gateway(gateways, at: "\(address)", in: plan.snapshot, tables)
                case .tcp(let workload, let service):
                    compiler.tcp(workload, service: service, in: plan.snapshot, tables)
                }
            listeners[address] = ListenerView(role: role, address: address, label: listener.owner)
        }
        let own = plan.ownCallers.map { name, id in
            let role = compiler.outbound(id, namespace: name.namespace, shortHosts: shortHosts[name.namespace])
            return (name, ListenerView(role: role, address: .unix(path: ""), label: "files of Workload \(name)"))
        }
        return WorkerView(
            generation: plan.generation, settings: plan.settings, tables: tables,
            services: views(of: tables, plan), listeners: listeners,
            ownListeners: Dictionary(uniqueKeysWithValues: own))
    }

    private func views(of tables: CallTables, _ plan: ServingPlan) -> [ServiceView] {
        // Services share programs.
        var policyLabels: [ObjectIdentifier: [Label]] = [:]
        return tables.services.map { table in
            let program = ObjectIdentifier(table.program)
            let labels = policyLabels[program] ?? labelsOfPolicies(of: table.program)
            policyLabels[program] = labels
            guard let inner = table.inner else { return view(table, plan.services[table.index], labels) }
            return ServiceView(
                table, policyLabels: labels, endpoints: [], accounts: [], host: self.inner[inner])
        }
    }

    private func labelsOfPolicies(of program: AuthorizationProgram) -> [Label] {
        program.policies.map { labels.label("\($0.name)") } + [labels.label("default action")]
    }

    private func view(
        _ table: ServiceTable, _ plan: ServingPlan.ServicePlan, _ policyLabels: [Label]
    ) -> ServiceView {
        ServiceView(
            table, policyLabels: policyLabels,
            endpoints: plan.endpoints.map {
                EndpointView(
                    address: $0.address,
                    reach: $0.isMesh ? .node : .plain(UpstreamProtocol(plan.rules.service.protocol)),
                    isWorkload: $0.isWorkload)
            },
            accounts: plan.accounts)
    }
}
