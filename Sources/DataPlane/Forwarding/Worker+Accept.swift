import CallOutcomes
import CallPlanning
import EventLoops
import Manifests
import Telemetry
import TransportSecurity

extension Worker: AcceptorOwner, CallerHost {
    /// A connection has come in.
    func accept(_ accepted: consuming AcceptedSocket, at listener: Listener) {
        bench.counters.accepted += 1
        let peer = accepted.peer
        let socket = accepted.takeSocket()
        do {
            let transport: Transport
            if listener.view.role.isSecure {
                guard let context = bench.identities.serverContext(for: listener.view) else {
                    return handshakeFailed(.noOwnCertificate, listener: listener, peer: peer)
                }
                let session = try TLSSession(accepting: context, descriptor: socket.descriptor)
                transport = Transport(socket, session: session)
            } else {
                transport = Transport(socket)
            }
            switch listener.view.role.firstProtocol {
            case .http:
                try begin(
                    HTTP1ServerConnection(
                        bench: bench, host: self, listener: listener, peer: peer, transport: transport))
            case .bytes, .clientHello:
                try begin(
                    TCPServerConnection(bench: bench, host: self, listener: listener, peer: peer, transport: transport))
            }
        } catch {
            bench.counters.pauses += 1
        }
    }

    private func begin(_ connection: any ServerConnection) throws {
        try connection.start()
        connection.setDeadline(after: bench.timeouts.handshake)
        connectionOpened(connection)
    }

    func handshakeFailed(_ failure: TLSFailure, listener: Listener, peer: NetworkAddress) {
        bench.counters.handshakes[failure.reason, default: 0] += 1
        bench.events.post(.handshakeRefused(listener: listener.view.label, peer: "\(peer)", failure: failure))
    }

    /// A request that was none. It took as long as the turn that it is refused in, so far.
    /// - Parameter requestID: What it was answered with; `nil`: it had no answer.
    func refused(
        status: UInt16, reason: FailureReason, detail: StaticString, requestID: RequestID.Text?,
        listener: Listener, peer: NetworkAddress
    ) {
        let microseconds = EventLoop.microseconds() - loop.nowMicroseconds
        bench.counters.refused[status, default: 0] += 1
        bench.metrics.record(
            RequestMetrics.Key(service: LabelRegistry.none, route: LabelRegistry.none, status: status, reason: reason),
            microseconds: microseconds)
        guard view.accessLog != .none else { return }
        board.accessLog.recordRefusal(
            status: status, reason: reason, detail: detail, microseconds: microseconds, requestID: requestID,
            listener: listener, peer: peer)
    }
}
