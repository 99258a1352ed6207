import Authorization
import CallPlanning
import EventLoops
import Manifests
import MeshSnapshot
import SPIFFE
import Telemetry

/// Compiles a plan into views. What did not change since the last one is not compiled again.
struct ViewCompiler {
    let labels: LabelRegistry
    private var compiler: TableCompiler

    init(labels: LabelRegistry) {
        self.labels = labels
        compiler = TableCompiler(labels: labels)
    }

    mutating func compile(_ plan: ServingPlan) -> WorkerView {
        let tables = compiler.compile(plan.services.map(\.rules), in: plan.snapshot)
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
        return WorkerView(
            generation: plan.generation, settings: plan.settings, tables: tables,
            services: views(of: tables, plan), listeners: listeners)
    }

    private func views(of tables: CallTables, _ plan: ServingPlan) -> [ServiceView] {
        // Services share programs.
        var policyLabels: [ObjectIdentifier: [Label]] = [:]
        return zip(tables.services, plan.services).map { table, plan in
            let program = ObjectIdentifier(table.program)
            let labels = policyLabels[program] ?? labelsOfPolicies(of: table.program)
            policyLabels[program] = labels
            return view(table, plan, labels)
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
