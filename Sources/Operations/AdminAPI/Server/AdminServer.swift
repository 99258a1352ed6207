import Diagnostics
import EventLoops
import Glibc
import Manifests
import Synchronization
package import SystemInterfaces

/// Answers the admin API on a Unix socket of its owner's, and metrics and probes on a loopback port.
///
/// One thread of its own reads and writes; what is asked is answered in tasks, so that a slow answer holds up no other.
package final class AdminServer: Sendable {
    private let handler: AdminHandler
    private let limits: AdminLimits
    private let loop: EventLoop
    private let socketPath: String
    private let stateFolder: HeldFolder?
    private let socket = Mutex(SocketState())
    private let telemetryAcceptor = Mutex<AdminAcceptor?>(nil)
    private let workloadSocket = Mutex<PreparedWorkloadSocket?>(nil)
    private let pending: AsyncStream<PendingRequest>
    private let requests: AsyncStream<PendingRequest>.Continuation

    private struct SocketState {
        /// `nil`: it is not bound.
        var bound: (file: AdminSocket, acceptor: AdminAcceptor)?
        var problem: AdminServerError?
        var isRunning = false
    }

    /// Binds the socket, readable and writable by its owner alone. One that a dead process left behind is removed. What the
    /// system refuses is a `socketProblem` and no reason to throw.
    /// - Parameters:
    ///   - socketPath: Absolute, at most 107 bytes, in a folder that is there already.
    ///   - stateFolder: Where the socket is bound, if the path leads there.
    package init(
        mesh: any RunningMesh, socketPath: String, stateFolder: HeldFolder? = nil, limits: AdminLimits = AdminLimits()
    ) throws(AdminServerError) {
        handler = AdminHandler(mesh: mesh, limits: limits)
        self.limits = limits
        (pending, requests) = AsyncStream.makeStream(of: PendingRequest.self)
        do throws(SystemCallError) {
            loop = try EventLoop()
        } catch {
            throw AdminServerError("cannot serve the admin API: \(error)")
        }
        self.socketPath = socketPath
        self.stateFolder = stateFolder
        do throws(AdminServerError) {
            try bindSocket()
        } catch {
            guard error.systemError != nil else { throw error }
        }
    }

    /// Why nobody can ask at the socket; `nil`: it answers.
    package var socketProblem: AdminServerError? { socket.withLock { $0.problem } }

    /// Whether the socket was bound, and it is not certain, or not yet told, that people find it.
    package var isSocketLost: Bool {
        socket.withLock { socket in
            guard let bound = socket.bound else { return false }
            return socket.problem != nil || bound.file.standing != .inPlace
        }
    }

    /// Binds the socket, unless it is bound where people find it, or where that cannot be seen.
    /// - Returns: Whether it is bound anew.
    @discardableResult
    package func bindSocket() throws(AdminServerError) -> Bool {
        let standing = socket.withLock { socket in
            let standing = socket.bound?.file.standing
            socket.problem =
                switch standing {
                case .unseen(let error)?: unseen(error)
                case .inPlace?: nil
                case .gone?, nil: socket.problem
                }
            return standing
        }
        switch standing {
        case .inPlace?: return false
        case .unseen(let error)?: throw unseen(error)
        case .gone?, nil: break
        }
        let file: AdminSocket
        let acceptor: AdminAcceptor
        do throws(AdminServerError) {
            let bound = try AdminSocket.bind(.admin, at: socketPath, place())
            file = bound.file
            acceptor = AdminAcceptor(
                bound.takeSocket(), origin: .socket, loop: loop, limits: limits, requests: requests)
        } catch {
            socket.withLock { $0.problem = error }
            throw error
        }
        let (former, isRunning) = socket.withLock { socket in
            defer {
                socket.bound = (file, acceptor)
                socket.problem = nil
            }
            return (socket.bound?.acceptor, socket.isRunning)
        }
        former?.stopAccepting()
        if isRunning { acceptor.start() }
        return true
    }

    private func unseen(_ number: CInt) -> AdminServerError {
        AdminServerError(
            "cannot see whether the admin socket is at \"\(socketPath)\" still: \(FailedCall.reason(number))",
            systemError: number)
    }

    /// Where the system finds the socket: in the state folder that is held, if it lies there, whatever stands at the path.
    private func place() throws(AdminServerError) -> String {
        guard let stateFolder, socketPath.hasPrefix(stateFolder.path + "/") else { return socketPath }
        let name = String(socketPath.dropFirst(stateFolder.path.count + 1))
        if let place = stateFolder.place(of: name) { return place }
        let error = stateFolder.refusal
        throw AdminServerError(
            "cannot listen at the admin socket \"\(socketPath)\": there is no state folder: \(FailedCall.reason(error))",
            systemError: error)
    }

    /// Answers until the task is cancelled; then ends every connection and removes the socket.
    package func run() async {
        let loop = loop
        do throws(SystemCallError) { try SystemThread.start(name: "heddle-admin") { loop.run() } } catch { return }
        let acceptor = socket.withLock { socket in
            socket.isRunning = true
            return socket.bound?.acceptor
        }
        acceptor?.start()
        await withDiscardingTaskGroup { group in
            for await pending in pending {
                group.addTask { pending.answer(await self.handler.answer(pending.request)) }
            }
        }
        if let bound = socket.withLock({ $0.bound }) {
            bound.file.remove()
            bound.acceptor.stop()
        }
        telemetryAcceptor.withLock { $0 }?.stop()
        commitWorkloadSocket(nil)
        loop.post { loop.stop() }
    }

    /// Removes the socket of a server that never ran.
    package func removeSocket() { socket.withLock { $0.bound?.file.remove() } }

    // MARK: Telemetry

    /// A loopback port, bound, that does not answer yet.
    struct PreparedTelemetry: Sendable {
        fileprivate let acceptor: AdminAcceptor

        /// Where it listens.
        var address: NetworkAddress { acceptor.address }
    }

    /// Binds what `Mesh.spec.telemetry.listen` names, while the former port goes on answering.
    func prepareTelemetry(_ address: NetworkAddress) throws(SystemCallError) -> PreparedTelemetry {
        let socket = try Self.bindTelemetry(at: address)
        try socket.listen(backlog: 64)
        return PreparedTelemetry(
            acceptor: AdminAcceptor(socket, origin: .telemetry, loop: loop, limits: limits, requests: requests))
    }

    /// What does not listen cannot be connected to.
    static func bindTelemetry(at address: NetworkAddress) throws(SystemCallError) -> Socket {
        try Socket.bound(to: address, sharesPort: false)
    }

    /// Answers at the new port, and no more at the former one.
    /// - Parameter prepared: `nil`: at none.
    func commitTelemetry(_ prepared: PreparedTelemetry?) {
        prepared?.acceptor.start()
        let former = telemetryAcceptor.withLock { current in
            defer { current = prepared?.acceptor }
            return current
        }
        former?.stop()
    }

    // MARK: The workload socket

    /// A socket for workloads, bound, that does not answer yet.
    struct PreparedWorkloadSocket: Sendable {
        fileprivate let file: AdminSocket
        fileprivate let acceptor: AdminAcceptor
    }

    /// Binds it, for every user of the host.
    func prepareWorkloadSocket(at path: String) throws(AdminServerError) -> PreparedWorkloadSocket {
        // `/run` is empty after each start of the host.
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            _ = unsafe mkdir(String(path[..<slash]), 0o755)
        }
        let bound = try AdminSocket.bind(.workload, at: path, path)
        let file = bound.file
        var limits = limits
        // Nothing is asked there that has a body.
        limits.bodyByteCount = 0
        return PreparedWorkloadSocket(
            file: file,
            acceptor: AdminAcceptor(
                bound.takeSocket(), origin: .workload, loop: loop, limits: limits, requests: requests))
    }

    /// Answers at the new one, and no more at the former.
    /// - Parameter prepared: `nil`: at none.
    func commitWorkloadSocket(_ prepared: PreparedWorkloadSocket?) {
        prepared?.acceptor.start()
        let former = workloadSocket.withLock { current in
            defer { current = prepared }
            return current
        }
        former?.file.remove()
        former?.acceptor.stop()
    }

    /// Whether it was bound, and people find it no more.
    var isWorkloadSocketLost: Bool { workloadSocket.withLock { $0.map { $0.file.standing == .gone } ?? false } }

    /// It will not answer.
    func abandonWorkloadSocket(_ prepared: PreparedWorkloadSocket) { prepared.file.remove() }
}

/// Why the admin API cannot be served, for people.
package struct AdminServerError: Error, Hashable, CustomStringConvertible {
    package let description: String
    /// `errno` of the system call that failed; `nil`: what was asked for is wrong.
    package let systemError: CInt?

    init(_ description: String, systemError: CInt? = nil) {
        self.description = description
        self.systemError = systemError
    }
}
