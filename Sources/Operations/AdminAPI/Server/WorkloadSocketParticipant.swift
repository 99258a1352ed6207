package import Diagnostics
import Manifests
package import MeshSnapshot
package import Reconciliation

/// Has the workload socket where a generation asks for it: where a workload of this node can be started by `heddle exec`.
package final class WorkloadSocketParticipant: SnapshotParticipant, HostDependent {
    private let node: String?
    private let socket = MovedListener<WorkloadSocket>()

    /// - Parameter node: The Node this host is; `nil` in a mesh of one host.
    package init(node: String?) { self.node = node }

    package func attach(_ server: AdminServer) { socket.attach(server) }

    package func prepare(
        _ snapshot: MeshSnapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange {
        socket.prepare(wanted(by: snapshot))
    }

    /// It is bound when it is needed, and held back where it cannot be.
    package func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        []
    }

    package var heldBack: [Diagnostic] { socket.problem.map { [$0] } ?? [] }

    /// Tries again what is held back. Not while a change is prepared or committed.
    package func retry() async { socket.retry() }

    /// The socket was removed by somebody.
    package var isLost: Bool { socket.server?.isWorkloadSocketLost ?? false }

    /// Binds it again where it was. Not while a change is prepared or committed.
    package func restore() { if isLost { socket.restore() } }

    /// Where it is, or should be; `nil`: nothing asks for it.
    package var report: WorkloadSocketReport? {
        socket.wanted.map { WorkloadSocketReport(path: $0.value, isHeldBack: socket.problem != nil) }
    }

    private func wanted(by snapshot: MeshSnapshot) -> Located<String>? {
        let isAsked = snapshot.workloads.contains { workload in
            workload.runs(on: node) && workload.selectors.contains(where: \.isStarted)
        }
        return isAsked ? snapshot.mesh.workloadSocket : nil
    }
}

private enum WorkloadSocket: MovedSocket {
    static func prepare(
        _ place: String, of server: AdminServer
    ) throws(AdminServerError) -> AdminServer.PreparedWorkloadSocket {
        try server.prepareWorkloadSocket(at: place)
    }

    static func commit(_ prepared: AdminServer.PreparedWorkloadSocket?, of server: AdminServer) {
        server.commitWorkloadSocket(prepared)
    }

    static func abandon(_ prepared: AdminServer.PreparedWorkloadSocket, of server: AdminServer) {
        server.abandonWorkloadSocket(prepared)
    }

    static func problem(_ place: Located<String>, _ failure: AdminServerError) -> Diagnostic {
        .workloadSocketMissing(place, failure)
    }
}

extension Diagnostic.Code {
    /// There is no workload socket.
    package static let workloadSocket = Self("admin.workload-socket")
}

extension Diagnostic {
    fileprivate static func workloadSocketMissing(_ listen: Located<String>, _ error: AdminServerError) -> Diagnostic {
        Diagnostic(
            .workloadSocket, at: listen.position, found: error.description,
            expected: "a socket at which workloads of this host ask: until then `heddle exec` starts none",
            remedy: error.systemError.map { FailedCall.remedy($0, to: .write, "the folder that it lies in") }
                ?? "choose another place with workloadSocket.path of the Mesh")
    }
}
