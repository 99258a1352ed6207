import Attestation
import CommonValues
import Diagnostics
import EventLoops
import Forwarding
import Glibc
import HostGuard
import Manifests
import MeshSnapshot
import SystemInterfaces

/// What the guard of this node is to hold, by what serves, and what there is to say of it.
struct GuardPlan: Sendable {
    private let plan: ServingPlan
    private let guarding: NodeGuard
    let table: GuardTable

    /// Whom Heddle runs as: its sockets are this user's.
    private static let ownUser = geteuid()

    /// - Parameter name: Of the table.
    /// - Returns: `nil`: the node asks for no guard.
    init?(_ plan: ServingPlan, name: String) {
        guard let node = plan.ownNode, let guarding = node.guarding else { return nil }
        self.plan = plan
        self.guarding = guarding
        let numbers = guarding.users.compactMap { user in
            switch user {
            case .name(let name): plan.accounts.users[name.value]
            case .number(let number): number
            }
        }
        var listeners = Set(plan.listenerDescriptions.map(\.address))
        if case .tcp(.ip(let ip), let port)? = plan.snapshot.mesh.telemetryListen?.value {
            listeners.insert(.ip(ip, port: port))
        }
        table = GuardTable(
            name: name, node: node.metadata.name.name, ports: Set(plan.ownWorkloads.compactMap(\.plainPort)),
            endpoints: plan.ownEndpoints, listeners: listeners, users: Set(numbers).union([Self.ownUser]))
    }

    var removesOnExit: Bool { guarding.onExit == .remove }

    // MARK: What there is to say

    /// - Parameter failure: Why the kernel does not hold the table.
    func problems(_ failure: PacketFilter.Failure?) -> [Diagnostic] {
        (failure.map { [.guardIsDown(guarding.position, $0)] } ?? []) + sharedUsers + shadowedListeners
    }

    /// Workloads whose processes are of Heddle's own user: the kernel cannot tell one from the other.
    private var sharedUsers: [Diagnostic] {
        plan.ownWorkloads.flatMap { workload in
            workload.selectors.compactMap { selector -> Diagnostic? in
                let number = selector.uid ?? selector.user.flatMap { plan.accounts.users[$0.value] }
                guard number == Self.ownUser else { return nil }
                return .guardSharesUser(
                    selector.user?.position ?? workload.metadata.position, workload.metadata.name, Self.ownUser)
            }
        }
    }

    private var shadowedListeners: [Diagnostic] {
        table.shadowedListeners.map { .guardShadows(guarding.position, $0) }
    }

    /// What is as it should not be, and does not keep the guard from holding.
    var warnings: [Diagnostic] {
        let ports = EphemeralPorts.current.map { ephemeral in table.ports.filter(ephemeral.contains) } ?? []
        return (ports.isEmpty ? [] : [.guardedPortIsEphemeral(guarding.position, ports.sorted())]) + openSockets
    }

    /// Workloads on Unix sockets are guarded by the permissions of those.
    private var openSockets: [Diagnostic] {
        plan.ownWorkloads.compactMap { workload in
            guard let address = workload.address, case .unix(let path) = address.value,
                FileAccess.mayBeConnectedByAll(path)
            else { return nil }
            return .openSocket(address)
        }
    }
}

extension Workload {
    /// The port that it listens at for calls in plain.
    fileprivate var plainPort: UInt16? {
        guard case .tcp(_, let port)? = address?.value else { return nil }
        return port
    }
}
