import EventLoops
import HTTPSemantics
import TransportSecurity
import WireProtocols

/// A connection to an endpoint that speaks HTTP/2: another node, or a workload with prior knowledge. Many calls at a time.
final class HTTP2ClientConnection: HTTP2Connection {
    private let pool: UpstreamPool
    /// Whose calls it carries was proved with it.
    let certificate: Certificate?
    private(set) var isConnected = false
    /// What answered is not whom the calls are for.
    private(set) var hasFailedHandshake = false
    /// The other side has said how many streams it takes.
    private var hasSettings = false
    /// Streams that waited for that to be said, at most.
    private var waitingCount = 0
    /// It has answered a call.
    var hasServed = false
    private let connectDeadline: DeadlineWheel.Time

    init(worker: Worker, pool: UpstreamPool, transport: consuming Transport, certificate: Certificate?) {
        self.pool = pool
        self.certificate = certificate
        connectDeadline = worker.loop.now + worker.timeouts.connect
        let limits = if case .mesh = pool.target { worker.http2Limits.betweenNodes } else { worker.http2Limits }
        super.init(worker: worker, transport: transport, role: .client, limits: limits)
    }

    func connect() throws {
        try start()
        setDeadline(connectDeadline)
    }

    /// Another call fits.
    var hasRoom: Bool {
        guard !isDraining, !isClosed, state != .finishing, state != .lingering, session.canOpenStream else {
            return false
        }
        return hasSettings || streams.count < pool.streamLimit
    }

    override func receivedSettings() {
        hasSettings = true
        pool.streamLimit = max(session.peerStreamLimit, 1)
        guard waitingCount > 0 else { return }
        waitingCount = 0
        // One that fails leaves its place to the last of the list.
        for index in streams.indices.reversed() where index < streams.count {
            let stream = unsafe unsafeDowncast(streams[index], to: HTTP2ClientStream.self)
            if stream.isWaiting { stream.settingsCame() }
        }
    }

    /// Whether the other side takes WebSockets; `nil`: it has not said. A node always does.
    private var takesWebSockets: Bool? {
        guard case .plain = pool.target else { return true }
        return hasSettings ? session.peerAllowsExtendedConnect : nil
    }

    /// Sends the head of a call; its body follows.
    /// - Returns: `false` if the connection takes no more.
    func begin(_ exchange: Exchange) -> Bool {
        if exchange.tunnel == .webSocket, takesWebSockets != true { return beginWebSocket(exchange) }
        let stream = worker.takeClientStream()
        guard submit(exchange, on: stream) else {
            worker.giveBack(stream)
            return false
        }
        stream.begin(on: self, exchange)
        stream.start(exchange)
        requestOutput()
        return true
    }

    /// One that may not be asked for, or not yet: only who has said so takes `:protocol` (RFC 8441 § 3).
    private func beginWebSocket(_ exchange: Exchange) -> Bool {
        guard takesWebSockets == nil else {
            exchange.upstreamFailed(.unsupportedUpgrade)
            return true
        }
        let stream = worker.takeClientStream()
        stream.begin(on: self, exchange)
        stream.start(exchange, waits: true)
        waitingCount += 1
        return true
    }

    /// Sends the head that waited to hear whether it may be.
    /// - Returns: Why it may not; `nil`: it is sent.
    func submitWaiting(_ exchange: Exchange, on stream: HTTP2ClientStream) -> UpstreamFailure? {
        guard takesWebSockets == true else { return .unsupportedUpgrade }
        guard submit(exchange, on: stream) else { return .notSent }
        requestOutput()
        return nil
    }

    private func submit(_ exchange: Exchange, on stream: HTTP2ClientStream) -> Bool {
        if exchange.tunnel == .connection { return session.submitTunnel(to: pool.authority, on: stream) }
        return session.submitRequest(exchange.request, on: stream, endsStream: exchange.requestBody == .none)
    }

    // MARK: Life

    override func opened() {
        guard !isSecure || applicationProtocol == "h2" else { return refuse() }
        isConnected = true
        worker.counters.upstreamConnects += 1
        updateDeadline()
        requestOutput()
    }

    /// Whoever answers there is no node of this mesh.
    private func refuse() {
        hasFailedHandshake = true
        worker.counters.upstreamHandshakeFailures["no-h2", default: 0] += 1
        close()
    }

    override func handshakeFailed(_ failure: TLSFailure) {
        switch failure {
        // A node that is starting or ending, or what stands before it: nothing was said about who it is.
        case .connectionLost: break
        case .peerRejected, .unknownServerName, .alertReceived, .library: hasFailedHandshake = true
        }
        worker.upstreamHandshakeFailed(failure, pool: pool)
    }

    override func closed() {
        // Out of the pool first: what is tried again must not come back here.
        pool.forget(self)
        super.closed()
    }

    override var idleMilliseconds: UInt64 { worker.timeouts.upstreamIdle }

    override var headMilliseconds: UInt64 { worker.timeouts.response }

    override func becameIdle() {
        if isDraining { endGracefully() }
    }

    override func receivedGoAway() { drain() }

    /// Takes no more calls; ends with its last one. Nothing of the other side's is on its way: one step is enough.
    override func drain() {
        guard beginDraining() else { return }
        pool.drains(self)
        if streams.isEmpty { endGracefully() }
    }

    private func endGracefully() {
        guard isOpen else { return close() }
        session.goAway(.noError)
        requestOutput()
        finish()
    }
}
