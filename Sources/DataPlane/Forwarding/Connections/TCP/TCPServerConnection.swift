import EventLoops
import HTTPSemantics
import WireProtocols

/// A caller's connection whose bytes are its own affair: it goes to a service as it is.
final class TCPServerConnection: StreamConnection, ServerConnection, DownstreamStream {
    let listener: Listener
    private let peer: NetworkAddress
    private var exchange: Exchange?
    /// What came of a ClientHello, while its name is looked for.
    private var hello: [UInt8]?
    private var isRefused = false
    private var isResponseComplete = false
    private var lastProgress: DeadlineWheel.Time
    var registryIndex = -1

    init(worker: Worker, listener: Listener, peer: NetworkAddress, transport: consuming Transport) {
        self.listener = listener
        self.peer = peer
        lastProgress = worker.loop.now
        super.init(worker: worker, transport: transport, state: .handshaking)
    }

    // MARK: Life

    override func opened() {
        guard case .tcp(let view) = listener.view.role else { return abort() }
        if view.readsServerName {
            hello = []
        } else {
            begin(serverName: nil)
        }
    }

    /// Until it is known what TLS asks for.
    private func readHello(_ bytes: Span<UInt8>) {
        hello?.append(copying: bytes)
        guard let hello else { return }
        switch ClientHello.read(hello.span) {
        case .needsMore: break
        case .malformed: abort()
        case .serverName(let name):
            self.hello = nil
            begin(serverName: name.map { String(decoding: $0, as: UTF8.self) })
            if exchange != nil { received(hello.span) }
        }
    }

    private func begin(serverName: String?) {
        let exchange = worker.takeExchange()
        self.exchange = exchange
        exchange.startTunnel(
            from: self, origin: CallOrigin(listener: listener, peer: peer, serverName: serverName))
        updateDeadline()
    }

    override func closed() {
        worker.connectionClosed(self)
        let exchange = exchange
        self.exchange = nil
        exchange?.callerGone()
    }

    /// A connection has no last request: it lasts until its two sides end it, or the drain's time is over.
    func drain() {}

    func judgeAgain(in view: WorkerView) { exchange?.judgeAgain(in: view) }
    var queuedRequestByteCount: Int { exchange?.queuedRequestByteCount ?? 0 }

    // MARK: From the caller

    override func received(_ bytes: Span<UInt8>) {
        lastProgress = loop.now
        guard hello == nil else { return readHello(bytes) }
        guard let exchange else { return }
        exchange.sendBody(bytes)
        if bytes.count == Worker.scratchByteCount, exchange.isTunnelOpen, let target = exchange.plainUpstream,
            startRelay(to: target)
        {
            return
        }
        if exchange.isRequestCongested { pauseReading() }
    }

    override func relayed(_ byteCount: Int) { noteProgress() }

    /// Something went one way or the other.
    func noteProgress() { lastProgress = loop.now }

    override func inputEnded() {
        guard let exchange else { return finish() }
        exchange.endRequest(trailers: worker.noTrailers)
    }

    override func outputDrained() {
        lastProgress = loop.now
        exchange?.downstreamDrained()
    }

    func resumeRequest() { resumeReading() }

    // MARK: To the caller

    func sendHead(_ head: borrowing MessageHead, body: BodyLength) {
        isRefused = head.status >= 300
    }

    func sendInterim(_ head: borrowing MessageHead) {}

    func sendBody(_ bytes: Span<UInt8>) {
        guard !isRefused else { return }
        lastProgress = loop.now
        write(bytes)
    }

    func endResponse(trailers: borrowing MessageHead) {
        isResponseComplete = true
        if !isRefused { endOutput() }
    }

    /// As TCP says that something went wrong.
    func cutResponse() { abort() }

    var readsRestOfRequest: Bool { false }
    var carriesTrailers: Bool { false }
    var upgradesBySuccess: Bool { false }

    func exchangeEnded() {
        exchange = nil
        guard isOpen else { return }
        if isResponseComplete, hasInputEnded, !isRefused { finish() } else { abort() }
    }

    // MARK: Deadlines

    func requestDeadlineChanged() {}

    override func deadlineReached() {
        switch state {
        case .finishing: return abort()
        case .connecting, .handshaking, .lingering, .closed: return close()
        case .open: break
        }
        let now = loop.now
        guard hello == nil else { return abort() }
        if let due = outputDeadline, due <= now { return abort() }
        if lastProgress + worker.timeouts.tunnelIdle <= now, let exchange { return exchange.fail(.timeout) }
        updateDeadline()
    }

    private func updateDeadline() {
        guard isOpen else { return }
        setDeadline(min(outputDeadline ?? .max, max(lastProgress + worker.timeouts.tunnelIdle, loop.now + 1)))
    }
}
