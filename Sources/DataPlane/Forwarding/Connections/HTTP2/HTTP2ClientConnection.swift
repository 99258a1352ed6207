import Cryptography
import EventLoops
import HTTPSemantics
import SystemInterfaces
import TransportSecurity
import WireProtocols

/// A connection to an endpoint that speaks HTTP/2: another node, or a workload with prior knowledge. Many calls at a time.
final class HTTP2ClientConnection: HTTP2Connection, PooledConnection {
    private let pool: any HTTP2ConnectionOwner
    /// Whose calls it carries was proved with it.
    let certificate: Certificate?
    private(set) var isConnected = false
    /// What answered is not whom the calls are for.
    private(set) var hasFailedHandshake = false
    /// The other side has said what it takes.
    private(set) var hasSettings = false
    /// It has not, in the time that a connection may take to come up.
    private var isLate = false
    /// Calls that wait for the connection, or for that to be said, at most.
    private var waitingCount = 0
    /// It has answered a call.
    var hasServed = false
    /// By when it must be up, and what it takes known.
    private let connectDeadline: DeadlineWheel.Time

    init(bench: Workbench, pool: any HTTP2ConnectionOwner, transport: consuming Transport) {
        self.pool = pool
        certificate = pool.certificate
        connectDeadline = bench.loop.now + bench.timeouts.connect
        let limits = pool.isNode ? bench.http2Limits.betweenNodes : bench.http2Limits
        super.init(bench: bench, transport: transport, role: .client, limits: limits)
        session.isWithNode = pool.isNode
    }

    func connect() throws(SystemCallError) {
        try start()
        setDeadline(connectDeadline)
        pool.shares(self)
    }

    /// Another call fits.
    var hasRoom: Bool {
        guard !isDraining, !isClosed, state != .finishing, state != .lingering, session.canOpenStream else {
            return false
        }
        return hasSettings || streams.count < pool.firstCalls
    }

    override func receivedSettings() {
        hasSettings = true
        pool.reached()
        pool.learned(streamLimit: session.peerStreamLimit)
        submitWaiting()
        // It takes none, and would be kept in vain.
        if session.peerStreamLimit == 0 { drain() }
    }

    /// Sends the heads that may be sent now, in the order in which they came. Once it is known how many are taken, none is left
    /// waiting here.
    private func submitWaiting() {
        guard waitingCount > 0 else { return }
        waitingCount = 0
        // One that leaves has its place taken by the last of the list.
        for stream in streams {
            let stream = unsafe unsafeDowncast(stream, to: HTTP2ClientStream.self)
            guard isOpen, stream.connection === self, stream.isWaiting, let call = stream.call else { continue }
            if mustWait(call) {
                waitingCount += 1
            } else if session.canOpenStream || session.peerStreamLimit == 0 || !takes(call) {
                stream.submitWaiting(call, on: self)
            } else {
                pool.place(stream, of: call)
            }
        }
    }

    /// What was wrong with what the other side said on it; `nil`: nothing was.
    var fault: StaticString? {
        guard let violation = session.violation else { return nil }
        return hasSettings ? violation.name : "not-http2"
    }

    override var settingsAwaitedUntil: DeadlineWheel.Time? { hasSettings || isLate ? nil : connectDeadline }

    /// Nothing can be sent that waits, and nothing more will be asked of whoever is so busy. What it has it may still answer.
    override func settingsMissing() {
        isLate = true
        pool.failed(.late)
        drain()
        for stream in streams {
            let stream = unsafe unsafeDowncast(stream, to: HTTP2ClientStream.self)
            if stream.connection === self, stream.isWaiting { stream.giveUpWaiting(.notConnected) }
        }
    }

    /// Whether the other side takes WebSockets; `nil`: it has not said. A node always does.
    private var takesWebSockets: Bool? {
        guard !pool.isNode else { return true }
        return hasSettings ? session.peerAllowsExtendedConnect : nil
    }

    /// What would be given up before the connection is up must not be sent all the same; nor what is more than the other side may
    /// take; and only who has said so takes `:protocol` (RFC 8441 § 3).
    private func mustWait(_ call: any Call) -> Bool {
        guard !hasSettings else { return false }
        return !isConnected || session.openStreamCount >= pool.firstFlight
            || (call.tunnel == .webSocket && takesWebSockets == nil)
    }

    /// Sends the head of a call, as soon as it may be sent; its body follows. There is room for it.
    func begin(_ call: any Call) {
        let stream = HTTP2ClientStream.take(from: bench)
        if mustWait(call) {
            stream.begin(on: self, call)
            stream.start(call, waits: true)
            waitingCount += 1
            return
        }
        guard takes(call), submit(call, on: stream) else {
            stream.giveBack()
            return call.upstreamFailed(takes(call) ? .notSent : .unsupportedUpgrade)
        }
        stream.begin(on: self, call)
        stream.start(call)
        requestOutput()
    }

    /// The same for a call that has waited on another connection.
    func take(_ stream: HTTP2ClientStream, of call: any Call) {
        stream.move(to: self)
        if mustWait(call) { waitingCount += 1 } else { stream.submitWaiting(call, on: self) }
    }

    private func takes(_ call: any Call) -> Bool { call.tunnel != .webSocket || takesWebSockets == true }

    /// Sends the head that waited to be sent.
    /// - Returns: Why it cannot be; `nil`: it is.
    func submitWaiting(_ call: any Call, on stream: HTTP2ClientStream) -> UpstreamFailure? {
        guard takes(call) else { return .unsupportedUpgrade }
        guard submit(call, on: stream) else { return .notSent }
        requestOutput()
        return nil
    }

    private func submit(_ call: any Call, on stream: HTTP2ClientStream) -> Bool {
        stream.isAheadOfSettings = !hasSettings
        if call.tunnel == .connection {
            return session.submitTunnel(to: pool.authority, call.request, on: stream)
        }
        return session.submitRequest(call.request, on: stream, endsStream: call.requestBody.isNone)
    }

    // MARK: Life

    override func opened() {
        guard !isSecure || applicationProtocol == "h2" else { return refuse() }
        isConnected = true
        bench.counters.upstreamConnects += 1
        beginTerm(with: pool.address)
        updateDeadline()
        submitWaiting()
        requestOutput()
    }

    /// Whoever answers there is no node of this mesh.
    private func refuse() {
        hasFailedHandshake = true
        bench.counters.upstreamHandshakeFailures["no-h2", default: 0] += 1
        pool.failed(.handshake(reason: "no-h2"))
        close()
    }

    override func connectFailed(errno: CInt) { pool.failed(.system(errno: errno)) }

    override func deadlinePassed() {
        if !isOpen { pool.failed(.late) }
        super.deadlinePassed()
    }

    override func handshakeFailed(_ failure: TLSFailure) {
        switch failure {
        // A node that is starting or ending, or what stands before it: nothing was said about who it is.
        case .connectionLost: break
        case .peerRejected, .unknownServerName, .noOwnCertificate, .alertReceived, .library: hasFailedHandshake = true
        }
        pool.handshakeFailed(failure)
    }

    /// Under TLS 1.3 a client's handshake is done before the server has looked at its certificate: what the server makes of that
    /// comes where its SETTINGS should (RFC 8446 § 2). After them it ends a connection that was good.
    override func alertReceived(_ alert: TLSAlert) {
        guard !hasSettings else { return pool.connectionRefused(alert) }
        hasFailedHandshake = alert.isOfHandshake
        pool.handshakeFailed(.alertReceived(alert))
    }

    /// Who has refused our certificate, or what came on the connection, takes nothing more, and the reason lies there to be read.
    override var readsAfterFailedWrite: Bool { isSecure }

    override func closed() {
        // Out of the pool first: what is tried again must not come back here.
        pool.forget(self)
        super.closed()
    }

    override var idleMilliseconds: UInt64 { bench.timeouts.upstreamIdle }

    override var headMilliseconds: UInt64 { bench.timeouts.response }

    override var patience: Keepalive.Patience { pool.patience }

    override func becameIdle() {
        if isDraining { endGracefully() }
    }

    override func receivedGoAway() { drain() }

    override func proofNeeded() {
        if !streams.isEmpty { pool.prove() }
    }

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
