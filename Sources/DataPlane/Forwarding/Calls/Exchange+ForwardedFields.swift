import EventLoops
import HTTPSemantics

/// What the workload is told of the way a call took: `x-forwarded-*`, `x-request-id`.
extension Exchange {
    /// Between nodes nothing is added: the caller's node has, and the peer is a node of this mesh.
    func setForwardedFields() {
        switch origin.role {
        case .tcp: break
        // What it has is another host's word, and is kept here, too.
        case .inbound: if request.hasField(.requestID) { identify() }
        case .outbound: setForwardedFields(trusted: true)
        case .gateway(let gateway):
            let listener = gateway.listeners[gatewayListener]
            let trusted = listener.trusts(origin.peer.ip)
            client = trusted ? ClientAddress(forwardedTo: request) { listener.trusts($0) } : .peer
            if client == .unreadable { worker.counters.unreadableClientAddresses += 1 }
            setForwardedFields(trusted: trusted)
        }
    }

    /// - Parameter trusted: What the peer says of those before it is kept; else it is replaced.
    private func setForwardedFields(trusted: Bool) {
        if !trusted { request.removeOriginFields() }
        let peer = origin.peerText
        if !peer.isEmpty { request.appendToList(.forwardedFor, peer.span) }
        if !request.hasField(.forwardedHost) { request.copyHost(to: .forwardedHost) }
        if !request.hasField(.forwardedProto) { request.setField(.forwardedProto, to: request.scheme.bytes) }
        identify()
    }

    /// From here on the call can be found again: by its workload, in the log, among the decisions, and by its caller where
    /// the answer is ours.
    func identify() {
        if let id = request.onlyValue(of: .requestID), RequestID.isUsable(request.bytes(id)) { return }
        let id = RequestID.random(using: &worker.random)
        request.setField(.requestID, to: id.span)
    }
}
