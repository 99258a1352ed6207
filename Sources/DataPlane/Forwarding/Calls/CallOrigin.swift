import Authorization
import CallPlanning
import CommonValues
import EventLoops
import SPIFFE

/// Where the calls of one connection come from: its listener, and what is known of its peer.
final class CallOrigin {
    /// The place the connection was accepted at; its view changes with the generation.
    let listener: Listener
    let peer: NetworkAddress
    let source: CallSource
    /// What the TLS handshake named, in canonical form: inbound a service, on a Gateway a host.
    let serverName: String
    /// What the rules are told of the connection; the same memory for each of its calls.
    private(set) var facts: CallFacts
    /// The connection's end here, as long as it is open.
    private let descriptor: CInt
    private var process: CallerProcess?

    init(listener: Listener, peer: NetworkAddress, descriptor: CInt, caller: Caller? = nil, serverName: String? = nil) {
        self.listener = listener
        self.descriptor = descriptor
        self.peer = peer
        self.serverName = serverName ?? ""
        source = CallSource(
            peer: peer.ip, serverName: Array(self.serverName.utf8), verified: caller,
            listenerPort: listener.address.port)
        facts = CallFacts(caller: nil, peerAddress: peer.ip, serverNameIndication: source.serverName)
    }

    /// - Parameters:
    ///   - caller: May be another than the last call's: each generation has its own.
    ///   - destination: `nil`: none yet.
    ///   - callProtocol: As the call's service declares it.
    func setFacts(
        caller: Caller?, client: ClientAddress, destination: NetworkAddress?, callProtocol: CallProtocol
    ) {
        if facts.caller !== caller {
            facts = CallFacts(caller: caller, peerAddress: peer.ip, serverNameIndication: source.serverName)
        }
        facts.remoteAddress = if case .reported(let address) = client { address } else { peer.ip }
        facts.isRemoteAddressUnreadable = client.isUnreadable
        facts.destinationAddress = destination?.ip ?? .unspecified
        facts.destinationPort = destination?.port ?? 0
        facts.callProtocol = callProtocol
    }

    /// The process at the other end; only where the other end is on this host.
    func process(_ bench: Workbench) -> CallerProcess {
        if let process { return process }
        let new = CallerProcess(bench: bench, source: source, listener: listener, peer: peer, descriptor: descriptor)
        process = new
        return new
    }

    /// A connection that has just come, where it matters whose it is.
    func lookAtProcess(_ bench: Workbench) {
        if role.admission != nil { process(bench).look() }
    }

    /// What its listener is in the generation at hand.
    var role: ListenerRole { listener.view.role }
    /// Its listener is gone, and no generation has it any more.
    var isStopped: Bool { listener.isStopped }
    /// The other side is a node.
    var isInbound: Bool { role.isForNodes }
    /// Its calls are for workloads of this node.
    var endsHere: Bool { role.endsHere }
    /// Only callers of this mesh are told why a call failed.
    var tellsReason: Bool { role.tellsReason }
}
