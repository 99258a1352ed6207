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
        let (pid, user) = (caller.process.pid, caller.credentials.uid)
        do throws(ExecRefusal) {
            let started = try decide(name, caller)
            events.started(name, pid: pid, user: user, warning: started.warning)
            return .started(started)
        } catch {
            events.notStarted(name, pid: pid, user: user, why: error.why)
            return .refused(status: error.status, error.message)
        }
    }

    /// What it has started that runs, by workload.
    var programs: [ProgramReport] {
        guard let running = participant.dataPlane?.attestor.started.running else { return [] }
        return Dictionary(grouping: running, by: \.workload)
            .map { workload, running in
                ProgramReport(
                    workload: workload, pids: running.map(\.pid).sorted(),
                    aloneCount: running.count { $0.extent == .process })
            }
            .sorted { $0.workload < $1.workload }
    }

    private func decide(_ name: ResourceName, _ caller: WorkloadCaller) throws(ExecRefusal) -> StartedWorkload {
        guard let serving = participant.serving, let dataPlane = participant.dataPlane, !participant.isDraining else {
            throw ExecRefusal(503, "no generation serves now")
        }
        let snapshot = serving.snapshot
        let workload = snapshot.workloads.first { $0.metadata.name == name }
        let obstacle = obstacle(to: workload)
        // Who may not start it learns nothing of it, not even whether it is there.
        guard let workload, mayStart(workload, caller.credentials.uid) else {
            throw ExecRefusal(
                403, "user \(caller.credentials.uid) may not start \(name), or there is no such Workload",
                why: obstacle ?? workload.map(Self.starters))
        }
        if let obstacle { throw ExecRefusal(409, "\(name): \(obstacle)", why: obstacle) }
        let extent: StartedProcesses.Extent
        do throws(StartedProcesses.Refusal) {
            extent = try dataPlane.attestor.started.start(name, caller.process, of: caller.credentials.uid)
        } catch {
            throw ExecRefusal(503, "\(error)")
        }
        let node = options.node.flatMap { snapshot.nodes[$0] }
        let listens = [workload.outboundListen, node?.outboundListen].compactMap { $0?.value }
        let proxy = listens.lazy.compactMap { address -> String? in
            guard case .tcp = address else { return nil }
            return "http://\(address)"
        }.first
        return StartedWorkload(
            workload: name, proxy: proxy, outbound: listens.first.map { "\($0)" }, isAlone: extent == .process,
            warning: extent == .process ? Self.warning(caller.process) : nil)
    }

    /// What keeps anybody from starting it.
    private func obstacle(to workload: Workload?) -> String? {
        guard let workload else { return "there is no such Workload" }
        guard workload.runs(on: options.node) else {
            return "it is no workload of this node"
        }
        guard workload.selectors.contains(where: \.isStarted) else {
            return "it has no selector with exec: {}, so that nothing would come of it"
        }
        return nil
    }

    private static func starters(_ workload: Workload) -> String {
        workload.execUsers == nil
            ? "this user may not: the Workload has no exec.users, so that only root and user \(geteuid()) may"
            : "this user may not: exec.users of the Workload does not list it"
    }

    /// What is to be said of a process that is the workload without what it starts.
    private static func warning(_ process: ProcessHandle) -> String {
        let alone = "the workload is this process alone, and nothing that it starts: no control groups here"
        guard !process.folder.isOpenToLooks else { return alone }
        return alone
            + "; over TCP it is nobody either, for Heddle may not look at what it has open (CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)"
    }

    /// Whoever this process runs as, and root, where the Workload names nobody.
    private func mayStart(_ workload: Workload, _ user: UInt32) -> Bool {
        guard let users = workload.execUsers else { return user == 0 || user == geteuid() }
        let accounts = HostAccounts(Set(workload.startedBy.map { .user($0.value) }), in: participant.accounts)
        return users.contains { accounts.number(of: $0) == user }
    }
}

/// Why a program is not started.
private struct ExecRefusal: Error {
    let status: UInt16
    /// For whoever asks.
    let message: String
    /// For the operator, who may know all.
    let why: String

    init(_ status: UInt16, _ message: String, why: String? = nil) {
        self.status = status
        self.message = message
        self.why = why ?? message
    }
}
