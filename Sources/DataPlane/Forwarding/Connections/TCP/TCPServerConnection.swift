import CallOutcomes
import CallPlanning
import EventLoops
import HTTPSemantics
import Telemetry
import WireProtocols

/// A caller's connection whose bytes are its own affair: it goes to a service as it is.
final class TCPServerConnection: StreamConnection, ServerConnection, DownstreamStream {
    let host: any CallerHost
    let listener: Listener
    private let peer: NetworkAddress
    private var call: (any Call)?
    /// What came of a ClientHello, while its name is looked for.
    private var hello: [UInt8]?
    private var isRefused = false
    private var isResponseComplete = false
    private var hasSpoken = false
    private let acceptedAt: DeadlineWheel.Time
    var registryIndex = -1

    init(
        bench: Workbench, host: any CallerHost, listener: Listener, peer: NetworkAddress, transport: consuming Transport
    ) {
        self.host = host
        self.listener = listener
        self.peer = peer
        acceptedAt = bench.loop.now
        super.init(bench: bench, transport: transport, state: .handshaking)
    }

    // MARK: Life

    override func opened() {
        switch listener.view.role.firstProtocol {
        // By now it is another listener's.
        case .http: abort()
        case .bytes: begin(serverName: nil)
        case .clientHello: hello = []
        }
    }

    /// Until it is known what TLS asks for.
    private func readHello(_ bytes: Span<UInt8>) {
        hello?.append(copying: bytes)
        guard let hello else { return }
        switch ClientHello.read(hello.span) {
        case .needsMore: break
        case .malformed: refuse(.malformed)
        case .serverName(let name):
            self.hello = nil
            begin(serverName: name.map { String(decoding: $0, as: UTF8.self) })
            if call != nil { received(hello.span) }
        }
    }

    /// Nobody knows where it was to go.
    private func refuse(_ reason: FailureReason) {
        host.refused(status: 0, reason: reason, detail: "client-hello", listener: listener, peer: peer)
        abort()
    }

    private func begin(serverName: String?) {
        let call = host.takeCall()
        self.call = call
        let origin = CallOrigin(listener: listener, peer: peer, descriptor: descriptor, serverName: serverName)
        origin.lookAtProcess(bench)
        call.startTunnel(from: self, origin: origin)
        if isOpen { setDeadline(nil) }
    }

    override func closed() {
        host.connectionClosed(self)
        let call = call
        self.call = nil
        call?.callerGone()
    }

    /// A connection has no last request: it lasts until its two sides end it, or the drain's time is over.
    func drain() {}

    /// Until the first byte goes either way. After it nobody can tell what silence means; and while its call looks for an
    /// endpoint, the caller is waiting for us.
    var quietSince: DeadlineWheel.Time? {
        switch state {
        case .handshaking: acceptedAt
        case .open:
            hello != nil
                || (call?.isTunnelOpen ?? true) && !hasSpoken && writtenByteCount == 0 && queuedByteCount == 0
                ? acceptedAt : nil
        case .connecting, .finishing, .lingering, .closed: nil
        }
    }

    func judgeAgain() { call?.judgeAgain() }
    var queuedRequestByteCount: Int { call?.queuedRequestByteCount ?? 0 }

    // MARK: From the caller

    override func received(_ bytes: Span<UInt8>) {
        hasSpoken = true
        guard hello == nil else { return readHello(bytes) }
        guard let call else { return }
        call.sendBody(bytes)
        if bytes.count >= bench.bulkByteCount, call.isTunnelOpen, let target = call.plainUpstream {
            startPassing(to: target)
        }
        if call.isRequestCongested { pauseReading() }
    }

    override func passed(_ byteCount: Int) {
        if call?.isRequestCongested ?? false { pauseReading() }
    }

    override func inputEnded() {
        guard let call else { return finish() }
        call.endRequest(trailers: bench.noTrailers)
    }

    override func outputDrained() { call?.downstreamDrained() }

    func resumeRequest() { resumeReading() }

    func callerProgress() -> SideProgress { progress() }

    // MARK: To the caller

    func sendHead(_ head: borrowing MessageHead, body: ResponseBody) {
        isRefused = head.status >= 300
    }

    func sendInterim(_ head: borrowing MessageHead) {}

    func sendBody(_ bytes: Span<UInt8>) {
        guard !isRefused else { return }
        write(bytes)
    }

    func endResponse(trailers: borrowing MessageHead) {
        isResponseComplete = true
        if !isRefused { endOutput() }
    }

    func retractResponse() -> Bool { false }

    /// As TCP says that something went wrong.
    func cutResponse(passingOn: Bool) {
        if passingOn { abortAfterOutput() } else { abort() }
    }

    var readsRestOfRequest: Bool { false }
    var carriesTrailers: Bool { false }
    var upgradesBySuccess: Bool { false }

    func callEnded() {
        call = nil
        guard isOpen else { return }
        if isResponseComplete, hasInputEnded, !isRefused { finish() } else { abort() }
    }

    // MARK: Deadlines

    /// How long a call takes is none of the connection's: `CallDeadlines`. Here it is a ClientHello that did not come.
    override func deadlinePassed() {
        guard isOpen else { return close() }
        guard let hello else { return }
        // Who says nothing at all has asked for nothing.
        if hello.isEmpty { abort() } else { refuse(.timeout) }
    }
}
