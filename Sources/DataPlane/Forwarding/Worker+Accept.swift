import CallOutcomes
import CallPlanning
import EventLoops
import Telemetry
import TransportSecurity

extension Worker {
    /// A connection has come in.
    func accept(_ accepted: consuming AcceptedSocket, at listener: Listener) {
        counters.accepted += 1
        let peer = accepted.peer
        let socket = accepted.takeSocket()
        do {
            let transport: Transport
            if listener.view.role.isSecure {
                // Without a certificate there is nothing to answer with, not even a refusal.
                guard let context = identities.serverContext(for: listener.view) else {
                    counters.handshakes["no-own-certificate", default: 0] += 1
                    return
                }
                let session = try TLSSession(accepting: context, descriptor: socket.descriptor)
                transport = Transport(socket, session: session)
            } else {
                transport = Transport(socket)
            }
            if case .tcp = listener.view.role {
                try begin(TCPServerConnection(worker: self, listener: listener, peer: peer, transport: transport))
            } else {
                try begin(HTTP1ServerConnection(worker: self, listener: listener, peer: peer, transport: transport))
            }
        } catch {
            counters.pauses += 1
        }
    }

    private func begin(_ connection: any ServerConnection) throws {
        try connection.start()
        connection.setDeadline(after: timeouts.handshake)
        connectionOpened(connection)
    }

    func handshakeFailed(_ failure: TLSFailure, listener: Listener, peer: NetworkAddress) {
        counters.handshakes[failure.reason, default: 0] += 1
        events.post(.handshakeRefused(listener: listener.view.label, peer: "\(peer)", failure: failure))
    }

    func upstreamHandshakeFailed(_ failure: TLSFailure, pool: UpstreamPool) {
        counters.upstreamHandshakeFailures[failure.reason, default: 0] += 1
        pool.failed(.handshake(reason: failure.reason))
        events.post(
            .upstreamHandshakeFailed(
                endpoint: "\(pool.address)", service: pool.serviceName, reason: failure.reason))
    }

    /// Another node has ended a connection that was good, and said why: its calls fail as of an endpoint that breaks off.
    func connectionRefused(_ alert: TLSAlert, pool: UpstreamPool) {
        let reason = TLSFailure.alertReceived(alert).reason
        counters.upstreamAlerts[reason, default: 0] += 1
        guard pool.tellsAlert(at: loop.now) else { return }
        events.post(
            .upstreamConnectionRefused(endpoint: "\(pool.address)", service: pool.serviceName, reason: reason))
    }

    /// A request that was none. It took as long as the turn that it is refused in, so far.
    /// - Parameter requestID: What it was answered with; `nil`: it had no answer.
    func refused(
        status: UInt16, reason: FailureReason, detail: StaticString, requestID: RequestID.Text? = nil,
        listener: Listener, peer: NetworkAddress
    ) {
        let microseconds = EventLoop.microseconds() - loop.nowMicroseconds
        counters.refused[status, default: 0] += 1
        metrics.record(
            RequestMetrics.Key(service: LabelRegistry.none, route: LabelRegistry.none, status: status, reason: reason),
            microseconds: microseconds)
        accessLog.recordRefusal(
            status: status, reason: reason, detail: detail, microseconds: microseconds, requestID: requestID,
            listener: listener, peer: peer, view: view)
    }
}
