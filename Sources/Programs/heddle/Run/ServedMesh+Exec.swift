import AdminAPI
import Attestation
import Forwarding
import Glibc
import LocalAttestation
import Manifests
import MeshSnapshot
import NodeServing

/// `heddle exec`, as the running mesh decides it.
extension ServedMesh {
    func start(_ name: ResourceName, _ caller: WorkloadCaller) async -> ExecAnswer {
        let answer = decide(name, caller)
        switch answer {
        case .started: events.started(name, pid: caller.process.pid, user: caller.credentials.uid)
        case .refused(_, let why): events.notStarted(pid: caller.process.pid, why: why)
        }
        return answer
    }

    /// What it has started that runs, by workload.
    var programs: [ProgramReport] {
        guard let running = participant.dataPlane?.attestor.started.running else { return [] }
        return Dictionary(grouping: running, by: \.workload)
            .map { ProgramReport(workload: $0.key, pids: $0.value.map(\.pid).sorted()) }
            .sorted { $0.workload < $1.workload }
    }

    private func decide(_ name: ResourceName, _ caller: WorkloadCaller) -> ExecAnswer {
        guard let serving = participant.serving, let dataPlane = participant.dataPlane, !participant.isDraining else {
            return .refused(status: 503, "no generation serves now")
        }
        let snapshot = serving.snapshot
        // Who may not start it learns nothing of it, not even whether it is there.
        guard let workload = snapshot.workloads.first(where: { $0.metadata.name == name }),
            mayStart(workload, caller.credentials.uid)
        else {
            return .refused(
                status: 403, "user \(caller.credentials.uid) may not start \(name), or there is no such Workload")
        }
        guard options.node == nil || workload.node?.value == options.node else {
            return .refused(status: 409, "\(name) is no workload of this node")
        }
        guard workload.selectors.contains(where: \.isStarted) else {
            return .refused(status: 409, "\(name) has no selector with exec: {}, so that nothing would come of it")
        }
        do throws(StartedProcesses.Refusal) {
            try dataPlane.attestor.started.start(name, caller.process)
        } catch {
            return .refused(status: 503, "\(error)")
        }
        let node = options.node.flatMap { snapshot.nodes[$0] }
        let listens = [workload.outboundListen, node?.outboundListen].compactMap { $0?.value }
        let proxy = listens.lazy.compactMap { address -> String? in
            guard case .tcp = address else { return nil }
            return "http://\(address)"
        }.first
        return .started(StartedWorkload(workload: name, proxy: proxy))
    }

    /// Whoever this process runs as, and root, where the Workload names nobody.
    private func mayStart(_ workload: Workload, _ user: UInt32) -> Bool {
        guard let users = workload.execUsers else { return user == 0 || user == geteuid() }
        let accounts = HostAccounts(Set(workload.startedBy.map { .user($0.value) }), in: participant.accounts)
        return users.contains { reference in
            switch reference {
            case .name(let name): accounts.users[name.value] == user
            case .number(let number): number == user
            }
        }
    }
}
