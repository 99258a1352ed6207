import EventLoops
import HTTPSemantics
import WireProtocols

/// One call's stream on an HTTP/2 connection, as either side: its bytes on their way out, those whose window is not given
/// back yet, and its deadline. Kept by its worker and used again.
class CallStream: HTTP2Stream, EventHandler {
    final let bench: Workbench
    /// The worker's. Here, too, because to go by way of it counts references each time.
    final let loop: EventLoop
    final let blocks: BlockPool
    final var connection: HTTP2Connection?
    final var call: (any Call)?
    /// Its place in the connection's list; -1: none.
    final var index = -1
    /// When bytes or a head last came, or were last wanted again, in the loop's milliseconds.
    final var lastInput: DeadlineWheel.Time = 0
    /// When something was last sent, or the first of what is queued came.
    final var lastOutput: DeadlineWheel.Time = 0
    /// Where its last bytes end among all that the connection has sent; 0: the other side is known to have them.
    private final var outputEnd: UInt64 = 0
    /// The last frame waits for the other side's.
    private(set) final var holdsEnd = false

    private final var output = ByteQueue()
    private(set) final var isOutputComplete = false
    private(set) final var isInputComplete = false
    /// What the stream is reset with when all that is queued has gone.
    private final var cutCode: HTTP2ErrorCode?
    private final var hasTrailers = false
    private final var trailers = MessageHead(byteCapacity: 0, fieldCapacity: 0)
    /// Bytes received that nobody has taken yet, so that the other side may not send more for them on this stream.
    private final var heldBytes = 0
    private var registration = Registration.none

    init(bench: Workbench) {
        self.bench = bench
        loop = bench.loop
        blocks = bench.blocks
        super.init()
    }

    // MARK: Life

    final func begin(on connection: HTTP2Connection, _ call: any Call) {
        self.connection = connection
        self.call = call
        lastInput = loop.now
        lastOutput = loop.now
        outputEnd = 0
        connection.add(self)
    }

    /// Gives up its place on the loop, which would keep it alive.
    final func leaveLoop() {
        loop.unregister(registration)
        registration = .none
    }

    /// Lets go of everything but its memory.
    final func reset() {
        connection = nil
        call = nil
        output.removeAll(into: blocks)
        isOutputComplete = false
        isInputComplete = false
        holdsEnd = false
        cutCode = nil
        if hasTrailers { trailers.removeAll() }
        hasTrailers = false
        heldBytes = 0
        setDeadline(nil)
    }

    /// The connection is gone, and the stream with it.
    func connectionLost() {}

    // MARK: Output

    final var isCongested: Bool { output.count >= OutputQueue.highWatermark }
    final var queuedByteCount: Int { output.count }

    final func send(_ bytes: Span<UInt8>) {
        guard let connection else { return }
        let wasEmpty = output.isEmpty
        output.append(bytes, from: blocks)
        guard wasEmpty else { return }
        lastOutput = loop.now
        resume(connection)
    }

    final func endOutput(trailers: borrowing MessageHead) {
        guard let connection, !isOutputComplete else { return }
        isOutputComplete = true
        if output.isEmpty { lastOutput = loop.now }
        if trailers.fieldCount > 0 {
            hasTrailers = true
            self.trailers.copy(trailers)
        }
        resume(connection)
    }

    /// The head said that nothing follows it.
    final func noteOutputEndedWithHead() { isOutputComplete = true }

    /// Sends what there is, and not yet that it was all.
    final func holdEnd() { holdsEnd = true }

    final func releaseEnd() {
        guard holdsEnd else { return }
        holdsEnd = false
        if isOutputComplete, let connection { resume(connection) }
    }

    private func resume(_ connection: HTTP2Connection) {
        connection.session.resumeData(self)
        connection.requestOutput()
    }

    final override func nextData(limit: Int) -> HTTP2DataStep {
        if output.isEmpty {
            guard isOutputComplete, !holdsEnd else { return .wait }
            return hasTrailers ? .trailers : .bytes(0, isLast: true)
        }
        let count = min(limit, output.count)
        return .bytes(
            count, isLast: isOutputComplete && cutCode == nil && !holdsEnd && !hasTrailers && count == output.count)
    }

    final override func writeData(_ count: Int) {
        guard let connection else { return }
        let before = output.count
        connection.write(count, of: &output)
        lastOutput = loop.now
        outputEnd = connection.outputOffset
        if output.isEmpty, let cutCode { return reset(cutCode) }
        if before > OutputQueue.lowWatermark, output.count <= OutputQueue.lowWatermark { outputDrained() }
    }

    final override func sendTrailers() {
        connection?.session.submitTrailers(trailers, on: self)
    }

    /// What was queued fell below the low watermark.
    func outputDrained() {}

    // MARK: Input

    /// - Parameter isHeld: Whoever they are for takes no more for now; `giveBackWindow` follows when it does.
    final func received(bodyBytes: Int, isHeld: Bool) {
        guard let connection else { return }
        connection.received(bodyBytes: bodyBytes)
        if isHeld {
            heldBytes += bodyBytes
        } else {
            connection.session.consume(self, bodyBytes + heldBytes)
            heldBytes = 0
        }
    }

    /// What is queued here has made no progress for too long: none of it was taken, nor of what the connection has of it. Asks the
    /// kernel, but only where it would seem so.
    private func hasStalled() -> Bool {
        guard lastOutput + bench.timeouts.stream <= loop.now else { return false }
        if let last = connection?.readerProgress(upTo: &outputEnd) { lastOutput = max(lastOutput, last) }
        return lastOutput + bench.timeouts.stream <= loop.now
    }

    /// What the deadlines of a call go by.
    final func progress() -> SideProgress {
        if !output.isEmpty { _ = hasStalled() }
        return SideProgress(
            lastInput: lastInput, lastOutput: lastOutput, isAwaited: !output.isEmpty, isHeldBack: heldBytes > 0)
    }

    /// What was held is taken.
    final func giveBackWindow() {
        lastInput = loop.now
        guard heldBytes > 0, let connection else { return }
        connection.session.consume(self, heldBytes)
        heldBytes = 0
        connection.requestOutput()
    }

    /// Ends the stream, in both directions, when what is queued has gone: in `timeouts.stream` at the latest.
    final func resetAfterOutput(_ code: HTTP2ErrorCode) {
        guard !output.isEmpty, connection != nil else { return reset(code) }
        cutCode = code
        awaitEnd()
    }

    /// The call is over, and the stream is not: it ends when its last frames have gone, or when none of them has for too long.
    final func awaitEnd() {
        lastOutput = loop.now
        setDeadline(loop.now + bench.timeouts.stream)
    }

    final func noteInputComplete() { isInputComplete = true }

    /// Ends the stream at once, in both directions.
    final func reset(_ code: HTTP2ErrorCode) {
        guard let connection else { return }
        output.removeAll(into: blocks)
        connection.session.reset(self, code)
        connection.requestOutput()
    }

    // MARK: EventHandler

    /// Of the stream itself: how long its call takes is `CallDeadlines`' to say.
    final func setDeadline(_ deadline: DeadlineWheel.Time?) {
        if registration.isNone {
            guard deadline != nil else { return }
            registration = loop.register(self)
        }
        loop.setDeadline(registration, to: deadline)
    }

    final func deadlineReached() {
        guard call == nil else { return }
        if hasStalled() { reset(cutCode ?? .cancel) } else { setDeadline(lastOutput + bench.timeouts.stream) }
    }

    final func ready(_ events: ReadyEvents) {}
    final func turnEnded() {}
}
