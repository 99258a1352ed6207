import CommonValues
package import Diagnostics
import EventLoops
import Manifests
package import MeshSnapshot
package import Reconciliation
import Synchronization
import SystemInterfaces

/// Moves metrics and probes to the port that a generation names.
///
/// The server asks the running mesh, which asks the reconciler, whose participant this is: so it is made first, and gets
/// its server with `attach` before the first generation.
package final class TelemetryParticipant: SnapshotParticipant, HostDependent {
    private struct State {
        var server: AdminServer?
        /// Where it answers.
        var address: NetworkAddress?
        /// Where it is to answer.
        var listen: Located<SocketAddress>?
        var problem: Diagnostic?
    }

    private let state = Mutex(State())

    package init() {}

    package func attach(_ server: AdminServer) { state.withLock { $0.server = server } }

    package func prepare(
        _ snapshot: MeshSnapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange {
        Change(participant: self, move: move(to: snapshot.mesh.telemetryListen))
    }

    package func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        let listen = snapshot.mesh.telemetryListen
        let (server, current) = state.withLock { ($0.server, $0.address) }
        do throws(SystemCallError) {
            try server?.rehearseTelemetry(Self.address(of: listen), replacing: current)
            return []
        } catch {
            return [.telemetryPortTaken(listen, error)]
        }
    }

    /// What is held back: a port that cannot be had (the one before is closed all the same, and the rest of the set serves),
    /// and the server's socket.
    package var heldBack: [Diagnostic] {
        let (problem, server) = state.withLock { ($0.problem, $0.server) }
        return [problem, server?.socketProblem.map(Diagnostic.adminSocketMissing)].compactMap(\.self)
    }

    /// Tries again what is held back. Not while a change is prepared or committed.
    package func retry() async {
        let (hasProblem, server) = state.withLock { ($0.problem != nil, $0.server) }
        do throws(AdminServerError) { try server?.bindSocket() } catch {}  // it is a problem still
        if hasProblem { take(move(to: state.withLock { $0.listen })) }
    }

    private struct Move: Sendable {
        let listen: Located<SocketAddress>?
        var address: NetworkAddress?
        var prepared: AdminServer.PreparedTelemetry?
        var problem: Diagnostic?
    }

    private func move(to listen: Located<SocketAddress>?) -> Move {
        var move = Move(listen: listen, address: Self.address(of: listen))
        let (server, current) = state.withLock { ($0.server, $0.address) }
        guard let server else { return move }
        do throws(SystemCallError) {
            move.prepared = try server.prepareTelemetry(move.address, replacing: current)
        } catch {
            move.prepared = server.closingTelemetry
            move.address = nil
            move.problem = .telemetryPortTaken(listen, error)
        }
        return move
    }

    private static func address(of listen: Located<SocketAddress>?) -> NetworkAddress? {
        // The decoder takes nothing but a loopback address.
        guard case .tcp(.ip(let ip), let port)? = listen?.value else { return nil }
        return .ip(ip, port: port)
    }

    private func take(_ move: Move) {
        let server = state.withLock { state in
            state.address = move.address
            state.listen = move.listen
            state.problem = move.problem
            return state.server
        }
        if let prepared = move.prepared { server?.commitTelemetry(prepared) }
    }

    private struct Change: PreparedChange {
        let participant: TelemetryParticipant
        let move: Move

        var warnings: [Diagnostic] { move.problem.map { [$0] } ?? [] }

        func commit() async { participant.take(move) }

        /// The port that was bound closes with the last reference to it.
        func abandon() async {}
    }
}

extension Diagnostic.Code {
    /// `Mesh.spec.telemetry.listen` cannot be listened at.
    package static let telemetryPort = Self("admin.telemetry-port")
    /// There is no admin socket.
    package static let adminSocket = Self("admin.socket")
}

extension Diagnostic {
    fileprivate static func adminSocketMissing(_ error: AdminServerError) -> Diagnostic {
        Diagnostic(
            .adminSocket, at: .place("the admin socket"), found: error.description,
            expected:
                "a socket that commands reach: until then only the log tells of this process, and telemetry.listen where the "
                + "Mesh has one",
            remedy: error.systemError.map { FailedCall.remedy($0, to: .write, "the folder that it lies in") }
                ?? "choose another place with --admin")
    }

    fileprivate static func telemetryPortTaken(_ listen: Located<SocketAddress>?, _ error: SystemCallError)
        -> Diagnostic
    {
        Diagnostic(
            .telemetryPort, at: listen?.position ?? .manifestsFolder,
            found: "\(listen.map { "\"\($0.value)\"" } ?? "nothing"): \(error.reason)",
            expected: "a loopback port that nobody else listens at: until then metrics are on the admin socket only",
            remedy: "choose another port, or stop who listens there")
    }
}
