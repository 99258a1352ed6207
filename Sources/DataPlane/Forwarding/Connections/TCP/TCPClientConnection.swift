import EventLoops
import HTTPSemantics

/// A connection to a workload whose bytes are its own affair. One caller's, from its first byte to its last.
final class TCPClientConnection: StreamConnection, PooledConnection, UpstreamStream {
    private let pool: any TCPConnectionOwner
    private var call: (any Call)?
    private var isConnected = false
    private var isRequestComplete = false
    private let connectDeadline: DeadlineWheel.Time

    init(bench: Workbench, pool: any TCPConnectionOwner, transport: consuming Transport) {
        self.pool = pool
        connectDeadline = bench.loop.now + bench.timeouts.connect
        super.init(bench: bench, transport: transport, state: .connecting)
    }

    func begin(_ call: any Call) {
        self.call = call
        setDeadline(connectDeadline)
        call.attach(to: self)
        call.replayBody(to: self)
    }

    // MARK: Life

    override func opened() {
        isConnected = true
        bench.counters.upstreamConnects += 1
        pool.reached()
        setDeadline(nil)
        call?.tunnelOpened()
    }

    override func connectFailed(errno: CInt) { pool.failed(.system(errno: errno)) }

    override func closed() { pool.forget(self) }

    override func broken() {
        let call = call
        self.call = nil
        call?.upstreamFailed(isConnected ? .badResponse : .notConnected)
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
            call = nil
            finish()
        } else {
            endOutput()
        }
    }

    override func outputDrained() { call?.upstreamDrained() }

    var isUnsent: Bool { !isConnected }

    func cancel() {
        call = nil
        abort()
    }

    // MARK: From the workload

    override func received(_ bytes: Span<UInt8>) {
        guard let call else { return }
        call.receivedBody(bytes)
        if bytes.count >= bench.bulkByteCount, let target = call.plainDownstream { startPassing(to: target) }
        if call.isResponseCongested { pauseReading() }
    }

    override func passed(_ byteCount: Int) {
        guard let call else { return }
        call.passedResponse(byteCount)
        if call.isResponseCongested { pauseReading() }
    }

    override func inputEnded() {
        guard let call else { return finish() }
        if isRequestComplete {
            self.call = nil
            finish()
        }
        call.receivedEnd(trailers: bench.noTrailers)
    }

    func resumeResponse() { resumeReading() }

    func workloadProgress() -> SideProgress? { isConnected ? progress() : nil }
}
