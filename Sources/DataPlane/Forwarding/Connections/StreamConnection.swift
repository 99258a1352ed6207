import EventLoops
import HTTPSemantics
import SPIFFE
import SystemInterfaces
import TransportSecurity

/// A connection on a worker's loop: reads when there is something to read and somebody to take it, writes once at the
/// end of a turn, and ends in good order. What the bytes mean is its subclasses' affair.
class StreamConnection: EventHandler {
    enum State {
        /// The socket is not connected yet.
        case connecting
        case handshaking
        case open
        /// All is said: waits for the last bytes to go, then for the other side to close.
        case finishing
        case lingering
        case closed
    }

    /// How long a finished connection waits for the other side to close, in milliseconds, so that the last answer is
    /// not lost to a reset (RFC 9112 § 9.6).
    private static let lingerMilliseconds: UInt64 = 2_000

    let bench: Workbench
    /// The bench's. Here, too, because to go by way of it counts references each time.
    final let loop: EventLoop
    final let blocks: BlockPool
    private(set) var state: State
    private(set) var registration = Registration.none
    /// `nil` once closed: the descriptor and its keys are gone with it.
    private var transport: Transport?
    final let descriptor: CInt
    /// Under TLS. Kept here: to ask the transport would borrow it, which costs an allocation.
    final let isSecure: Bool
    private var output = OutputQueue()
    private var isReadPaused = false
    private var wantsRead = false
    /// Reading stopped for this turn before the socket was empty.
    private var hasEnoughOfTurn = false
    /// Where what comes goes without being looked at.
    private var sink: StreamConnection?
    private var wantsResume = false
    private var wantsOutputEnd = false
    private var inputHasEnded = false
    /// How long what the peer has proved is good for; `nil` where nothing was asked of it.
    final var term: Term?
    /// Bytes that went out since the connection was made.
    private(set) final var writtenByteCount: UInt64 = 0
    /// Bytes that the transport has been asked to send since: it may have made a record of them that must go as it is.
    private(set) final var offeredByteCount: UInt64 = 0
    final var reader = ReaderProgress()
    /// When bytes last came, or reading went on.
    private(set) final var lastRead: DeadlineWheel.Time
    /// What is queued is passed on, and then the connection is reset.
    private var resetsAtEnd = false

    init(bench: Workbench, transport: consuming Transport, state: State) {
        self.bench = bench
        loop = bench.loop
        blocks = bench.blocks
        descriptor = transport.socket.descriptor
        isSecure = transport.isSecure
        self.transport = consume transport
        self.state = state
        lastRead = bench.loop.now
    }

    /// Takes a connection over from another that has found out that it speaks another protocol.
    init(takingOver other: StreamConnection) {
        bench = other.bench
        loop = other.loop
        blocks = other.blocks
        descriptor = other.descriptor
        isSecure = other.isSecure
        state = .open
        inputHasEnded = other.inputHasEnded
        lastRead = other.lastRead
        term = other.term
        registration = other.registration
        transport = other.transport.take()
        other.state = .closed
        other.registration = .none
        loop.handOver(registration, to: self)
        // What the other has not read yet is told to nobody again.
        wantsRead = true
        loop.requestEndOfTurn(registration)
    }

    // MARK: What subclasses do

    /// Connected, and under TLS the handshake done.
    func opened() {}
    func received(_ bytes: Span<UInt8>) {}
    /// The other side ended its half in good order.
    func inputEnded() {}
    /// The connection is gone without having been closed by us. Called once; `close` has been.
    func broken() {}
    func handshakeFailed(_ failure: TLSFailure) {}
    /// The system could not connect the socket, which is about to be closed.
    func connectFailed(errno: CInt) {}
    /// The handshake was done on this side, and the other side has given up and said why; the connection is about to be closed.
    func alertReceived(_ alert: TLSAlert) {}
    /// What came before a write failed is still worth reading.
    var readsAfterFailedWrite: Bool { false }
    /// What was queued fell below the low watermark.
    func outputDrained() {}
    /// The turn's output is about to be written: the time to add to it. Called again as long as the socket takes all there is.
    /// - Returns: `false` if there is nothing more.
    func fillOutput() -> Bool { false }
    /// The end of a turn in which `resumeAtEndOfTurn` was called.
    func resumed() {}
    /// While the connection is being made, or open.
    func deadlinePassed() {}
    /// Gone, for whatever reason. Called once.
    func closed() {}
    /// The peer's certificate is about to end: nothing new begins here.
    func termEnds() {}
    /// What is still under way needs a new proof of who the peer is.
    func proofNeeded() {}

    // MARK: For subclasses

    final var isClosed: Bool { state == .closed }
    final var isOpen: Bool { state == .open }
    final var queuedByteCount: Int { output.count }
    final var isCongested: Bool { output.isCongested }
    final var hasInputEnded: Bool { inputHasEnded }
    /// What is known to have come is perhaps not all read yet.
    final var mayHaveInput: Bool { wantsRead || hasEnoughOfTurn }
    final var peerID: SPIFFEID? { transport?.peerID }
    /// What the other side has proved with its certificate; `nil`: it was not asked to.
    final var verifiedPeer: VerifiedPeer? { transport?.peer }
    /// How much of what was sent is under way still. Asks the kernel.
    final func unacknowledgedByteCount() -> Int? { transport?.unacknowledgedByteCount() }
    /// Where the other side came to. Asks the kernel.
    final var localAddress: NetworkAddress? { transport?.localAddress() }
    final var serverName: String? { transport?.serverName }
    /// What both sides agreed to speak (ALPN), once the handshake is done.
    final var applicationProtocol: String? { transport?.applicationProtocol }
    /// Where the next byte written stands among all of the connection.
    final var outputOffset: UInt64 { writtenByteCount + UInt64(output.count) }

    /// Forgets what is queued but its first bytes. None that were offered may be among those.
    final func truncateOutput(to byteCount: Int) {
        output.truncate(to: byteCount, pool: blocks)
    }

    /// Puts the connection on its loop.
    final func start() throws(SystemCallError) {
        registration = try loop.register(self, descriptor: descriptor)
    }

    final func setDeadline(_ deadline: DeadlineWheel.Time?) {
        loop.setDeadline(registration, to: deadline)
    }

    final func setDeadline(after milliseconds: UInt64) {
        loop.setDeadline(registration, to: loop.now + milliseconds)
    }

    final func write(_ bytes: Span<UInt8>) {
        guard state != .closed else { return }
        if output.isEmpty { reader.began(at: loop.now) }
        output.append(bytes, from: blocks)
        loop.requestEndOfTurn(registration)
    }

    final func write(_ bytes: [UInt8]) { write(bytes.span) }
    final func write(_ bytes: borrowing ByteBuffer) { write(bytes.span) }

    /// Writes the first `byteCount` bytes of a queue.
    final func write(_ byteCount: Int, of queue: inout ByteQueue) {
        guard state != .closed else { return queue.drop(byteCount, into: blocks) }
        if output.isEmpty { reader.began(at: loop.now) }
        output.append(byteCount, of: &queue, pool: blocks)
        loop.requestEndOfTurn(registration)
    }

    /// There is something that `fillOutput` will write.
    final func requestOutput() { loop.requestEndOfTurn(registration) }

    final func pauseReading() { isReadPaused = true }

    final var isReadingPaused: Bool { isReadPaused }

    /// Goes on with what waits here once the handlers at work now are done, so that no two work on the same call.
    final func resumeAtEndOfTurn() {
        wantsResume = true
        loop.requestEndOfTurn(registration)
    }

    final func resumeReading() {
        guard isReadPaused else { return }
        isReadPaused = false
        wantsRead = true
        lastRead = loop.now
        loop.requestEndOfTurn(registration)
    }

    /// Nothing more will be written: says so once all that is queued is; reading goes on.
    final func endOutput() {
        guard state == .open || state == .connecting || state == .handshaking else { return }
        wantsOutputEnd = true
        loop.requestEndOfTurn(registration)
    }

    /// Closes once all that is queued is written, and the other side has had the chance to read it.
    final func finish() {
        switch state {
        case .connecting, .handshaking: close()
        case .open:
            state = .finishing
            setDeadline(after: bench.timeouts.stream)
            loop.requestEndOfTurn(registration)
        case .finishing, .lingering, .closed: break
        }
    }

    /// Closes so that the other side cannot take what it has for the whole.
    final func abort() {
        guard state != .closed else { return }
        transport?.resetOnClose()
        close()
    }

    /// The same, once all that is queued has gone.
    final func abortAfterOutput() {
        guard state == .open, !output.isEmpty else { return abort() }
        resetsAtEnd = true
        finish()
    }

    final func close() {
        guard state != .closed else { return }
        state = .closed
        sink = nil
        loop.unregister(registration)
        output.removeAll(into: blocks)
        transport = nil
        closed()
    }

    /// Closes at once, in as good order as that allows: another needs the descriptor.
    func giveWay() {
        if state == .open { flush() }
        if state == .open { transport?.endOutput() }
        close()
    }

    /// What came was not read yet. Asks the kernel.
    final var hasUnreadInput: Bool { transport?.hasUnreadInput() ?? false }

    /// How long a connection idles before its TLS session gives its buffers back, in milliseconds: they are 33 KiB, and come
    /// back with the next record.
    static let bufferReleaseMilliseconds: UInt64 = 1_000

    final func releaseIdleBuffers() { transport?.releaseBuffers() }

    // MARK: EventHandler

    final func ready(_ events: ReadyEvents) {
        transport?.note(events)
        switch state {
        case .connecting:
            guard events.contains(.writable) || events.contains(.failed) || events.contains(.hangup) else { return }
            guard let error = transport?.connectError() else { return fail() }
            guard error == 0 else {
                connectFailed(errno: error)
                return fail()
            }
            state = .handshaking
            advanceHandshake()
        case .handshaking: advanceHandshake()
        case .open, .finishing:
            // The kernel tells, too, where nothing waits to be written.
            if events.contains(.writable), !output.isEmpty { loop.requestEndOfTurn(registration) }
            read()
            // Of one that has ended its half no read tells it.
            if inputHasEnded, events.contains(.failed) { fail() }
        case .lingering: discardInput()
        case .closed: break
        }
    }

    final func deadlineReached() {
        switch state {
        case .connecting, .handshaking, .open: deadlinePassed()
        case .finishing:
            // What was not read yet must not look like the end.
            guard !output.isEmpty, readerGoesOn() else { return abort() }
            setDeadline(after: bench.timeouts.stream)
        case .lingering: close()
        case .closed: break
        }
    }

    final func turnEnded() {
        switch state {
        case .open, .finishing:
            if wantsResume {
                wantsResume = false
                resumed()
            }
            if wantsRead {
                wantsRead = false
                read()
            }
            flush()
        case .connecting, .handshaking, .lingering, .closed: break
        }
    }

    // MARK: Moving bytes

    private func advanceHandshake() {
        switch transport!.handshake() {
        case .inProgress: break
        case .done:
            state = .open
            opened()
            guard state != .closed else { return }
            read()
            if state != .closed, !output.isEmpty { loop.requestEndOfTurn(registration) }
        case .failed(let failure):
            handshakeFailed(failure)
            fail()
        }
    }

    private func read() {
        var share = TurnShare()
        hasEnoughOfTurn = false
        while !isReadPaused, !inputHasEnded, state == .open || state == .finishing {
            guard share.takesRead(clock: EventLoop.microseconds) else {
                hasEnoughOfTurn = true
                return loop.requestNextTurn(registration)
            }
            let target = openSink
            switch take(for: target) {
            case .bytes(let count):
                if state == .finishing { continue }
                lastRead = loop.now
                guard target == nil else {
                    passed(count)
                    continue
                }
                let bytes = unsafe UnsafeBufferPointer(rebasing: bench.scratch[..<count]).span
                received(bytes)
            case .wouldBlock: return
            case .ended:
                inputHasEnded = true
                if state == .open { inputEnded() }
                return
            case .broken:
                if transport!.isFlooded { bench.counters.tlsFloods += 1 }
                if let alert = transport!.receivedAlert { alertReceived(alert) }
                return fail()
            }
        }
    }

    // MARK: Inside the kernel

    /// Passes what comes on to another connection from now on, without looking at it. Both in plain.
    ///
    /// It is another way for bytes to get into the output of the other, and nothing else: when this side is held back, when the
    /// other is late, how each half ends and what becomes of bytes whose source broke off is as with bytes that were looked at.
    /// Where that cannot be, or no pipe is left, they are copied as before.
    final func startPassing(to target: StreamConnection) {
        guard sink == nil, !isSecure, !target.isSecure, isOpen, target.isOpen, bench.descriptors.admitsPipe,
            target.output.beginPassing(whenOver: { [bench] in bench.descriptors.changePipes(by: -1) })
        else { return }
        bench.descriptors.changePipes(by: 1)
        sink = target
    }

    /// Bytes were passed on: the time to pause if the other side has enough.
    func passed(_ byteCount: Int) {}

    private var openSink: StreamConnection? {
        guard let sink, state == .open, sink.state == .open else { return nil }
        return sink
    }

    /// Reads into the worker's buffer, or past it.
    private func take(for target: StreamConnection?) -> Transport.Input {
        guard let target else {
            return unsafe transport!.receive(into: UnsafeMutableRawBufferPointer(bench.scratch))
        }
        let wasEmpty = target.output.isEmpty
        let input = target.output.pass(from: &transport!)
        if case .bytes = input {
            if wasEmpty { target.reader.began(at: loop.now) }
            // Not at the end of the turn: a pipe takes more only when it is empty.
            _ = target.sendOutput()
        }
        return input
    }

    private func flush() {
        while true {
            let isFilled = fillOutput()
            guard state == .open || state == .finishing else { return }
            let hadOutput = !output.isEmpty
            guard sendOutput() else { return }
            guard isFilled, hadOutput, output.isEmpty else { break }
        }
        if wantsOutputEnd, output.isEmpty {
            wantsOutputEnd = false
            transport!.endOutput()
        }
        guard state == .finishing, output.isEmpty else { return }
        if resetsAtEnd { return abort() }
        transport!.endOutput()
        if inputHasEnded { return close() }
        state = .lingering
        setDeadline(after: Self.lingerMilliseconds)
        discardInput()
    }

    /// - Returns: `false` if the connection is broken.
    private func sendOutput() -> Bool {
        guard !output.isEmpty else { return true }
        let before = output.count
        let wasDrained = output.isDrained
        offeredByteCount = writtenByteCount + UInt64(before)
        let isAlive = output.send(to: &transport!, pool: blocks)
        writtenByteCount += UInt64(before - output.count)
        guard isAlive else {
            readLastWords()
            fail()
            return false
        }
        // From here on only the kernel knows whether it goes on.
        if !output.isEmpty { lookAtReader() }
        if output.count < before {
            reader.took(at: loop.now)
            if state == .finishing { setDeadline(after: bench.timeouts.stream) }
        }
        if !wasDrained, output.isDrained { outputDrained() }
        return state != .closed
    }

    /// Reads what has come, though the loop has not said so yet.
    final func readNow() {
        transport?.note(.readable)
        read()
    }

    /// Who takes no more may have said why.
    private func readLastWords() {
        if state == .open, readsAfterFailedWrite { readNow() }
    }

    private func discardInput() {
        var share = TurnShare()
        while share.takesRead(clock: EventLoop.microseconds) {
            switch unsafe transport!.receive(into: UnsafeMutableRawBufferPointer(bench.scratch)) {
            case .bytes: continue
            case .wouldBlock: return
            case .ended, .broken: return close()
            }
        }
        loop.requestNextTurn(registration)
    }

    private func fail() {
        guard state != .closed else { return }
        close()
        broken()
    }
}
