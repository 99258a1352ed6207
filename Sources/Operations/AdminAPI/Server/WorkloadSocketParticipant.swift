package import Diagnostics
import Manifests
package import MeshSnapshot
package import Reconciliation
import Synchronization

/// Has the workload socket where a generation asks for it: where a workload of this node can be started by `heddle exec`.
package final class WorkloadSocketParticipant: SnapshotParticipant, HostDependent {
    private struct State {
        var server: AdminServer?
        /// Where it answers.
        var path: String?
        /// Where it is to answer.
        var listen: Located<String>?
        var problem: Diagnostic?
    }

    private let node: String?
    private let state = Mutex(State())

    /// - Parameter node: The Node this host is; `nil` in a mesh of one host.
    package init(node: String?) { self.node = node }

    package func attach(_ server: AdminServer) { state.withLock { $0.server = server } }

    package func prepare(
        _ snapshot: MeshSnapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange {
        Change(participant: self, move: move(to: wanted(by: snapshot)))
    }

    /// It is bound when it is needed, and held back where it cannot be.
    package func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        []
    }

    package var heldBack: [Diagnostic] { state.withLock { $0.problem.map { [$0] } ?? [] } }

    /// Tries again what is held back. Not while a change is prepared or committed.
    package func retry() async {
        let (hasProblem, listen) = state.withLock { ($0.problem != nil, $0.listen) }
        if hasProblem { take(move(to: listen)) }
    }

    /// The socket was removed by somebody.
    package var isLost: Bool { state.withLock { $0.server }?.isWorkloadSocketLost ?? false }

    /// Binds it again where it was. Not while a change is prepared or committed.
    package func restore() {
        guard isLost else { return }
        let listen = state.withLock { state in
            state.path = nil
            return state.listen
        }
        take(move(to: listen))
    }

    private func wanted(by snapshot: MeshSnapshot) -> Located<String>? {
        let isAsked = snapshot.workloads.contains { workload in
            (node == nil || workload.node?.value == node) && workload.selectors.contains(where: \.isStarted)
        }
        return isAsked ? snapshot.mesh.workloadSocket : nil
    }

    private struct Move: Sendable {
        enum Step: Sendable {
            case keep
            case replace(AdminServer.PreparedWorkloadSocket?)
        }

        let listen: Located<String>?
        var path: String?
        var step = Step.keep
        var problem: Diagnostic?
    }

    private func move(to listen: Located<String>?) -> Move {
        let (server, current) = state.withLock { ($0.server, $0.path) }
        var move = Move(listen: listen, path: listen?.value)
        guard let server, listen?.value != current else { return move }
        guard let listen else {
            move.step = .replace(nil)
            return move
        }
        do throws(AdminServerError) {
            move.step = .replace(try server.prepareWorkloadSocket(at: listen.value))
        } catch {
            move.step = .replace(nil)
            move.path = nil
            move.problem = .workloadSocketMissing(listen, error)
        }
        return move
    }

    private func take(_ move: Move) {
        let server = state.withLock { state in
            state.path = move.path
            state.listen = move.listen
            state.problem = move.problem
            return state.server
        }
        if case .replace(let prepared) = move.step { server?.commitWorkloadSocket(prepared) }
    }

    private func abandon(_ move: Move) {
        guard case .replace(let prepared?) = move.step else { return }
        state.withLock { $0.server }?.abandonWorkloadSocket(prepared)
    }

    private struct Change: PreparedChange {
        let participant: WorkloadSocketParticipant
        let move: Move

        var warnings: [Diagnostic] { move.problem.map { [$0] } ?? [] }

        func commit() async { participant.take(move) }
        func abandon() async { participant.abandon(move) }
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
