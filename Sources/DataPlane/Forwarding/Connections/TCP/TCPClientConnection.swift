import EventLoops
import HTTPSemantics

/// A connection to a workload whose bytes are its own affair. One caller's, from its first byte to its last.
final class TCPClientConnection: StreamConnection, PooledConnection, UpstreamStream {
    private let pool: UpstreamPool
    private var exchange: Exchange?
    private var isConnected = false
    private var isRequestComplete = false
    private let connectDeadline: DeadlineWheel.Time

    init(worker: Worker, pool: UpstreamPool, transport: consuming Transport) {
        self.pool = pool
        connectDeadline = worker.loop.now + worker.timeouts.connect
        super.init(worker: worker, transport: transport, state: .connecting)
    }

    func begin(_ exchange: Exchange) {
        self.exchange = exchange
        setDeadline(connectDeadline)
        exchange.attach(to: self)
        exchange.replayBody(to: self)
    }

    // MARK: Life

    override func opened() {
        isConnected = true
        worker.counters.upstreamConnects += 1
        pool.reached()
        setDeadline(nil)
        exchange?.tunnelOpened()
    }

    override func connectFailed(errno: CInt) { pool.failed(.system(errno: errno)) }

    override func closed() { pool.forget(self) }

    override func broken() {
        let exchange = exchange
        self.exchange = nil
        exchange?.upstreamFailed(isConnected ? .badResponse : .notConnected)
    }

    /// How long a call takes is none of the connection's: `CallDeadlines`.
    override func deadlinePassed() {
        guard !isConnected else { return }
        pool.failed(.late)
        close()
        broken()
    }

    // MARK: To the workload

    func sendBody(_ bytes: Span<UInt8>) { write(bytes) }

    func endRequest(trailers: borrowing MessageHead) {
        isRequestComplete = true
        if hasInputEnded {
            exchange = nil
            finish()
        } else {
            endOutput()
        }
    }

    override func outputDrained() { exchange?.upstreamDrained() }

    var isUnsent: Bool { !isConnected }

    func cancel() {
        exchange = nil
        abort()
    }

    // MARK: From the workload

    override func received(_ bytes: Span<UInt8>) {
        guard let exchange else { return }
        exchange.receivedBody(bytes)
        if bytes.count >= worker.bulkByteCount, let target = exchange.plainDownstream { startPassing(to: target) }
        if exchange.isResponseCongested { pauseReading() }
    }

    override func passed(_ byteCount: Int) {
        guard let exchange else { return }
        exchange.passedResponse(byteCount)
        if exchange.isResponseCongested { pauseReading() }
    }

    override func inputEnded() {
        guard let exchange else { return finish() }
        if isRequestComplete {
            self.exchange = nil
            finish()
        }
        exchange.receivedEnd(trailers: worker.noTrailers)
    }

    func resumeResponse() { resumeReading() }

    func workloadProgress() -> SideProgress? { isConnected ? progress() : nil }
}
