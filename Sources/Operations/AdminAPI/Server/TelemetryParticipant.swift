import CommonValues
package import Diagnostics
import EventLoops
import Glibc
import Manifests
package import MeshSnapshot
package import Reconciliation
import SystemInterfaces

/// Moves metrics and probes to the port that a generation names, and has the admin socket made again where it cannot be had.
package final class TelemetryParticipant: SnapshotParticipant, HostDependent {
    private let port = MovedListener<TelemetryPort>()

    package init() {}

    package func attach(_ server: AdminServer) { port.attach(server) }

    package func prepare(
        _ snapshot: MeshSnapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange {
        port.prepare(snapshot.mesh.telemetryListen)
    }

    package func rehearse(_ snapshot: MeshSnapshot, generation: Generation) async throws(Rejection) -> [Diagnostic] {
        guard let listen = snapshot.mesh.telemetryListen, listen.value != port.place else { return [] }
        do throws(SystemCallError) {
            _ = try AdminServer.bindTelemetry(at: TelemetryPort.address(listen.value))
            return []
        } catch {
            return [TelemetryPort.problem(listen, error)]
        }
    }

    /// What is held back: a port that cannot be had, and the server's socket.
    package var heldBack: [Diagnostic] {
        [port.problem, port.server?.socketProblem.map(Diagnostic.adminSocketMissing)].compactMap(\.self)
    }

    /// Tries again what is held back. Not while a change is prepared or committed.
    package func retry() async {
        do throws(AdminServerError) { try port.server?.bindSocket() } catch {}  // it is a problem still
        port.retry()
    }
}

private enum TelemetryPort: MovedSocket {
    static func address(_ place: SocketAddress) throws(SystemCallError) -> NetworkAddress {
        // The decoder takes nothing but a loopback address.
        guard case .tcp(.ip(let ip), let port) = place else { throw SystemCallError("bind", errno: EAFNOSUPPORT) }
        return .ip(ip, port: port)
    }

    static func prepare(
        _ place: SocketAddress, of server: AdminServer
    ) throws(SystemCallError) -> AdminServer.PreparedTelemetry {
        try server.prepareTelemetry(address(place))
    }

    static func commit(_ prepared: AdminServer.PreparedTelemetry?, of server: AdminServer) {
        server.commitTelemetry(prepared)
    }

    /// The port that was bound closes with the last reference to it.
    static func abandon(_ prepared: AdminServer.PreparedTelemetry, of server: AdminServer) {}

    static func problem(_ place: Located<SocketAddress>, _ failure: SystemCallError) -> Diagnostic {
        .telemetryPortTaken(place, failure)
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

    fileprivate static func telemetryPortTaken(_ listen: Located<SocketAddress>, _ error: SystemCallError)
        -> Diagnostic
    {
        Diagnostic(
            .telemetryPort, at: listen.position, found: "\"\(listen.value)\": \(error.reason)",
            expected: "a loopback port that nobody else listens at: until then metrics are on the admin socket only",
            remedy: "choose another port, or stop who listens there")
    }
}
