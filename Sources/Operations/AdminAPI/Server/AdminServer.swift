import EventLoops
import Glibc
import Manifests
import Synchronization

/// Answers the admin API on a Unix socket of its owner's, and metrics and probes on a loopback port.
///
/// One thread of its own reads and writes; what is asked is answered in tasks, so that a slow answer holds up no other.
package final class AdminServer: Sendable {
    private let handler: AdminHandler
    private let limits: AdminLimits
    private let loop: EventLoop
    private let file: AdminSocket
    private let socketAcceptor: AdminAcceptor
    private let telemetryAcceptor = Mutex<AdminAcceptor?>(nil)
    private let pending: AsyncStream<PendingRequest>
    private let requests: AsyncStream<PendingRequest>.Continuation

    /// Binds the socket, readable and writable by its owner alone. One that a dead process left behind is removed.
    /// - Parameter socketPath: Absolute, at most 107 bytes, in a folder that is there already.
    package init(
        mesh: any RunningMesh, socketPath: String, limits: AdminLimits = AdminLimits()
    ) throws(AdminServerError) {
        handler = AdminHandler(mesh: mesh, limits: limits)
        self.limits = limits
        (pending, requests) = AsyncStream.makeStream(of: PendingRequest.self)
        do throws(SystemCallError) {
            loop = try EventLoop()
        } catch {
            throw AdminServerError("cannot serve the admin API: \(error)")
        }
        let bound = try AdminSocket.bind(at: socketPath)
        file = bound.file
        socketAcceptor = AdminAcceptor(
            bound.takeSocket(), origin: .socket, loop: loop, limits: limits, requests: requests)
    }

    /// Answers until the task is cancelled; then ends every connection and removes the socket.
    package func run() async {
        let loop = loop
        guard SystemThread.start(name: "heddle-admin", { loop.run() }) else { return }
        socketAcceptor.start()
        await withDiscardingTaskGroup { group in
            for await pending in pending {
                group.addTask { pending.answer(await self.handler.answer(pending.request)) }
            }
        }
        file.remove()
        socketAcceptor.stop()
        telemetryAcceptor.withLock { $0 }?.stop()
        loop.post { loop.stop() }
    }

    // MARK: Telemetry

    /// A loopback port, bound, that does not answer yet.
    package struct PreparedTelemetry: Sendable {
        fileprivate enum Change: Sendable {
            case keep
            case replace(AdminAcceptor?)
        }

        fileprivate let change: Change

        /// Where it listens; `nil` where nothing changes or it is closed.
        package var address: NetworkAddress? {
            if case .replace(let acceptor?) = change { acceptor.address } else { nil }
        }
    }

    /// Binds what `Mesh.spec.telemetry.listen` names, while the former port goes on answering.
    /// - Parameters:
    ///   - address: `nil`: no port.
    ///   - current: what was prepared and committed before.
    package func prepareTelemetry(
        _ address: NetworkAddress?, replacing current: NetworkAddress?
    ) throws(SystemCallError) -> PreparedTelemetry {
        guard address != current else { return PreparedTelemetry(change: .keep) }
        guard let address else { return PreparedTelemetry(change: .replace(nil)) }
        let socket = try Socket.bound(to: address, sharesPort: false)
        try socket.listen(backlog: 64)
        return PreparedTelemetry(
            change: .replace(
                AdminAcceptor(socket, origin: .telemetry, loop: loop, limits: limits, requests: requests)))
    }

    /// No port at all.
    package var closingTelemetry: PreparedTelemetry { PreparedTelemetry(change: .replace(nil)) }

    /// Answers at the new port, and no more at the former one.
    package func commitTelemetry(_ prepared: PreparedTelemetry) {
        guard case .replace(let acceptor) = prepared.change else { return }
        acceptor?.start()
        let former = telemetryAcceptor.withLock { current in
            let former = current
            current = acceptor
            return former
        }
        former?.stop()
    }
}

/// Why the admin API cannot be served, for people.
package struct AdminServerError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
