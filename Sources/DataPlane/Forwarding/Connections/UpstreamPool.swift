import EventLoops
import Manifests
import SPIFFE
import TransportSecurity

/// What is at the other end of a pool's connections.
enum UpstreamTarget: Hashable {
    /// A workload of this node, or a service outside the mesh.
    case plain
    /// Another node: with whose certificate, for which service, and whose certificates are good for it.
    case mesh(source: SPIFFEID, service: ResourceName, serverName: String, acceptable: Set<SPIFFEID>)
}

/// One worker's connections to one endpoint. It alone knows how calls share them: over HTTP/1.1, one at a time.
final class UpstreamPool {
    let address: NetworkAddress
    let target: UpstreamTarget
    private unowned let worker: Worker
    private var idle: [HTTP1ClientConnection] = []
    private(set) var connectionCount = 0

    init(address: NetworkAddress, target: UpstreamTarget, worker: Worker) {
        self.address = address
        self.target = target
        self.worker = worker
    }

    /// Sends a call's head on a connection that is up, or is being made.
    /// - Parameter fresh: Not on one that has idled: too many of those turned out dead.
    func open(_ exchange: Exchange, fresh: Bool) {
        if !fresh, let connection = idle.popLast() { return connection.begin(exchange) }
        do {
            let connection = try connect()
            connection.begin(exchange)
        } catch {
            exchange.upstreamFailed(.notConnected)
        }
    }

    private func connect() throws -> HTTP1ClientConnection {
        let socket = try Socket.connecting(to: address)
        let transport: Transport
        switch target {
        case .plain: transport = Transport(socket)
        case .mesh(let source, _, let serverName, let acceptable):
            let session = try worker.identities.clientSession(
                as: source, over: socket.descriptor, serverName: serverName, acceptable: acceptable)
            transport = Transport(socket, session: session)
        }
        let connection = HTTP1ClientConnection(worker: worker, pool: self, transport: transport)
        try connection.start()
        connectionCount += 1
        return connection
    }

    /// A connection whose call is over; the latest to come is the first to go, so that the others can age.
    func give(_ connection: HTTP1ClientConnection) {
        guard idle.count < worker.view.idleUpstreamConnections else { return connection.close() }
        idle.append(connection)
    }

    func forget(_ connection: HTTP1ClientConnection) {
        connectionCount -= 1
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    func closeIdle() {
        while let connection = idle.popLast() { connection.close() }
    }
}
