import CommonValues
import Diagnostics
import EventLoops
import Manifests
import MeshSnapshot
import Reconciliation
import Synchronization

/// Moves metrics and probes to the port that a generation names.
///
/// The server asks the running mesh, which asks the reconciler, whose participant this is: so it is made first, and gets
/// its server with `attach` before the first generation.
package final class TelemetryParticipant: SnapshotParticipant {
    private struct State {
        var server: AdminServer?
        var address: NetworkAddress?
    }

    private let state = Mutex(State())

    package init() {}

    package func attach(_ server: AdminServer) { state.withLock { $0.server = server } }

    package func prepare(
        _ snapshot: MeshSnapshot, generation: Generation
    ) async throws(Rejection) -> any PreparedChange {
        let listen = snapshot.mesh.telemetryListen
        // The decoder takes nothing but a loopback address.
        var address: NetworkAddress?
        if case .tcp(let host, let port)? = listen?.value, let ip = IPAddress(host) {
            address = .ip(ip, port: port)
        }
        let (server, current) = state.withLock { ($0.server, $0.address) }
        guard let server else { return Change(participant: self, server: nil, prepared: nil, address: nil) }
        do throws(SystemCallError) {
            let prepared = try server.prepareTelemetry(address, replacing: current)
            return Change(participant: self, server: server, prepared: prepared, address: address)
        } catch {
            throw Rejection([.telemetryPortTaken(listen, error)])
        }
    }

    private struct Change: PreparedChange {
        let participant: TelemetryParticipant
        let server: AdminServer?
        let prepared: AdminServer.PreparedTelemetry?
        let address: NetworkAddress?

        func commit() async {
            guard let server, let prepared else { return }
            server.commitTelemetry(prepared)
            participant.state.withLock { $0.address = address }
        }

        /// The port that was bound closes with the last reference to it.
        func abandon() async {}
    }
}

extension Diagnostic.Code {
    /// `Mesh.spec.telemetry.listen` cannot be listened at.
    package static let telemetryPort = Self("admin.telemetry-port")
}

extension Diagnostic {
    fileprivate static func telemetryPortTaken(_ listen: Located<SocketAddress>?, _ error: SystemCallError)
        -> Diagnostic
    {
        Diagnostic(
            .telemetryPort, at: listen?.position ?? SourcePosition(file: ".", line: 1, column: 1),
            found: "\(listen.map { "\"\($0.value)\"" } ?? "nothing"): \(error.reason)",
            expected: "a loopback port that nobody else listens at",
            remedy: "choose another port, or stop who listens there")
    }
}
