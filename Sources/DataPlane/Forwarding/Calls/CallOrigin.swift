import Authorization
import CommonValues
import EventLoops
import SPIFFE

/// Where the calls of one connection come from: its listener, and what is known of its peer.
final class CallOrigin {
    /// The place the connection was accepted at; its view changes with the generation.
    let listener: Listener
    let peer: NetworkAddress
    /// The peer's address as `x-forwarded-for` has it; empty over a Unix socket.
    let peerText: [UInt8]
    /// What the TLS handshake named, in canonical form: inbound a service, on a Gateway a host.
    let serverName: String
    let serverNameBytes: [UInt8]
    /// Of which of its worker's views it is: one generation may be served with other endpoints than before.
    private var target: (viewNumber: UInt64, service: ServiceView?)?
    /// What the rules are told of the connection; the same memory for each of its calls.
    private(set) var facts: CallFacts
    /// The peer's own identity: a verified certificate's, inbound.
    private let verifiedCaller: Caller?

    init(listener: Listener, peer: NetworkAddress, caller: Caller? = nil, serverName: String? = nil) {
        self.listener = listener
        self.peer = peer
        if case .ip(let address, _) = peer { peerText = Array(address.description.utf8) } else { peerText = [] }
        verifiedCaller = caller
        self.serverName = serverName ?? ""
        serverNameBytes = Array(self.serverName.utf8)
        facts = CallFacts(caller: nil, peerAddress: peer.ip, serverNameIndication: serverNameBytes)
    }

    /// - Parameters:
    ///   - caller: May be another than the last call's: each generation has its own.
    ///   - destination: `nil`: none yet.
    ///   - callProtocol: As the call's service declares it.
    func setFacts(
        caller: Caller?, client: ClientAddress, destination: NetworkAddress?, callProtocol: CallProtocol
    ) {
        if facts.caller !== caller {
            facts = CallFacts(
                caller: caller, peerAddress: peer.ip, serverNameIndication: serverNameBytes)
        }
        facts.remoteAddress = if case .reported(let address) = client { address } else { peer.ip }
        facts.isRemoteAddressUnreadable = client == .unreadable
        facts.destinationAddress = destination?.ip ?? .unspecified
        facts.destinationPort = destination?.port ?? 0
        facts.callProtocol = callProtocol
    }

    /// The service that SNI named: it alone, never Host, says what an inbound call is for.
    func targetService(on worker: Worker) -> ServiceView? {
        if let target, target.viewNumber == worker.viewNumber { return target.service }
        let service = worker.view.service(serverName: serverName)
        target = (worker.viewNumber, service)
        return service
    }

    /// What its listener is in the generation at hand.
    var role: ListenerView.Role { listener.view.role }
    /// Its listener is gone, and no generation has it any more.
    var isStopped: Bool { listener.isStopped }
    var isInbound: Bool { role.isForNodes }

    /// Only callers of this mesh are told why a call failed.
    var tellsReason: Bool {
        switch role {
        case .outbound, .inbound, .tcp: true
        case .gateway: false
        }
    }

    /// Whose identity a call that begins now carries.
    func caller(gatewayListener: Int) -> Caller? {
        switch role {
        case .outbound(let outbound): outbound.caller
        case .inbound: verifiedCaller
        case .tcp(let listener): listener.callers.first
        case .gateway(let gateway): gatewayListener < 0 ? nil : gateway.listeners[gatewayListener].caller
        }
    }
}
