import CallOutcomes
import CommonValues
import Cryptography
import EventLoops
import Manifests
import SPIFFE
import SystemInterfaces
import TransportSecurity
import WireProtocols

/// What is at the other end of a pool's connections.
enum UpstreamTarget: Hashable {
    /// A workload of this node, or a service outside the mesh.
    case plain(UpstreamProtocol)
    /// Another node: with whose certificate, for which service, and whose certificates are good for it.
    case mesh(source: SPIFFEID, service: ResourceName, serverName: String, acceptable: Set<SPIFFEID>)
}

/// What a workload speaks. Between nodes it is always HTTP/2.
enum UpstreamProtocol: Hashable {
    case http1
    /// With prior knowledge.
    case http2
    /// Bytes.
    case tcp

    init(_ protocol: ServiceProtocol) {
        self =
            switch `protocol` {
            case .http: .http1
            case .http2, .grpc: .http2
            case .tcp: .tcp
            }
    }
}

/// A connection that a pool makes, whatever it speaks.
protocol PooledConnection: StreamConnection {
    /// Begins to connect. It belongs to the pool from then on.
    func connect() throws(SystemCallError)
}

extension PooledConnection {
    func connect() throws(SystemCallError) { try start() }
}

/// One worker's connections to one endpoint. It alone knows how calls share them: over HTTP/1.1, one at a time; over
/// HTTP/2, as many as the other side takes on one connection, then on the next.
final class UpstreamPool: EndpointPool, TCPConnectionOwner, HTTP1ConnectionOwner, HTTP2ConnectionOwner {
    let address: NetworkAddress
    let target: UpstreamTarget
    private let bench: Workbench
    private unowned let rooms: any RoomKeeper
    private var idle: [HTTP1ClientConnection] = []
    private var multiplexed: [HTTP2ClientConnection] = []
    /// Those that take no more calls and still have some.
    private var draining: [HTTP2ClientConnection] = []
    private(set) var connectionCount = 0 {
        didSet { bench.descriptors.change(.endpoint, by: connectionCount - oldValue) }
    }
    /// When it was last told that the endpoint had ended a connection with an alert, in the loop's milliseconds.
    private var alertToldAt: DeadlineWheel.Time?
    /// Streams that the endpoint takes on a connection, as it said last; `nil`: it never has.
    private var knownStreamLimit: Int?
    /// `nil`: it was connected to when that was last tried, or never.
    private(set) var outage: Outage?
    private var lastReached: UnixTime?
    private let speaks: UpstreamProtocol
    let isNode: Bool

    /// Calls that a connection to an endpoint of which nothing is known is given, one to be sent and the others to wait.
    private static let unknownStreamLimit = 100

    /// What a CONNECT names: the service; its port means nothing here. Whoever receives it goes by SNI alone.
    let authority: [UInt8]

    init(address: NetworkAddress, target: UpstreamTarget, bench: Workbench, rooms: any RoomKeeper) {
        if case .mesh(_, _, let serverName, _) = target {
            authority = Array("\(serverName):1".utf8)
        } else {
            authority = []
        }

        self.address = address
        self.target = target
        self.bench = bench
        self.rooms = rooms
        if case .plain(let plain) = target { speaks = plain } else { speaks = .http2 }
        if case .mesh = target { isNode = true } else { isNode = false }
    }

    /// Sends a call's head on a connection that is up, or is being made.
    /// - Parameter fresh: Not on one that has idled: too many of those turned out dead.
    func open(_ call: any Call, fresh: Bool) {
        switch speaks {
        case .http1:
            while !fresh, let connection = idle.popLast() {
                if connection.isFit(for: call) { return connection.begin(call) }
            }
            newConnection(for: call, HTTP1ClientConnection.init)?.begin(call)
        case .http2:
            // It would end the connection for the calls beside it, too.
            guard HTTP2Session.canCarry(call.request) else { return call.fail(.overloaded, status: 431) }
            (shared ?? newConnection(for: call, HTTP2ClientConnection.init))?.begin(call)
        case .tcp: newConnection(for: call, TCPClientConnection.init)?.begin(call)
        }
    }

    /// Finds another connection for a call that waited for one which takes fewer than it was given.
    func place(_ stream: HTTP2ClientStream, of call: any Call) {
        let connection =
            shared
            ?? newConnection(for: call, HTTP2ClientConnection.init, orElse: { stream.giveUpWaiting(.notConnected) })
        connection?.take(stream, of: call)
    }

    /// One that takes another call.
    private var shared: HTTP2ClientConnection? {
        for connection in multiplexed where connection.hasRoom { return connection }
        return nil
    }

    /// The endpoint has ended a connection with an alert, as it may again and again.
    /// - Returns: Whether it is told: once a minute.
    private func tellsAlert(at now: DeadlineWheel.Time) -> Bool {
        if let alertToldAt, now < alertToldAt + Self.alertMilliseconds { return false }
        alertToldAt = now
        return true
    }

    private static let alertMilliseconds: UInt64 = 60_000

    /// Of another node's: the service that the connections are for.
    private var serviceName: String { if case .mesh(_, let service, _, _) = target { "\(service)" } else { "" } }

    // MARK: New connections

    /// Makes a connection, whatever it speaks, that belongs to a pool.
    private typealias Maker<Connection> = (Workbench, UpstreamPool, consuming Transport) -> Connection

    /// - Parameter giveUp: Tells the call that there is none to be had for it.
    /// - Returns: `nil` if there is none, and the call knows, or is over.
    private func newConnection<Connection: PooledConnection>(
        for call: any Call, _ make: Maker<Connection>, orElse giveUp: () -> Void
    ) -> Connection? {
        let (life, listener) = (call.life, call.listener)
        do {
            return try connect(for: call, make)
        } catch {
            let isLackOfRoom = isLackOfRoom(error, at: listener)
            // Making room may have ended it: nothing more may be done in its name.
            guard call.life == life, !call.isOver else { return nil }
            guard isLackOfRoom else {
                failed((error as? SystemCallError).map { .system(errno: $0.errno) } ?? .noIdentity)
                giveUp()
                return nil
            }
            rooms.callFoundNoRoom(at: listener, endpoint: address)
            call.fail(.overloaded, status: 503)
            return nil
        }
    }

    private func newConnection<Connection: PooledConnection>(
        for call: any Call, _ make: Maker<Connection>
    ) -> Connection? {
        newConnection(for: call, make) { call.upstreamFailed(.notConnected) }
    }

    /// - Parameter call: The call that it is for; `nil`: it is for none yet.
    private func connect<Connection: PooledConnection>(
        for call: (any Call)?, _ make: Maker<Connection>
    ) throws -> Connection {
        let connection = make(bench, self, try transport(for: call))
        try connection.connect()
        connectionCount += 1
        return connection
    }

    /// A connection that calls are given to, whoever gives them.
    func shares(_ connection: HTTP2ClientConnection) { multiplexed.append(connection) }

    // MARK: What is known of the endpoint

    /// Streams that are begun on a connection which has not said how many it takes (RFC 9113 § 6.5.2).
    var firstFlight: Int { knownStreamLimit ?? 1 }
    /// Calls that such a connection is given.
    var firstCalls: Int { knownStreamLimit ?? Self.unknownStreamLimit }

    func learned(streamLimit: Int) { knownStreamLimit = max(streamLimit, 1) }

    /// A connection came up, with all that belongs to it.
    func reached() {
        outage = nil
        lastReached = .now
    }

    /// One did not.
    func failed(_ failure: ConnectFailure) {
        bench.counters.upstreamConnectFailures[failure, default: 0] += 1
        let now = UnixTime.now
        if outage == nil { outage = Outage(failure, at: now) } else { outage?.goesOn(failure, at: now) }
    }

    /// What answered is not whom the connection is for, or did not say.
    func handshakeFailed(_ failure: TLSFailure) {
        bench.counters.upstreamHandshakeFailures[failure.reason, default: 0] += 1
        failed(.handshake(reason: failure.reason))
        bench.events.post(
            .upstreamHandshakeFailed(endpoint: "\(address)", service: serviceName, reason: failure.reason))
    }

    /// Another node has ended a connection that was good, and said why: its calls fail as of an endpoint that breaks off.
    func connectionRefused(_ alert: TLSAlert) {
        let reason = TLSFailure.alertReceived(alert).reason
        bench.counters.upstreamAlerts[reason, default: 0] += 1
        guard tellsAlert(at: bench.loop.now) else { return }
        bench.events.post(.upstreamConnectionRefused(endpoint: "\(address)", service: serviceName, reason: reason))
    }

    /// Adds what is known of another node.
    func note(in reachability: inout Reachability) {
        guard isNode else { return }
        let isReached = multiplexed.contains(where: \.hasSettings)
        reachability.note(address, reached: isReached ? .now : lastReached, outage)
    }

    /// With a silence on its connections.
    var patience: Keepalive.Patience {
        isNode
            ? .ofNodes
            : .ofEndpoints(silence: bench.timeouts.keepalive, delivery: bench.timeouts.stream)
    }

    /// There is no descriptor to be had: not the endpoint's fault, and another would fare no better.
    private struct NoDescriptor: Error {}

    private func isLackOfRoom(_ error: any Error, at listener: Listener) -> Bool {
        let isOut = (error as? SystemCallError)?.isOutOfDescriptors ?? false
        if isOut { rooms.descriptorsRanOut(at: listener) }
        return isOut || error is NoDescriptor
    }

    /// - Parameter call: The call that it is for. Others may end to make room for it, and so may it itself.
    private func transport(for call: (any Call)?) throws -> Transport {
        let life = call?.life
        let hasRoom = rooms.hasRoom(for: .endpoint, at: call?.listener)
        guard hasRoom, call?.life == life, !(call?.isOver ?? false) else { throw NoDescriptor() }
        let socket = try Socket.connecting(to: address)
        switch target {
        case .plain:
            if speaks == .http2 { socket.probeSilentHost(after: 10, every: 5, times: 3) }
            return Transport(socket)
        case .mesh(let source, _, let serverName, let acceptable):
            let session = try bench.identities.clientSession(
                as: source, over: socket.descriptor, serverName: serverName, acceptable: acceptable)
            return Transport(socket, session: session)
        }
    }

    /// What proves to other nodes whose calls they are.
    var certificate: Certificate? {
        guard case .mesh(let source, _, _, _) = target else { return nil }
        return bench.identities.svids[source]?.credentials.leaf
    }

    /// A connection whose call is over; the latest to come is the first to go, so that the others can age.
    func give(_ connection: HTTP1ClientConnection) {
        guard idle.count < bench.settings.idleUpstreamConnections else { return connection.close() }
        idle.append(connection)
    }

    func forget(_ connection: HTTP1ClientConnection) {
        connectionCount -= 1
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    func forget(_ connection: TCPClientConnection) { connectionCount -= 1 }

    /// Takes no more calls; those under way go on.
    func drains(_ connection: HTTP2ClientConnection) {
        guard let index = multiplexed.firstIndex(where: { $0 === connection }) else { return }
        multiplexed.remove(at: index)
        if !connection.streams.isEmpty { draining.append(connection) }
    }

    func forget(_ connection: HTTP2ClientConnection) {
        connectionCount -= 1
        multiplexed.removeAll { $0 === connection }
        draining.removeAll { $0 === connection }
    }

    /// Has both sides prove once more who they are, for the calls on connections whose certificates end: on one that has no
    /// call yet. One that takes calls has done so.
    func prove() {
        guard case .mesh = target, multiplexed.isEmpty else { return }
        _ = try? connect(for: nil, HTTP2ClientConnection.init)
    }

    /// The certificates changed: new calls go out under the new one.
    func certificatesChanged() {
        let current = certificate
        for connection in multiplexed where connection.certificate !== current { connection.drain() }
        // The other side has only the old one of those whose calls go on.
        if draining.contains(where: { !$0.streams.isEmpty }) { prove() }
    }

    /// Since when the connection idles that has done so for longest; `nil`: none does.
    var idleSince: DeadlineWheel.Time? {
        let kept = idle.first?.idleSince
        let shared = idleShared?.idleSince
        return [kept, shared].compactMap(\.self).min()
    }

    private var idleShared: HTTP2ClientConnection? { multiplexed.first { $0.isConnected && $0.streams.isEmpty } }

    /// Closes that one: others need the descriptor.
    func giveWay() {
        if let connection = idle.first { connection.giveWay() } else { idleShared?.giveWay() }
    }

    /// Nobody will ask for the pool again.
    func closeIdle() {
        while let connection = idle.popLast() { connection.close() }
        for connection in multiplexed { connection.drain() }
    }
}
