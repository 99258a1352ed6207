import Attestation
import CommonValues
import Diagnostics
import EventLoops
import Forwarding
import Glibc
import HostGuard
import LocalAttestation
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
        let users = guarding.users.compactMap(plan.accounts.number)
        table = GuardTable(
            name: name, node: node.metadata.name.name, ports: Set(plan.ownWorkloads.compactMap(\.plainPort)),
            endpoints: plan.ownEndpoints, users: Set(users).union([Self.ownUser]))
    }

    var removesOnExit: Bool { guarding.onExit == .remove }

    // MARK: What there is to say

    /// - Parameters:
    ///   - failure: Why the kernel does not hold the table.
    ///   - neighbours: Where processes of Heddle's user listen.
    func problems(_ failure: PacketFilter.Failure?, neighbours: Set<NetworkAddress>) -> [Diagnostic] {
        (failure.map { [.guardIsDown(guarding.position, $0)] } ?? []) + sharedUsers(neighbours) + guardedListeners
    }

    /// Workloads whose processes are of Heddle's own user: the kernel cannot tell one from the other.
    private func sharedUsers(_ neighbours: Set<NetworkAddress>) -> [Diagnostic] {
        plan.ownWorkloads.flatMap { workload -> [Diagnostic] in
            let selected = workload.selectors.first { plan.accounts.user(of: $0) == Self.ownUser }
            let isNeighbour = workload.plainPort.map { port in neighbours.contains { $0.port == port } } ?? false
            guard selected != nil || isNeighbour else { return [] }
            let position = selected?.user?.position ?? workload.address?.position ?? workload.metadata.position
            return [.guardSharesUser(position, workload.metadata.name, Self.ownUser)]
        }
    }

    /// Heddle's own listeners at ports that are guarded, at whichever address. To let everybody reach one would let him reach whoever
    /// has the address when Heddle has not.
    private var guardedListeners: [Diagnostic] {
        var listeners = plan.listenerDescriptions.map(\.address)
        if case .tcp(.ip(let ip), let port)? = plan.snapshot.mesh.telemetryListen?.value {
            listeners.append(.ip(ip, port: port))
        }
        return listeners.filter { table.ports.contains($0.port) }.map { .guardedListener(guarding.position, $0) }
    }

    /// Where processes of Heddle's user listen that are not Heddle itself, at ports that are guarded, as the kernel says now.
    func neighbours() throws(SystemCallError) -> Set<NetworkAddress> {
        let own = Set(plan.listenerDescriptions.map(\.address))
        let sockets = try ListeningSocket.all()
        return Set(
            sockets.filter { $0.owner.uid == Self.ownUser && table.ports.contains($0.port) }
                .map { NetworkAddress.ip($0.address, port: $0.port) }
        ).subtracting(own)
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
