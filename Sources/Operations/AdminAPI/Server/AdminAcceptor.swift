import EventLoops
import SystemInterfaces

/// A request on its way to the handler, and the way back.
struct PendingRequest: Sendable {
    let request: AdminRequest
    let acceptor: AdminAcceptor
    let connection: UInt64

    func answer(_ response: AdminResponse) { acceptor.post(response, to: connection) }
}

/// Takes connections at one socket, so many at once as the limits say.
///
/// SAFETY: `@unchecked Sendable` because everything that changes is touched on the loop's thread only; `post` and `stop`
/// go there by the loop's mailbox.
final class AdminAcceptor: EventHandler, @unchecked Sendable {
    let loop: EventLoop
    let limits: AdminLimits
    let origin: AdminRequest.Origin
    private let listener: Socket
    private let requests: AsyncStream<PendingRequest>.Continuation
    private var registration = Registration.none
    private var connections: [UInt64: AdminConnection] = [:]
    private var lastID: UInt64 = 0
    /// At the workload socket, by user: nobody takes all there are.
    private var connectionsByUser: [UInt32: Int] = [:]
    private var isStopped = false

    /// Milliseconds until accepting is tried again after descriptors ran out.
    private static let pauseMilliseconds: UInt64 = 200

    /// - Parameter listener: bound and listening.
    init(
        _ listener: consuming Socket, origin: AdminRequest.Origin, loop: EventLoop, limits: AdminLimits,
        requests: AsyncStream<PendingRequest>.Continuation
    ) {
        self.listener = listener
        self.origin = origin
        self.loop = loop
        self.limits = limits
        self.requests = requests
    }

    /// From any thread. A registration that fails leaves connections waiting in the kernel's queue: it can only fail for
    /// lack of memory.
    func start() {
        loop.post { [self] in
            guard !isStopped else { return }
            registration = (try? loop.register(self, descriptor: listener.descriptor)) ?? .none
            accept()
        }
    }

    /// From any thread. Connections are answered.
    func stopAccepting() {
        loop.post { [self] in
            guard !isStopped else { return }
            isStopped = true
            loop.unregister(registration, removing: listener.descriptor)
        }
    }

    /// From any thread. Ends every connection too.
    func stop() {
        stopAccepting()
        loop.post { [self] in for connection in connections.values { connection.close() } }
    }

    /// From any thread.
    func post(_ response: AdminResponse, to connection: UInt64) {
        loop.post { [self] in connections[connection]?.send(response) }
    }

    var address: NetworkAddress { listener.localAddress() }

    // MARK: On the loop

    func ready(_ events: ReadyEvents) { accept() }
    func deadlineReached() { accept() }
    func turnEnded() {}

    private func accept() {
        while !isStopped, connections.count < limits.connections {
            do throws(SystemCallError) {
                guard let accepted = try listener.accept() else { return }
                lastID += 1
                let connection = AdminConnection(accepted.takeSocket(), id: lastID, acceptor: self)
                guard origin != .workload || admits(connection.user) else { continue }
                try connection.start()
                connections[lastID] = connection
                if let user = connection.user { connectionsByUser[user, default: 0] += 1 }
            } catch {
                loop.setDeadline(registration, to: loop.now + Self.pauseMilliseconds)
                return
            }
        }
    }

    /// - Parameter user: `nil`: nobody is known to ask.
    private func admits(_ user: UInt32?) -> Bool {
        guard let user else { return false }
        return connectionsByUser[user, default: 0] < max(1, limits.connections / 4)
    }

    func deliver(_ request: AdminRequest, from connection: AdminConnection) {
        requests.yield(PendingRequest(request: request, acceptor: self, connection: connection.id))
    }

    func ended(_ connection: AdminConnection) {
        let wasFull = connections.count >= limits.connections
        connections[connection.id] = nil
        if let user = connection.user {
            let left = connectionsByUser[user, default: 1] - 1
            connectionsByUser[user] = left > 0 ? left : nil
        }
        if wasFull { accept() }
    }
}
